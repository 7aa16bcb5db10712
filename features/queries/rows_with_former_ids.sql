-- One of the rows that came before ids were made of a row's own words alone (migration 11), if there are any.
SELECT 1 AS there
FROM {table:Identifier}
WHERE ingested_at < (SELECT min(applied_at) FROM schema_migrations WHERE number = 11)
LIMIT 1
