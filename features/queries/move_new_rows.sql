-- Move each event of a staging table that its table does not have, once.
INSERT INTO {table:Identifier} (/* columns */)
SELECT /* columns */
FROM {staging:Identifier}
WHERE event_id NOT IN
(
    SELECT event_id FROM {table:Identifier} WHERE event_id IN (SELECT event_id FROM {staging:Identifier})
)
LIMIT 1 BY event_id
