-- What people did. Times are UTC; ids are strings; one event, one event_id, for ever.
-- Every table that takes events remembers its last batches, so a batch sent again adds nothing.

CREATE TABLE IF NOT EXISTS user_events
(
    event_id String,
    event_time DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    user_id String,
    session_id String DEFAULT '',
    event_type LowCardinality(String),
    product_id String DEFAULT '',
    prediction_id String DEFAULT '',
    device LowCardinality(String) DEFAULT '',
    country LowCardinality(String) DEFAULT '',
    ip_prefix String DEFAULT '' COMMENT 'the network an address was in, never the address',
    properties Map(LowCardinality(String), String),
    CONSTRAINT ip_is_a_network CHECK ip_prefix = '' OR match(ip_prefix, '^([0-9]{1,3}\\.){3}0/24$|^[0-9a-f:]+::/48$')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(event_time)
ORDER BY (user_id, event_time, event_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS product_events
(
    event_id String,
    event_time DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    user_id String,
    product_id String,
    event_type LowCardinality(String) DEFAULT 'purchase',
    quantity Float64 DEFAULT 1,
    price Nullable(Float64) COMMENT 'of one unit, in currency; NULL where the event has none',
    currency LowCardinality(String) DEFAULT '',
    rating Nullable(Float64),
    order_id String DEFAULT '',
    prediction_id String DEFAULT '' COMMENT 'the answer that led here',
    shift_weeks UInt16 DEFAULT 0 COMMENT 'whole weeks added to the time in the source',
    CONSTRAINT quantity_is_sane CHECK isFinite(quantity) AND quantity >= 0,
    CONSTRAINT price_has_a_currency CHECK price IS NULL OR currency != ''
)
ENGINE = MergeTree
PARTITION BY toYear(event_time)
ORDER BY (product_id, event_type, event_time, event_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS order_events
(
    event_id String,
    event_time DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    order_id String,
    user_id String,
    status LowCardinality(String),
    total Float64 DEFAULT 0,
    currency LowCardinality(String) DEFAULT '',
    region LowCardinality(String) DEFAULT '',
    CONSTRAINT total_has_a_currency CHECK total = 0 OR currency != ''
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(event_time)
ORDER BY (order_id, event_time, event_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS gps_positions
(
    event_id String,
    event_time DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    device_id String,
    mission_id String DEFAULT '',
    lat_deg Float64,
    lon_deg Float64,
    altitude_m Nullable(Float32),
    speed_mps Nullable(Float32),
    accuracy_m Nullable(Float32),
    CONSTRAINT is_on_earth CHECK abs(lat_deg) <= 90 AND abs(lon_deg) <= 180
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(event_time)
ORDER BY (device_id, event_time, event_id)
SETTINGS non_replicated_deduplication_window = 10000;
