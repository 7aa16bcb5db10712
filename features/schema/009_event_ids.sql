-- Which events a table has is asked before every insert. This projection keeps their ids in their own order, so that
-- the answer reads a few granules and not the whole column. Rows that were only masked as deleted would come back in it:
-- they are removed first, and ClickHouse refuses the lightweight DELETE from here on (`Store.delete` removes rows).

ALTER TABLE items MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild';

ALTER TABLE user_events ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE user_events APPLY DELETED MASK;
ALTER TABLE user_events MATERIALIZE PROJECTION event_ids;

ALTER TABLE product_events ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE product_events APPLY DELETED MASK;
ALTER TABLE product_events MATERIALIZE PROJECTION event_ids;

ALTER TABLE order_events ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE order_events APPLY DELETED MASK;
ALTER TABLE order_events MATERIALIZE PROJECTION event_ids;

ALTER TABLE gps_positions ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE gps_positions APPLY DELETED MASK;
ALTER TABLE gps_positions MATERIALIZE PROJECTION event_ids;

ALTER TABLE items ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE items APPLY DELETED MASK;
ALTER TABLE items MATERIALIZE PROJECTION event_ids;

ALTER TABLE daily_demand ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE daily_demand APPLY DELETED MASK;
ALTER TABLE daily_demand MATERIALIZE PROJECTION event_ids;

ALTER TABLE field_seasons ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE field_seasons APPLY DELETED MASK;
ALTER TABLE field_seasons MATERIALIZE PROJECTION event_ids;

ALTER TABLE market_prices ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE market_prices APPLY DELETED MASK;
ALTER TABLE market_prices MATERIALIZE PROJECTION event_ids;

ALTER TABLE leaf_images ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE leaf_images APPLY DELETED MASK;
ALTER TABLE leaf_images MATERIALIZE PROJECTION event_ids;

ALTER TABLE predictions ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE predictions APPLY DELETED MASK;
ALTER TABLE predictions MATERIALIZE PROJECTION event_ids;

ALTER TABLE batch_predictions ADD PROJECTION IF NOT EXISTS event_ids (SELECT event_id ORDER BY event_id);
ALTER TABLE batch_predictions APPLY DELETED MASK;
ALTER TABLE batch_predictions MATERIALIZE PROJECTION event_ids;
