-- The rows of some events; `sent` comes with the query.
SELECT * FROM {table:Identifier} WHERE event_id IN (SELECT event_id FROM sent)
