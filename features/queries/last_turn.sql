SELECT step, writer, dateDiff('millisecond', at, now64(3, 'UTC')) / 1000 AS age_s
FROM turns
WHERE name = {name:String}
ORDER BY step DESC
LIMIT 1
