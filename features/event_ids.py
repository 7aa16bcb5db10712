"""Ids from what a row says: the same row has the same id, whenever and however it is sent.

The id of an event is 32 hex digits: 12 are its time in milliseconds since 1970, so that ids of one hour lie together in
an index, and 20 are a hash of what else it says. In its canonical form a row is the set of its columns that say
something, by name: one that is null, empty or has its usual value says nothing. So neither the order of the columns
counts, nor whether a file has a column that is empty, nor a column that tables get later, nor what settings fill in.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_MISSING = (np.uint64(0x27D4EB2F165667C5), np.uint64(0x165667B19E3779F9))
_NULL = bytes(16)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)

Column: TypeAlias = "pa.Array | pa.ChunkedArray"
Lanes = tuple[np.ndarray, np.ndarray]


def event_ids(columns: Mapping[str, Column], kind: str, usual: Mapping[str, object] | None = None) -> pa.Array:
    """An id a row, from its canonical form; the second of two equal rows has another id than the first.

    A file that is read again gives the same ids; two equal rows of one file are two events.

    Args:
        columns: By name, each of n_rows values: text, numbers or times; `event_time`, in milliseconds, is one of them.
        kind: What the rows are; rows of another kind have other ids.
        usual: What a column is taken to say where it says nothing, by name.

    >>> two = event_ids({"event_time": pa.array([26, 26]), "a": pa.array(["x", ""])}, "events").to_pylist()
    >>> two[0][:12], [two[1]] == event_ids({"event_time": pa.array([26])}, "events").to_pylist()
    ('00000000001a', True)
    """
    high, low = _numbered(said_lanes(columns, kind, usual or {}))
    time = np.clip(_whole(columns["event_time"]).cast(pa.int64()).to_numpy(), 0, (1 << 48) - 1).astype(np.uint64)
    return _as_text(((time << np.uint64(16)) | (high >> np.uint64(48)), low))


def said_ids(columns: Mapping[str, Column], kind: str) -> pa.Array:
    """An id of 32 hex digits for what each row says in its canonical form; equal rows have equal ids."""
    return _as_text(said_lanes(columns, kind, {}))


def said_lanes(columns: Mapping[str, Column], kind: str, usual: Mapping[str, object]) -> Lanes:
    """Two hashes a row of its canonical form, each of shape (n_rows,)."""
    high, low = _start(kind, len(next(iter(columns.values()))))
    for name in sorted(columns):
        values = _whole(columns[name])
        says = _says(values, usual.get(name))
        if not says.any():
            continue
        (one, other), (named, also) = _column(values), _start(name, 1)
        high = np.where(says, _mix(_mix(high * _ODD[0] ^ named) ^ one), high)
        low = np.where(says, _mix(_mix(low * _ODD[1] ^ also) ^ other), low)
    return high, low


def content_ids(columns: Sequence[Column], kind: str) -> pa.Array:
    """An id of 32 hex digits a row, for what has the same columns in the same order for ever.

    Args:
        columns: Columns of text, numbers or times, each of n_rows values.
        kind: What the rows are; rows of another kind have other ids.

    >>> len(set(content_ids([pa.chunked_array([["a", "b", "a"]])], "labels").to_pylist()))
    2
    """
    return _as_text(_lanes(columns, kind))


def former_event_ids(columns: Sequence[Column], kind: str) -> pa.Array:
    """The ids that an earlier version gave to events: from their columns in order, settings filled in."""
    return _as_text(_numbered(_lanes(columns, kind)))


def _lanes(columns: Sequence[Column], kind: str) -> Lanes:
    high, low = _start(kind, len(columns[0]))
    for column in columns:
        one, other = _column(_whole(column))
        high = _mix(high * _ODD[0] ^ one)
        low = _mix(low * _ODD[1] ^ other)
    return high, low


def _start(name: str, n_rows: int) -> Lanes:
    seed = np.frombuffer(blake2b(name.encode(), digest_size=16).digest(), "<u8").astype(np.uint64)
    return np.full(n_rows, seed[0]), np.full(n_rows, seed[1])


def _numbered(lanes: Lanes) -> Lanes:
    """Equal rows told apart by how many came before."""
    high, low = lanes
    nth = _occurrence(high, low).astype(np.uint64)
    again = nth > 0
    high[again] = _mix(high[again] ^ (nth[again] * _ODD[0]))
    low[again] = _mix(low[again] ^ (nth[again] * _ODD[1]))
    return high, low


def _whole(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _says(values: pa.Array, usual: object) -> np.ndarray:
    """Where a column says something: neither null nor empty, nor what is usual."""
    nothing = _nulls(values)
    for each in ("" if _is_text(values) else None, usual):
        if each is not None:
            nothing |= pc.fill_null(pc.equal(values, pa.scalar(each, values.type)), True).to_numpy(zero_copy_only=False)
    return ~nothing


def _is_text(values: pa.Array) -> bool:
    return pa.types.is_string(values.type) or pa.types.is_large_string(values.type)


def _column(values: pa.Array) -> Lanes:
    if _is_text(values):
        return _text(values)
    bits = _bits(values)
    return tuple(
        np.where(_nulls(values), missing, _mix(bits + odd)) for odd, missing in zip(_ODD, _MISSING, strict=True)
    )  # type: ignore[return-value]


def _text(values: pa.Array) -> Lanes:
    """Hash each distinct text once."""
    coded = pc.dictionary_encode(values, null_encoding="encode")
    texts = (text.encode() if text is not None else None for text in coded.dictionary.to_pylist())
    digests = b"".join(_NULL if text is None else blake2b(text, digest_size=16).digest() for text in texts)
    hashed = np.frombuffer(digests, "<u8").astype(np.uint64).reshape(-1, 2)
    index = coded.indices.to_numpy()
    return hashed[index, 0], hashed[index, 1]


def _bits(values: pa.Array) -> np.ndarray:
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.timestamp("ms")) if not pa.types.is_timestamp(values.type) else values
        return pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False).view(np.uint64)
    numbers = pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    return (numbers + 0.0).view(np.uint64)  # -0.0 is 0.0


def _nulls(values: pa.Array) -> np.ndarray:
    return values.is_null().to_numpy(zero_copy_only=False)


def _mix(bits: np.ndarray) -> np.ndarray:
    """Spread every bit over all. Source: Steele, Lea & Flood (2014), SplitMix64's finaliser."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _occurrence(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """How many equal rows came before, shape (n_rows,)."""
    ordered = np.sort(high)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.zeros(len(high), np.int64)
    order = np.lexsort((low, high))
    same = np.zeros(len(order), bool)
    same[1:] = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
    position = np.arange(len(order))
    start = np.maximum.accumulate(np.where(same, 0, position))
    nth = np.empty(len(order), np.int64)
    nth[order] = position - start
    return nth


def _as_text(lanes: Lanes) -> pa.Array:
    both = np.stack(lanes, axis=1).astype(">u8").view(np.uint8).reshape(-1, 16)
    digits = np.stack([_HEX[both >> 4], _HEX[both & 15]], axis=2).reshape(-1)
    offsets = np.arange(0, len(both) * 32 + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(both), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits)))
