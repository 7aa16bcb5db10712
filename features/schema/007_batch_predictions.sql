-- Answers given in advance, one row a request of a batch. The id follows from batch, version and request, so a batch
-- that is written again, or goes on after a crash, adds only what is missing.

CREATE TABLE IF NOT EXISTS batch_predictions
(
    event_id String,
    event_time DateTime64(3, 'UTC') COMMENT 'when it was answered',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    batch_id String,
    as_of DateTime64(3, 'UTC') COMMENT 'the moment that the batch stands for',
    model_name LowCardinality(String),
    model_version LowCardinality(String),
    unit String COMMENT 'whom or what the answer is for: a user, a series',
    user_id String DEFAULT '' COMMENT 'the unit where it is a person',
    request String COMMENT 'JSON',
    response String COMMENT 'JSON'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(event_time)
ORDER BY (model_name, batch_id, unit, event_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- One row a recommended product, rank 1 first.

CREATE VIEW IF NOT EXISTS batch_recommendations AS
SELECT
    batch_id,
    as_of,
    model_version,
    user_id,
    JSONExtractString(request, 'mode') AS mode,
    toUInt16(rank) AS rank,
    product.product_id AS product_id,
    product.score AS score,
    product.reason AS reason
FROM
(
    SELECT
        *,
        JSONExtract(response, 'recommendations', 'Array(Tuple(product_id String, score Float64, reason String))') AS products
    FROM batch_predictions
    WHERE model_name = 'recommender'
)
ARRAY JOIN products AS product, arrayEnumerate(products) AS rank;
