-- Photographs that the store knows under several labels, of which nobody knows which one is right.
SELECT event_id
FROM leaf_images
WHERE image_id IN (SELECT image_id FROM leaf_images GROUP BY image_id HAVING uniqExact(label) > 1)
