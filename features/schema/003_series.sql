-- Series and seasons. A correction is a new row; the newest by ingested_at is the value.

CREATE TABLE IF NOT EXISTS daily_demand
(
    event_id String,
    event_time DateTime64(3, 'UTC') COMMENT 'start of the day',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    series_id String,
    ds Date32,
    y Nullable(Float64),
    department LowCardinality(String) DEFAULT '',
    known_promo_share Nullable(Float64),
    known_price_usd Nullable(Float64),
    regressors Map(String, Float64),
    shift_weeks UInt16 DEFAULT 0
)
ENGINE = MergeTree
ORDER BY (series_id, ds, ingested_at, event_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS field_seasons
(
    event_id String,
    event_time DateTime64(3, 'UTC') COMMENT 'harvest',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    field_id String,
    region LowCardinality(String),
    crop LowCardinality(String),
    season LowCardinality(String) DEFAULT '',
    year UInt16,
    yield_t_per_ha Nullable(Float64),
    area_ha Nullable(Float64),
    weather Map(LowCardinality(String), Float64),
    soil Map(LowCardinality(String), Float64),
    CONSTRAINT yield_is_sane CHECK yield_t_per_ha IS NULL OR yield_t_per_ha >= 0
)
ENGINE = MergeTree
ORDER BY (crop, region, year, field_id, event_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS market_prices
(
    event_id String,
    event_time DateTime64(3, 'UTC') COMMENT 'start of the market day',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    series_id String,
    ds Date32,
    price Float64,
    currency LowCardinality(String),
    unit LowCardinality(String) DEFAULT '',
    market LowCardinality(String) DEFAULT '',
    regressors Map(String, Float64),
    CONSTRAINT price_has_a_currency CHECK currency != '' AND price >= 0
)
ENGINE = MergeTree
ORDER BY (series_id, ds, ingested_at, event_id)
SETTINGS non_replicated_deduplication_window = 10000;
