-- Distinct events of a staging table that its table does not have, and a name for that set of events.
SELECT uniqExact(event_id) AS events, hex(groupBitXor(sipHash64(event_id))) AS digest
FROM (SELECT DISTINCT event_id FROM {staging:Identifier})
WHERE event_id NOT IN
(
    SELECT event_id FROM {table:Identifier} WHERE event_id IN (SELECT event_id FROM {staging:Identifier})
)
