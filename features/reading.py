"""Read CSV and Parquet as text or typed columns, and keep the line of every row that cannot be read."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from features.errors import BadInput

_BLOCK_BYTES = 1 << 23


@dataclass(frozen=True)
class Rejected:
    """Rows that were not taken: a table of `line`, `reason`, `text`."""

    table: pa.Table

    @classmethod
    def of(cls, lines: list[int], reasons: list[str], texts: list[str]) -> "Rejected":
        """One row for each line."""
        columns = [pa.array(lines, pa.int64()), pa.array(reasons, pa.string()), pa.array(texts, pa.string())]
        return cls(pa.table(columns, names=["line", "reason", "text"]))

    @classmethod
    def none(cls) -> "Rejected":
        """No rows."""
        return cls.of([], [], [])

    def __add__(self, other: "Rejected") -> "Rejected":
        return Rejected(pa.concat_tables([self.table, other.table]))

    def __len__(self) -> int:
        return int(self.table.num_rows)


@dataclass
class Source:
    """Rows of a file, the rows that had to stay behind, and where each came from."""

    rows: pa.Table
    rejected: Rejected = field(default_factory=Rejected.none)
    path: Path | None = None
    lines: np.ndarray | None = None
    """Line of each row, shape (n_rows,), where it is known already."""

    def line_numbers(self) -> np.ndarray:
        """Line of each row in its file; of a Parquet file, its row number."""
        if self.lines is not None:
            return self.lines
        if self.path is None or not _is_csv(self.path):
            return np.arange(1, self.rows.num_rows + 1)
        return np.fromiter(_record_lines(self.path), np.int64)[: self.rows.num_rows]

    @property
    def read(self) -> int:
        """Rows seen, good and bad."""
        return int(self.rows.num_rows) + len(self.rejected)


def read_source(path: Path) -> Source:
    """Read a `.csv` (all columns as text) or a `.parquet` file.

    Raises:
        BadInput: The file is not there, is neither, or cannot be read at all.
    """
    if not path.is_file():
        raise BadInput(f"{path} is not a file")
    if _is_csv(path):
        return _read_csv(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    raise BadInput(f"{path} is neither .csv nor .parquet")


def as_text(rows: pa.Table) -> pa.ChunkedArray:
    """Each row on one line, values separated by commas."""
    columns = [pc.fill_null(column.cast(pa.string()), "") for column in rows.columns]
    return pc.binary_join_element_wise(*columns, ",")


def _is_csv(path: Path) -> bool:
    return path.suffix == ".csv"


def _read_parquet(path: Path) -> Source:
    try:
        return Source(pq.read_table(path).replace_schema_metadata(None), path=path)
    except (pa.ArrowException, OSError) as exc:
        raise BadInput(f"{path} cannot be read as Parquet: {str(exc).splitlines()[0]}") from exc


def _read_csv(path: Path) -> Source:
    """Read at once; line by line only where the file has a malformed row."""
    names = _header(path)
    malformed = 0

    def skip(row: object) -> str:
        nonlocal malformed
        malformed += 1
        return "skip"

    try:
        rows = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pacsv.ParseOptions(invalid_row_handler=skip, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        malformed += 1
        rows = None
    return _read_by_line(path, names) if malformed else Source(rows, path=path)


def _header(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            names = next(csv.reader([file.readline().decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error, OSError) as exc:
        raise BadInput(f"{path} cannot be read as CSV in UTF-8: {exc}") from exc
    if not names:
        raise BadInput(f"{path} is empty, or its first line is")
    if len(set(names)) < len(names):
        raise BadInput(f"{path} names a column twice: {', '.join(names)}")
    return names


def _read_by_line(path: Path, names: list[str]) -> Source:
    """Take each line for one row, so that a stray quote costs its own line and no other."""
    good: list[list[str]] = []
    lines: list[int] = []
    bad: list[tuple[int, str, str]] = []
    with path.open("rb") as file:
        next(file)
        for number, raw in enumerate(file, start=2):
            text = raw.decode("utf-8", errors="replace").rstrip("\r\n")
            values, reason = _parse_line(raw, len(names))
            if reason:
                bad.append((number, reason, text))
            elif values:
                good.append(values)
                lines.append(number)
    arrays = [_null_if_blank(pa.array([row[n] for row in good], pa.string())) for n in range(len(names))]
    rejected = Rejected.of(*(list(part) for part in zip(*bad, strict=True))) if bad else Rejected.none()
    return Source(pa.table(arrays, names=names), rejected, path, np.array(lines, np.int64))


def _parse_line(raw: bytes, n_columns: int) -> tuple[list[str], str]:
    try:
        line = raw.decode("utf-8").rstrip("\r\n")
        values = next(csv.reader([line], strict=True), [])
    except UnicodeDecodeError:
        return [], "is not UTF-8"
    except csv.Error as exc:
        return [], f"is not CSV: {exc}"
    if values and len(values) != n_columns:
        return [], f"has {len(values)} values where the header has {n_columns}"
    return values, ""


def _null_if_blank(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _record_lines(path: Path) -> Iterator[int]:
    """First line of each record after the header, blank lines left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        before = reader.line_num
        for record in reader:
            if record:
                yield before + 1
            before = reader.line_num
