-- What a batch of a version holds already.
SELECT event_id
FROM batch_predictions
WHERE model_name = {model_name:String}
    AND batch_id = {batch_id:String}
    AND model_version = {model_version:String}
