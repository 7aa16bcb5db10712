-- Distinct events of a staging table that its table does not have, and a name for that set of events. The name changes
-- when rows are deleted, since ClickHouse takes a name that it remembers for a repetition and adds nothing.
SELECT
    uniqExact(event_id) AS events,
    hex(groupBitXor(sipHash64(event_id))) || (
        SELECT toString((count(), toUnixTimestamp(max(create_time))))
        FROM system.mutations
        WHERE database = currentDatabase() AND table = {table_name:String}
    ) AS digest
FROM (SELECT DISTINCT event_id FROM {staging:Identifier})
WHERE event_id NOT IN
(
    SELECT event_id FROM {table:Identifier} WHERE event_id IN (SELECT event_id FROM {staging:Identifier})
)
