SELECT * FROM {table:Identifier} WHERE event_id IN (SELECT event_id FROM {listed:Identifier})
