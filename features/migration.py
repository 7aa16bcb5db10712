"""Brings a store to the schema and the retention that are wanted; `agro migrate` does it, and nothing else."""

import logging
import re
from typing import TYPE_CHECKING

from features import tables
from features.errors import SchemaBehind, StoreRefused, WouldDelete
from features.settings import RetentionSettings
from features.sql import Migration, migrations, query

if TYPE_CHECKING:
    from features.store import Store

log = logging.getLogger(__name__)

_UNKNOWN_TABLE = 60
_TTL = re.compile(r"TTL toDateTime\(event_time\) \+ toIntervalDay\((\d+)\)")


def migrate(store: "Store", retention: RetentionSettings, shorten: bool = False) -> list[str]:
    """Apply what is new of `schema/*.sql` and the TTLs of the settings; what is there stays.

    Args:
        store: The store.
        retention: Days that rows are to live.
        shorten: Also where rows live longer now, so that ClickHouse deletes some.

    Returns:
        What was done, a sentence each; nothing where all was right.

    Raises:
        WouldDelete: Rows would live shorter than they do, and `shorten` was not asked for. The schema is up to date.
    """
    store.define(query("create_schema_migrations"))
    missing, old = _missing(store), set(_definitions(store))
    for step in missing:
        _apply(store, step)
    if missing:
        _drop_staging_tables(store)
    made = tables.make(store)
    changes = _changes(store, retention)
    if not shorten:
        _refuse_to_delete(store, {table: change for table, change in changes.items() if store.local(table) in old})
    for table, (_, days) in changes.items():
        store.define(f"ALTER TABLE {table} {f'MODIFY {_ttl(days)}' if days else 'REMOVE TTL'}")
    said = [f"{table}: rows live {_days(days)}, before {_days(before)}" for table, (before, days) in changes.items()]
    return [f"applied {_name(step)}" for step in missing] + made + said


def require(store: "Store") -> None:
    """Go on only where the store has every migration that this code knows.

    Raises:
        SchemaBehind: It lacks one; the message names it and the command that applies it.
    """
    try:
        missing = _missing(store)
    except StoreRefused as exc:
        if exc.code != _UNKNOWN_TABLE:
            raise
        missing = migrations()
    lacks = [*map(_name, missing), *([] if missing else tables.missing(store))]
    if lacks:
        where = f"{store.settings.database} at {store.settings.host}:{store.settings.port}"
        raise SchemaBehind(f"The schema of {where} lacks {', '.join(lacks)}: run `agro migrate`")


def has_former_ids(store: "Store", table: str) -> bool:
    """Whether a table has rows whose ids an earlier version made: those that came before the migration of ids."""
    return store.arrow(query("rows_with_former_ids"), {"table": table}).num_rows > 0


def _missing(store: "Store") -> list[Migration]:
    done = set(store.arrow(query("applied_migrations"))["number"].to_pylist())
    return [step for step in migrations() if step.number not in done]


def _apply(store: "Store", step: Migration) -> None:
    for statement in step.statements:
        store.define(statement)
    store.command(query("record_migration"), {"number": step.number, "name": step.name, "digest": step.digest})
    log.info("applied migration %s", _name(step))


def _drop_staging_tables(store: "Store") -> None:
    """Writers of an earlier version made tables, and left them behind where they were killed."""
    for name in store.arrow(query("staging_tables"))["name"].to_pylist():
        store.command("DROP TABLE IF EXISTS {name:Identifier}", {"name": name})


def _name(step: Migration) -> str:
    return f"{step.number:03d}_{step.name}"


def _changes(store: "Store", retention: RetentionSettings) -> dict[str, tuple[int, int]]:
    """Days that rows live and are to live, by table, where the two differ; 0 is for ever."""
    now = _definitions(store)
    ttls = {table: _TTL.search(now[store.local(table)]) for table in retention.days()}
    lived = {table: int(ttl[1]) if ttl else 0 for table, ttl in ttls.items()}
    return {table: (lived[table], days) for table, days in retention.days().items() if days != lived[table]}


def _definitions(store: "Store") -> dict[str, str]:
    """Each table's engine with its order and TTL."""
    tables = store.arrow(query("table_definitions"))
    return dict(zip(tables["name"].to_pylist(), tables["engine_full"].to_pylist(), strict=True))


def _refuse_to_delete(store: "Store", changes: dict[str, tuple[int, int]]) -> None:
    """An empty table loses nothing; one that was made just now is not asked, though a writer may have been quicker."""
    said = []
    for table, (before, days) in changes.items():
        shorter = days and (not before or days < before)
        rows, going = _rows(store, table, days) if shorter else (0, 0)
        if rows:
            said.append(f"{table} from {_days(before)} to {days} days ({going:,} of {rows:,} rows would go at once)")
    if said:
        raise WouldDelete(
            f"The retention is shorter than the store's: {'; '.join(said)}. `agro migrate --shorten` deletes them; "
            "to keep them set AGRO_RETENTION_… here as it is where the store is kept"
        )


def _rows(store: "Store", table: str, days: int) -> tuple[int, int]:
    sql = f"SELECT count() AS rows, countIf(event_time < now() - toIntervalDay({days})) AS going FROM {table}"  # noqa: S608
    found = store.arrow(sql).to_pylist()[0]
    return int(found["rows"]), int(found["going"])


def _ttl(days: int) -> str:
    return f"TTL toDateTime(event_time) + toIntervalDay({days})"


def _days(days: int) -> str:
    return f"{days} days" if days else "for ever"
