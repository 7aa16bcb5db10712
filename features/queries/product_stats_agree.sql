-- Whether the sums of some UTC days count the events that there are.
SELECT
(
    SELECT count() FROM product_events WHERE toDate(toDateTime(event_time, 'UTC'), 'UTC') IN {days:Array(Date)}
) = (
    SELECT sum(events) FROM product_stats_quarter_hour WHERE toDate(slot, 'UTC') IN {days:Array(Date)}
) AS agree
