-- Values of a day that arrived at one moment, of which nobody knows which one is right.
SELECT event_id
FROM daily_demand
WHERE y IS NOT NULL AND (series_id, ds, ingested_at) IN
(
    SELECT series_id, ds, ingested_at FROM daily_demand WHERE y IS NOT NULL
    GROUP BY series_id, ds, ingested_at HAVING count() > 1
)
