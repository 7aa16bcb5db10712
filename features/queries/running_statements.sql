SELECT count() AS n FROM system.processes WHERE initial_query_id = {query_id:String}
