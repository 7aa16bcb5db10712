INSERT INTO schema_migrations (number, name, digest) SELECT {number:UInt32}, {name:String}, {digest:String}
