-- Sums by quarter of an hour, so that a day can begin when the viewer's day begins: every time zone in
-- use is a multiple of 15 minutes from UTC. The type of event and the currency are in the sorting key:
-- a column outside it is lost when rows are summed.

CREATE TABLE IF NOT EXISTS product_stats_quarter_hour
(
    slot DateTime('UTC') COMMENT 'start of the quarter of an hour, UTC',
    product_id String,
    event_type LowCardinality(String),
    currency LowCardinality(String),
    events UInt64,
    quantity Float64,
    revenue Float64 COMMENT 'quantity times price of one unit, in currency; purchases only'
)
ENGINE = SummingMergeTree((events, quantity, revenue))
PARTITION BY toYear(slot)
ORDER BY (slot, product_id, event_type, currency)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_product_stats TO product_stats_quarter_hour AS
SELECT
    toStartOfFifteenMinutes(toDateTime(event_time, 'UTC')) AS slot,
    product_id,
    event_type,
    currency,
    count() AS events,
    sum(e.quantity) AS quantity,
    sumIf(e.quantity * coalesce(e.price, 0), event_type = 'purchase') AS revenue
FROM product_events AS e
GROUP BY slot, product_id, event_type, currency;

-- Distinct people cannot be summed: a day here is a UTC day, and says so.

CREATE TABLE IF NOT EXISTS product_users_utc_day
(
    utc_day Date,
    product_id String,
    event_type LowCardinality(String),
    users AggregateFunction(uniq, String)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(utc_day)
ORDER BY (utc_day, product_id, event_type)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_product_users TO product_users_utc_day AS
SELECT
    toDate(event_time, 'UTC') AS utc_day,
    product_id,
    event_type,
    uniqState(user_id) AS users
FROM product_events
GROUP BY utc_day, product_id, event_type;
