-- Sums by day as a viewer in `zone` counts days.
SELECT
    toDate(slot, {zone:String}) AS day,
    product_id,
    event_type,
    currency,
    sum(s.events) AS events,
    sum(s.quantity) AS quantity,
    sum(s.revenue) AS revenue
FROM daily_product_stats AS s
WHERE slot >= toDateTime({since:DateTime64(3, 'UTC')}) AND slot < toDateTime({until:DateTime64(3, 'UTC')})
GROUP BY day, product_id, event_type, currency
ORDER BY day, product_id, event_type, currency
