"""The schema on a cluster: each table is replicated under the name `…_local`, with a Distributed table of its own name.

The files of `schema/` are written for one server. Here a statement of theirs becomes what a cluster needs: it runs
`ON CLUSTER`, `…MergeTree` is `Replicated…MergeTree`, views read and fill local tables. Queries and inserts keep the
names and go to the Distributed tables.
"""

import re

LOCAL = "_local"
SETTINGS = {"distributed_foreground_insert": 1, "distributed_product_mode": "global"}
"""Of every statement: an insert is done when it is answered, and a subquery reads every shard."""
CONSISTENT = {"insert_quorum": "auto", "insert_quorum_parallel": 0, "select_sequential_consistency": 1}
"""Of the statements of a turn: a writer sees what the one before it wrote, whichever replica either asks."""

_PATH = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)
_ENGINE = re.compile(r"^ENGINE = (\w*MergeTree)(?:\((.*)\))?$", re.MULTILINE)
_ORDER = re.compile(r"^ORDER BY \(?([^()\n]+)\)?$", re.MULTILINE)
_SUMMING_VIEW = re.compile(r"^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) AS", re.MULTILINE)
_ALTER = re.compile(r"^ALTER TABLE (\w+)", re.MULTILINE)
_OF_COLUMNS = re.compile(r"\b(?:ADD|DROP|MODIFY|RENAME|COMMENT) COLUMN\b")
_ANYWHERE = re.compile(r"^(CREATE VIEW IF NOT EXISTS \w+|CREATE DATABASE IF NOT EXISTS \w+)", re.MULTILINE)
_DELETE = re.compile(r"^DELETE FROM (\w+)", re.MULTILINE)
_SYSTEM = re.compile(r"\bsystem\.\w+")


def local(table: str, cluster: str) -> str:
    """The table that holds the rows which one server has of a table.

    >>> local("items", ""), local("items", "c")
    ('items', 'items_local')
    """
    return table + LOCAL if cluster else table


def everywhere(sql: str, cluster: str) -> str:
    """A query of system tables, asked of every replica.

    >>> everywhere("SELECT count() FROM system.mutations", "c")
    "SELECT count() FROM clusterAllReplicas('c', system.mutations)"
    """
    return _SYSTEM.sub(rf"clusterAllReplicas('{cluster}', \g<0>)", sql) if cluster else sql


def statements(sql: str, cluster: str, database: str) -> list[str]:
    """What a statement becomes: itself where there is no cluster.

    Args:
        sql: A statement in the form of `schema/*.sql`.
        cluster: Name of the cluster; empty where there is one server.
        database: Name of the database.

    >>> statements("ALTER TABLE items MODIFY TTL t", "c", "d")
    ["ALTER TABLE items_local ON CLUSTER 'c' MODIFY TTL t"]
    """
    if not cluster:
        return [sql]
    on = f" ON CLUSTER '{cluster}'"
    if match := _TABLE.search(sql):
        return [_replicated(sql, on), _distributed(match[1], cluster, database, f", {_shard(sql)}")]
    if match := _SUMMING_VIEW.search(sql):
        return [_local_view(sql, on), _distributed(match[1], cluster, database)]
    if _ALTER.search(sql):
        both = [rf"\g<0>{LOCAL}{on}", *([rf"\g<0>{on}"] if _OF_COLUMNS.search(sql) else [])]
        return [_ALTER.sub(name, sql) for name in both]
    return [_DELETE.sub(rf"\g<0>{LOCAL}{on}", _ANYWHERE.sub(rf"\g<0>{on}", sql))]


def _replicated(sql: str, on: str) -> str:
    sql = _TABLE.sub(rf"\g<0>{LOCAL}{on}", sql)
    sql = _ENGINE.sub(lambda made: f"ENGINE = Replicated{made[1]}({_PATH}{f', {made[2]}' if made[2] else ''})", sql)
    return sql.replace("non_replicated_deduplication_window", "replicated_deduplication_window")


def _local_view(sql: str, on: str) -> str:
    sql = _SUMMING_VIEW.sub(rf"CREATE MATERIALIZED VIEW IF NOT EXISTS \g<1>{LOCAL}{on} TO \g<2>{LOCAL} AS", sql)
    return re.sub(r"\bFROM (\w+)", rf"FROM \g<1>{LOCAL}", sql)


def _distributed(name: str, cluster: str, database: str, shard: str = "") -> str:
    engine = f"Distributed('{cluster}', '{database}', '{name}{LOCAL}'{shard})"
    return f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER '{cluster}' AS {name}{LOCAL} ENGINE = {engine}"


def _shard(sql: str) -> str:
    """By event, so that shards are even; rows that merge into one lie on one shard."""
    engine, order = _ENGINE.search(sql), _ORDER.search(sql)
    if engine is None or order is None:
        raise ValueError(f"no ENGINE = …MergeTree and ORDER BY on lines of their own in: {sql[:80]}")
    return "cityHash64(event_id)" if engine[1] == "MergeTree" and "event_id" in sql else f"cityHash64({order[1]})"
