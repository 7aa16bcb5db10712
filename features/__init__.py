"""ClickHouse: the schema, the store, the contracts, and one file for each training set."""

import os

os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
