-- Who sells an item, when in the year, and how much is left: what a marketplace knows beside the description.

ALTER TABLE items
    ADD COLUMN IF NOT EXISTS seller String DEFAULT '',
    ADD COLUMN IF NOT EXISTS season String DEFAULT '' COMMENT 'words of the seller, such as a month',
    ADD COLUMN IF NOT EXISTS stock Nullable(Float64) COMMENT 'units left; NULL where nobody counts, 0 is sold out';
