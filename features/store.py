"""The store: one seam to ClickHouse, embedded or not."""

import logging
import re
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.exceptions import Error

from features import cluster, migration
from features.errors import StoreRefused
from features.parameters import Params, bound, external, lists_of_ids
from features.refusals import translated
from features.settings import ClickHouseSettings, RetentionSettings
from features.sql import query
from features.turns import turn

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_POLL_S = 0.05
_AS_ONE = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_threads": 1,
    "max_partitions_per_insert_block": 0,  # a file may span any number of months
}


@dataclass(frozen=True)
class Inserted:
    """What an insert added, and what was there already."""

    rows: int
    duplicates: int

    def __add__(self, other: "Inserted") -> "Inserted":
        return Inserted(self.rows + other.rows, self.duplicates + other.duplicates)


class Store:
    """ClickHouse over HTTP; safe to share between threads.

    `Store.connect(ClickHouseSettings())` makes one.
    """

    def __init__(self, client: Any, settings: ClickHouseSettings) -> None:
        self._client = client
        self._settings = settings

    @property
    def settings(self) -> ClickHouseSettings:
        """Where it is connected to."""
        return self._settings

    @classmethod
    def connect(cls, settings: ClickHouseSettings | None = None) -> Self:
        """Reach ClickHouse and its database, which is made where it is missing.

        Raises:
            StoreUnreachable: Nothing answers there; the message says what to do.
        """
        settings = settings or ClickHouseSettings()
        with translated(settings):
            store = cls(_client(settings), settings)
            if not store.command(f"EXISTS DATABASE {settings.database}"):
                store.define(f"CREATE DATABASE IF NOT EXISTS {settings.database}")
            store._client.database = settings.database
        return store

    def migrate(self, retention: RetentionSettings | None = None, shorten: bool = False) -> list[str]:
        """Bring schema and TTLs to what this code and the settings say; see `features.migration.migrate`."""
        return migration.migrate(self, retention or RetentionSettings(), shorten)

    def require_schema(self) -> None:
        """Go on only where the schema is the one that this code knows.

        Raises:
            SchemaBehind: Run `agro migrate`.
        """
        migration.require(self)

    def arrow(
        self, sql: str, params: Params | None = None, sent: pa.Table | None = None, settings: Params | None = None
    ) -> pa.Table:
        """Rows of a query; parameters are bound by the server as ``{name:Type}``.

        Args:
            sql: The query.
            params: Its parameters.
            sent: Rows of text that go with it; it reads them as the table `sent`.
            settings: ClickHouse's settings for this query.
        """
        given = {"parameters": bound(params), "settings": dict(settings or {}), "external_data": external(sent)}
        with translated(self._settings):
            return self._client.query_arrow(sql, **given)

    def frame(self, sql: str, params: Params | None = None) -> pd.DataFrame:
        """Rows of a query as a frame; times are UTC."""
        return self.arrow(sql, params).to_pandas()

    def command(self, sql: str, params: Params | None = None, settings: Params | None = None) -> Any:
        """Run a statement; the answer is a single value where it gives one."""
        with translated(self._settings):
            return self._client.command(sql, parameters=bound(params), settings=dict(settings or {}))

    def define(self, sql: str, params: Params | None = None) -> None:
        """Run a statement that makes, changes or empties tables, on every server that has them."""
        for statement in cluster.statements(sql, self._settings.cluster, self._settings.database):
            with translated(self._settings):
                self._client.raw_query(statement, parameters=bound(params))

    def insert(self, table: str, rows: pa.Table, in_turn: bool = True) -> Inserted:
        """Add the rows whose `event_id` is not in the table yet, each once (P42).

        Writers of a table take turns: rows sent again, cut otherwise, or by several at once are there once.

        Args:
            table: Name of a table with an `event_id`.
            rows: Columns of that table; columns left out take their defaults.
            in_turn: False does not wait for others: for ids that nobody else can send at the same moment.
        """
        if not _NAME.match(table):
            raise ValueError(f"{table!r} is not the name of a table")
        if not rows.num_rows:
            return Inserted(0, 0)
        with turn(self, table) if in_turn else nullcontext(batch_digest(rows["event_id"])) as token:
            fresh = rows.filter(self._is_new(table, rows["event_id"]))
            if fresh.num_rows:
                self.send(table, fresh, token, self._consistent if in_turn else {})
        return Inserted(fresh.num_rows, rows.num_rows - fresh.num_rows)

    def known(self, table: str, event_ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """Those of some ids that a table has."""
        sent = pa.table({"event_id": event_ids})
        return self.arrow(query("known_events"), {"table": table}, sent, self._consistent)["event_id"]

    def close(self) -> None:
        """Hang up."""
        with suppress(Error):
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, table: str, rows: pa.Table, token: str | None = None, settings: Params | None = None) -> None:
        """Append rows to a table as they are; `insert` is what adds events once.

        Args:
            table: Its name.
            rows: Columns of that table.
            token: A name for this statement; ClickHouse adds the rows of a repetition to no table and no view.
            settings: ClickHouse's settings for this statement.
        """
        once = {"insert_deduplication_token": token, "query_id": token, **_AS_ONE} if token else {}
        with translated(self._settings):
            self._client.insert_arrow(table, rows, settings={**once, **(settings or {})})

    def delete(self, table: str, event_ids: list[str]) -> None:
        """Remove events from a table, and wait until they are gone.

        Raises:
            StoreRefused: ClickHouse cannot; the message says why.
        """
        for ids in lists_of_ids(event_ids):
            listed = " OR ".join(f"event_id IN {{{name}:Array(String)}}" for name in ids)
            self.define(f"ALTER TABLE {table} DELETE WHERE {listed}", ids)
        self._wait_for_mutations(table)

    def local(self, table: str) -> str:
        """The table under which the server that is asked keeps its own rows of a table."""
        return cluster.local(table, self._settings.cluster)

    def everywhere(self, name: str) -> str:
        """A query of system tables that asks every server."""
        return cluster.everywhere(query(name), self._settings.cluster)

    @property
    def _consistent(self) -> Params:
        return cluster.CONSISTENT if self._settings.cluster else {}

    def _wait_for_mutations(self, table: str) -> None:
        asked = self.everywhere("mutations_under_way"), {"table": self.local(table)}
        while (left := self.arrow(*asked).to_pylist()[0])["n"]:
            if left["reason"]:
                raise StoreRefused(f"rows of {table} cannot be deleted: {left['reason']}")
            time.sleep(_POLL_S)

    def _is_new(self, table: str, event_ids: pa.ChunkedArray) -> pa.Array:
        """True at the first row of each id that the table does not have, shape (n_rows,)."""
        known = pc.is_in(event_ids, value_set=self.known(table, event_ids).combine_chunks())
        again = event_ids.to_pandas().duplicated()
        return pc.invert(pc.or_(known, pa.chunked_array([pa.array(again)])))


def batch_digest(event_ids: pa.ChunkedArray) -> str:
    """A name for a set of events that does not depend on their order."""
    digest = sha256()
    for chunk in pc.take(event_ids, pc.sort_indices(event_ids)).cast(pa.string()).chunks:
        digest.update("\n".join(chunk.to_pylist()).encode())
    return digest.hexdigest()


def _client(settings: ClickHouseSettings) -> Any:
    import clickhouse_connect

    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # it logs what it raises
    logging.getLogger("urllib3.connectionpool").addFilter(_not_of_clickhouse)  # so does what it stands on
    return clickhouse_connect.get_client(
        host=settings.host,
        port=settings.port,
        username=settings.user,
        password=settings.password.get_secret_value(),
        secure=settings.secure,
        compress=settings.compress,
        connect_timeout=ceil(settings.timeout_s),  # the driver knows whole seconds only
        send_receive_timeout=ceil(settings.timeout_s),
        autogenerate_session_id=False,  # queries of several threads at once
        settings=cluster.SETTINGS if settings.cluster else None,
    )


def _not_of_clickhouse(record: logging.LogRecord) -> bool:
    return "/?query_id=" not in record.getMessage()
