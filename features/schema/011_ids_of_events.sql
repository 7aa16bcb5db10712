-- From here on ids are made of a row's own words alone. Rows that came before keep theirs, and are known by them.

ALTER TABLE product_events
    COMMENT COLUMN event_id '12 hex digits of its time in ms, 20 of what it says; or as its sender says';
