-- The catalogue as it is now: of each item its newest description.
SELECT
    item_id,
    department,
    category,
    type,
    brand,
    package_size,
    title
FROM items FINAL
ORDER BY item_id
