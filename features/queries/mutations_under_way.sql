-- Whether a table still has rows to delete, and why that goes wrong where it does.
SELECT count() AS n, max(latest_fail_reason) AS reason
FROM system.mutations
WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done
