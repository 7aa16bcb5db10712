-- The catalogue as it was known by known_at: of each item its newest description until then. Times are UTC.
SELECT
    item_id,
    department,
    category,
    type,
    brand,
    package_size,
    title,
    price,
    seller,
    season,
    stock
FROM items
WHERE ingested_at <= {known_at:DateTime64(3, 'UTC')}
ORDER BY item_id, ingested_at DESC, event_id
LIMIT 1 BY item_id
