-- Which of some events a table has; `sent` comes with the query. The projection `event_ids` answers.
SELECT DISTINCT event_id FROM {table:Identifier} WHERE event_id IN (SELECT event_id FROM sent)
