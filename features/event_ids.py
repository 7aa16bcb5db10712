"""Ids from what a row says: the same row has the same id, whenever and however it is sent."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_MISSING = (np.uint64(0x27D4EB2F165667C5), np.uint64(0x165667B19E3779F9))
_NULL = bytes(16)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)

Lanes = tuple[np.ndarray, np.ndarray]


def content_ids(columns: Sequence[pa.ChunkedArray], kind: str) -> pa.Array:
    """An id of 32 hex digits a row; equal rows have equal ids, wherever they are.

    Args:
        columns: Columns of text, numbers or times, each of n_rows values.
        kind: What the rows are; rows of another kind have other ids.

    >>> len(set(content_ids([pa.chunked_array([["a", "b", "a"]])], "events").to_pylist()))
    2
    """
    return _as_text(_lanes(columns, kind))


def event_ids(columns: Sequence[pa.ChunkedArray], kind: str) -> pa.Array:
    """As `content_ids`, and the second of two equal rows has another id than the first.

    A file that is read again gives the same ids; two equal rows of one file are two events.
    """
    high, low = _lanes(columns, kind)
    nth = _occurrence(high, low).astype(np.uint64)
    again = nth > 0
    high[again] = _mix(high[again] ^ (nth[again] * _ODD[0]))
    low[again] = _mix(low[again] ^ (nth[again] * _ODD[1]))
    return _as_text((high, low))


def _lanes(columns: Sequence[pa.ChunkedArray], kind: str) -> Lanes:
    n_rows = len(columns[0])
    seed = np.frombuffer(blake2b(kind.encode(), digest_size=16).digest(), "<u8")
    high, low = np.full(n_rows, seed[0]), np.full(n_rows, seed[1])
    for column in columns:
        one, other = _column(column)
        high = _mix(high * _ODD[0] ^ one)
        low = _mix(low * _ODD[1] ^ other)
    return high, low


def _column(column: pa.ChunkedArray) -> Lanes:
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
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
