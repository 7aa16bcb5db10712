-- The last requests that a version answered as champion before a moment, newest first.
SELECT request, response
FROM predictions
WHERE model_name = {model_name:String}
    AND model_version = {model_version:String}
    AND arm = 'champion'
    AND event_time < {before:DateTime64(3, 'UTC')}
ORDER BY event_time DESC, event_id
LIMIT {count:UInt32}
