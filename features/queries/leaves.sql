-- Leaf photographs taken before as_of and known by known_at, one row an image and label. Times are UTC.
SELECT
    image_id,
    label,
    any(crop) AS crop,
    any(condition) AS condition
FROM leaf_images
WHERE event_time < {as_of:DateTime64(3, 'UTC')}
    AND ingested_at <= {known_at:DateTime64(3, 'UTC')}
GROUP BY image_id, label
