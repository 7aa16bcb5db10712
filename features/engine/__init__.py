"""The one process that owns the embedded engine and speaks ClickHouse's HTTP interface on loopback.

`python -m features.engine --path DIR --host 127.0.0.1 --port 8123`
"""
