-- One row an image and label; the bytes are in the image store under image_id, their SHA-256.

CREATE TABLE IF NOT EXISTS leaf_images
(
    event_id String,
    event_time DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    image_id String,
    label LowCardinality(String),
    crop LowCardinality(String),
    condition LowCardinality(String),
    source String DEFAULT '',
    width UInt32,
    height UInt32,
    bytes UInt64
)
ENGINE = MergeTree
ORDER BY (label, image_id, event_id)
SETTINGS non_replicated_deduplication_window = 10000;
