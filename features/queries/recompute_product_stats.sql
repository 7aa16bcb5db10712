-- The sums of some UTC days again from their events: a view is told of inserts and of no deletion.
DELETE FROM product_stats_quarter_hour WHERE toDate(slot, 'UTC') IN {days:Array(Date)};

INSERT INTO product_stats_quarter_hour
SELECT
    toStartOfFifteenMinutes(toDateTime(e.event_time, 'UTC')) AS slot,
    product_id,
    event_type,
    currency,
    count() AS events,
    sum(e.quantity) AS quantity,
    sumIf(e.quantity * coalesce(e.price, 0), event_type = 'purchase') AS revenue
FROM product_events AS e
WHERE toDate(toDateTime(e.event_time, 'UTC'), 'UTC') IN {days:Array(Date)}
GROUP BY slot, product_id, event_type, currency
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0;

DELETE FROM product_users_utc_day WHERE utc_day IN {days:Array(Date)};

INSERT INTO product_users_utc_day
SELECT
    toDate(toDateTime(e.event_time, 'UTC'), 'UTC') AS utc_day,
    product_id,
    event_type,
    uniqState(user_id) AS users
FROM product_events AS e
WHERE toDate(toDateTime(e.event_time, 'UTC'), 'UTC') IN {days:Array(Date)}
GROUP BY utc_day, product_id, event_type
SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0;
