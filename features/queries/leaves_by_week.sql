-- Leaf photographs from `since` to before as_of, known by known_at, with when each was taken. Times are UTC.
SELECT
    min(l.event_time) AS event_time,
    l.image_id AS image_id,
    l.label AS label
FROM leaf_images AS l
WHERE l.event_time >= {since:DateTime64(3, 'UTC')}
    AND l.event_time < {as_of:DateTime64(3, 'UTC')}
    AND l.ingested_at <= {known_at:DateTime64(3, 'UTC')}
GROUP BY image_id, label
ORDER BY event_time, image_id, label
