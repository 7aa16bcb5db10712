-- Every answer that was served, and what it was asked.

CREATE TABLE IF NOT EXISTS predictions
(
    event_id String COMMENT 'the prediction_id',
    event_time DateTime64(3, 'UTC') COMMENT 'when it was answered',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    prediction_id String,
    service LowCardinality(String),
    model_name LowCardinality(String),
    model_version LowCardinality(String),
    arm LowCardinality(String) DEFAULT 'champion',
    user_id String DEFAULT '',
    request String COMMENT 'JSON',
    response String COMMENT 'JSON',
    latency_ms Float64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(event_time)
ORDER BY (service, event_time, event_id)
SETTINGS non_replicated_deduplication_window = 10000;
