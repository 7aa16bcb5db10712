-- What can be bought. The newest row of an item is the item.

CREATE TABLE IF NOT EXISTS items
(
    event_id String COMMENT 'of this description: the same text again adds nothing',
    event_time DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    item_id String,
    department LowCardinality(String) DEFAULT '',
    category String DEFAULT '',
    type String DEFAULT '',
    brand String DEFAULT '',
    package_size String DEFAULT '',
    title String DEFAULT '',
    price Nullable(Float64),
    currency LowCardinality(String) DEFAULT ''
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY item_id
SETTINGS non_replicated_deduplication_window = 10000;
