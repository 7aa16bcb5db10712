"""The store: one seam to ClickHouse, embedded or not."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from math import ceil
from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.exceptions import DatabaseError, Error, InterfaceError, OperationalError
from urllib3.exceptions import HTTPError

from features import migration, staging
from features.errors import DiskFull, StoreRefused, StoreUnreachable
from features.settings import ClickHouseSettings, RetentionSettings
from features.sql import query

Params = Mapping[str, Any]

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_NOT_ENOUGH_SPACE = 243
_AUTHENTICATION_FAILED = 516
_FULL = ("No space left on device", "NOT_ENOUGH_SPACE", "errno: 28")


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
        with _translated(settings):
            client = _client(settings)
            client.command(f"CREATE DATABASE IF NOT EXISTS {settings.database}")
            client.database = settings.database
        return cls(client, settings)

    def migrate(self, retention: RetentionSettings | None = None, shorten: bool = False) -> list[str]:
        """Bring schema and TTLs to what this code and the settings say; see `features.migration.migrate`."""
        done = migration.migrate(self, retention or RetentionSettings(), shorten)
        self.sweep()
        return done

    def require_schema(self) -> None:
        """Go on only where the schema is the one that this code knows.

        Raises:
            SchemaBehind: Run `agro migrate`.
        """
        migration.require(self)

    def sweep(self) -> None:
        """Drop the staging tables that killed writers left; those of writers that live stay."""
        for name in staging.abandoned(self.arrow(query("staging_tables"))["name"].to_pylist()):
            self.command("DROP TABLE IF EXISTS {staging:Identifier}", {"staging": name})

    def arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        """Rows of a query; parameters are bound by the server as ``{name:Type}``."""
        with _translated(self._settings):
            return self._client.query_arrow(sql, parameters=_bound(params))

    def frame(self, sql: str, params: Params | None = None) -> pd.DataFrame:
        """Rows of a query as a frame; times are UTC."""
        return self.arrow(sql, params).to_pandas()

    def command(self, sql: str, params: Params | None = None) -> Any:
        """Run a statement; the answer is a single value where it gives one."""
        with _translated(self._settings):
            return self._client.command(sql, parameters=_bound(params))

    def insert(self, table: str, rows: pa.Table, batch_token: str | None = None) -> Inserted:
        """Add the rows whose `event_id` is not in the table yet, each once (P42).

        The rows go to a staging table, and one statement moves those that are new: an insert that
        is sent again, cut otherwise or overlaps another adds nothing twice.

        Args:
            table: Name of a table with an `event_id`.
            rows: Columns of that table; columns left out take their defaults.
            batch_token: A name for these rows that a repetition has too; default: from their ids.
        """
        if not _NAME.match(table):
            raise ValueError(f"{table!r} is not the name of a table")
        if not rows.num_rows:
            return Inserted(0, 0)
        token = batch_token or batch_digest(rows["event_id"])
        names = {"table": table, "staging": staging.name(table)}
        try:
            self.command(f"CREATE TABLE {names['staging']} AS {table} ENGINE = Memory")
            self.send(names["staging"], rows)
            fresh, digest = self._new_rows(names)
            if fresh:
                self._move(names, rows.column_names, f"{token}:{digest}")
        finally:
            with suppress(StoreRefused, StoreUnreachable):
                self.command("DROP TABLE IF EXISTS {staging:Identifier}", names)
        return Inserted(fresh, rows.num_rows - fresh)

    def close(self) -> None:
        """Hang up."""
        with suppress(Error):
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, table: str, rows: pa.Table) -> None:
        """Append rows to a table as they are; `insert` is what adds events once."""
        with _translated(self._settings):
            self._client.insert_arrow(table, rows)

    def _new_rows(self, names: Params) -> tuple[int, str]:
        found = self.arrow(query("count_new_rows"), {**names, "table_name": names["table"]}).to_pylist()[0]
        return int(found["events"]), str(found["digest"])

    def _move(self, names: Params, columns: list[str], token: str) -> None:
        listed = ", ".join(f"`{name}`" for name in columns)
        settings = {
            "insert_deduplication_token": token,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            "max_insert_threads": 1,
            "max_partitions_per_insert_block": 0,  # a file may span any number of months
        }
        with _translated(self._settings):
            self._client.command(
                query("move_new_rows").replace("/* columns */", listed), parameters=dict(names), settings=settings
            )


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
    )


def _not_of_clickhouse(record: logging.LogRecord) -> bool:
    return "/?query_id=" not in record.getMessage()


def _bound(params: Params | None) -> dict[str, Any] | None:
    return {name: _plain(name, value) for name, value in params.items()} if params else None


def _plain(name: str, value: Any) -> Any:
    """A value as the server reads it: times in UTC with milliseconds."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name} is a time without a zone: {value}")
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if isinstance(value, date):
        return value.isoformat()
    return value


@contextmanager
def _translated(settings: ClickHouseSettings) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (OperationalError, InterfaceError, HTTPError, OSError) as exc:
        raise _failure(exc, settings) from exc
    except DatabaseError as exc:
        raise _refusal(exc) from exc
    except Error as exc:
        raise StoreRefused(_line(exc)) from exc


def _failure(exc: Exception, settings: ClickHouseSettings) -> Exception:
    if getattr(exc, "code", None) or "Code: " in str(exc):
        return _refusal(exc)
    return StoreUnreachable(
        f"ClickHouse at {settings.host}:{settings.port} does not answer: "
        "start it with `agro up`, or set AGRO_CLICKHOUSE_HOST and AGRO_CLICKHOUSE_PORT"
    )


def _refusal(exc: Exception) -> Exception:
    code = getattr(exc, "code", None)
    text = _line(exc)
    if code == _AUTHENTICATION_FAILED:
        return StoreRefused(
            "ClickHouse refuses user or password: set AGRO_HOME to the folder of the platform that you mean, "
            "or AGRO_CLICKHOUSE_USER and AGRO_CLICKHOUSE_PASSWORD",
            code,
        )
    if code == _NOT_ENOUGH_SPACE or any(sign in text for sign in _FULL):
        return DiskFull(
            "The disk of ClickHouse is full: free some space and run this again; nothing is lost or doubled"
        )
    return StoreRefused(text, code)


def _line(exc: Exception) -> str:
    text = str(exc)
    start = text.find("DB::Exception: ")
    return " ".join((text[start + 15 :] if start >= 0 else text).split())[:1000]
