-- What people did with products before as_of, as far as it had arrived by known_at. Times are UTC.
SELECT
    user_id,
    product_id AS item_id,
    event_time AS timestamp,
    event_type,
    quantity,
    price,
    rating
FROM product_events
WHERE event_time < {as_of:DateTime64(3, 'UTC')}
    AND ingested_at <= {known_at:DateTime64(3, 'UTC')}
