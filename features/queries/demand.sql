-- Demand of the days that were over by as_of, as far as it had arrived by known_at. Days and times are UTC.
-- A correction replaces what it corrects, from when it was known; one to NULL takes the day back.
-- Two values that arrived at one moment are both kept: which one is right is for the contract to ask.
SELECT
    series_id,
    ds,
    y,
    department,
    known_promo_share,
    known_price_usd,
    regressors
FROM
(
    SELECT
        *,
        rank() OVER (PARTITION BY series_id, ds ORDER BY ingested_at DESC) AS version
    FROM daily_demand
    WHERE event_time + INTERVAL 1 DAY <= {as_of:DateTime64(3, 'UTC')}
        AND ingested_at <= {known_at:DateTime64(3, 'UTC')}
)
WHERE version = 1 AND y IS NOT NULL
