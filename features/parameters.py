"""What travels beside a statement: values that the server binds, lists of ids, rows that a query reads."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

Params = Mapping[str, Any]

_IDS_A_FIELD, _IDS_A_STATEMENT = 400, 20_000  # a server takes 128 KiB a field of a form, and replicas 1 MiB a deletion


def bound(params: Params | None) -> dict[str, Any] | None:
    """Parameters as the server reads them."""
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


def external(sent: pa.Table | None) -> Any:
    """Rows of text in the form in which they travel beside a query."""
    if sent is None:
        return None
    from clickhouse_connect.driver.external import ExternalData

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, sent.schema) as stream:
        stream.write_table(sent)
    columns = ", ".join(f"{name} String" for name in sent.column_names)
    return ExternalData(data=sink.getvalue().to_pybytes(), file_name="sent", fmt="ArrowStream", structure=columns)


def lists_of_ids(event_ids: list[str]) -> Iterator[dict[str, list[str]]]:
    """Parameters `ids_0`, `ids_1` and so on, as many as one statement may carry at a time."""
    for start in range(0, len(event_ids), _IDS_A_STATEMENT):
        part = event_ids[start : start + _IDS_A_STATEMENT]
        yield {f"ids_{n // _IDS_A_FIELD}": part[n : n + _IDS_A_FIELD] for n in range(0, len(part), _IDS_A_FIELD)}
