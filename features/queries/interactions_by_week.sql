-- What the drift check compares of events: those from `since` to before as_of, known by known_at. Times are UTC.
SELECT
    e.event_time AS event_time,
    e.event_type AS event_type,
    e.quantity AS quantity,
    e.price AS price,
    toInt64(toHour(e.event_time, 'UTC')) AS hour_of_day,
    toInt64(toDayOfWeek(e.event_time, 1, 'UTC')) AS day_of_week,
    if(i.department = '', 'unknown', i.department) AS department
FROM product_events AS e
LEFT ANY JOIN (SELECT item_id, department FROM items FINAL) AS i ON i.item_id = e.product_id
WHERE e.event_time >= {since:DateTime64(3, 'UTC')}
    AND e.event_time < {as_of:DateTime64(3, 'UTC')}
    AND e.ingested_at <= {known_at:DateTime64(3, 'UTC')}
