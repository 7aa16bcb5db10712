"""A cluster of one shard without replicas, in one process: what can be had of a cluster without a server.

The engine knows a cluster `c` whose one server is itself, so Distributed tables work. It has no Keeper: the words that
need one are taken out of a statement before it runs. `python -m tests.features.one_shard PATH PORT` serves it.
"""

import dataclasses
import re
import sys
from pathlib import Path

from features.engine import database
from features.engine.callers import Account
from features.engine.http import Server
from tests.fixtures.clickhouse import PASSWORD

CLUSTER = """<clickhouse><tcp_port>{port}</tcp_port><remote_servers><c><shard><replica>
<host>127.0.0.1</host><port>{port}</port></replica></shard></c></remote_servers></clickhouse>"""
REPLICATED = re.compile(rb"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?")


class OneShard(database.Database):
    """Statements without what only Keeper can do."""

    def run(self, request):
        sql = request.statement.replace(b" ON CLUSTER 'c'", b"").replace(b" replicated_dedup", b" non_replicated_dedup")
        settings = {name: value for name, value in request.settings.items() if "quorum" not in name}
        return super().run(dataclasses.replace(request, statement=REPLICATED.sub(rb"\1(", sql), settings=settings))


def main(path, port):
    database._stay_inside = lambda sql: None  # it lets nobody make a Distributed table
    config = Path(path) / "cluster.xml"
    config.write_text(CLUSTER.format(port=int(port) + 1))
    with Server(("127.0.0.1", int(port)), Account("default", PASSWORD)) as server:
        server.database = OneShard(f"{path}/db?config-file={config}")
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
