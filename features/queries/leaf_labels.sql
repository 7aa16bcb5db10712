-- The label that each photograph of the store is known under; of two, the one that came first.
SELECT image_id, argMin(label, ingested_at) AS label FROM leaf_images GROUP BY image_id
