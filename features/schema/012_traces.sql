-- Which trace an answer belongs to, where its caller told one: from a slow request of an app to the prediction.

ALTER TABLE predictions
    ADD COLUMN IF NOT EXISTS traceparent String DEFAULT '' COMMENT 'W3C Trace Context' AFTER user_id;
