"""Read `series_id, ds, y[, regressors…]` from CSV or Parquet, never guessing what a column is."""

from pathlib import Path

import numpy as np
import pandas as pd

from models.errors import BadData
from models.forecasting.panel import KNOWN, check

TRUTH = {"true": "1", "false": "0"}


def read(path: Path) -> pd.DataFrame:
    """A demand file as a frame: series_id text, ds dates, y numbers; a column of numbers stays one, others are text.

    A text column such as `department` is carried along and is no regressor. `frame.attrs["source"]` names the file.

    Raises:
        BadData: The file cannot be read, or a column is missing or malformed; the message names it and the remedy.
    """
    path = Path(path)
    raw = _raw(path)
    missing = [name for name in ("series_id", "ds", "y") if name not in raw.columns]
    if missing:
        raise BadData(f"{path.name}: column {missing[0]} is missing; give series_id, ds, y and, if any, regressors")
    try:
        frame = pd.DataFrame({name: _column(str(name), raw[name]) for name in raw.columns})
        check(frame)
    except BadData as error:
        raise BadData(f"{path.name}: {error}") from error
    frame.attrs["source"] = path.name
    return frame


def _raw(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    if not path.is_file():
        raise BadData(f"{path}: no such file; give a CSV or Parquet file with series_id, ds, y")
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pq.read_table(path).to_pandas()
        with path.open("rb") as file:
            names = [name.strip() for name in file.readline().decode("utf-8-sig").rstrip("\r\n").split(",")]
        text = csv.ConvertOptions(
            column_types={name.strip('"'): pa.string() for name in names}, strings_can_be_null=True
        )
        return csv.read_csv(path, convert_options=text).to_pandas()
    except (pa.ArrowInvalid, UnicodeDecodeError, OSError) as error:
        raise BadData(f"{path.name}: not readable as CSV or Parquet ({error}); write UTF-8 with one header") from error


def _column(name: str, values: pd.Series) -> pd.Series:
    if name == "series_id":
        return values.astype("string").astype(object)
    if name == "ds":
        return _dates(values)
    numbers, odd = _numbers(values)
    if not odd.any():
        return numbers
    if name == "y" or name.startswith(KNOWN):
        row = int(np.flatnonzero(odd)[0])
        raise BadData(f"{name}: {values.iloc[row]!r} in row {row + 1} is not a number; write one or leave it empty")
    return values


def _numbers(values: pd.Series) -> tuple[pd.Series, np.ndarray]:
    if values.dtype != object:
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
    else:
        text = values.astype("string").str.strip().replace("", pd.NA)
        numbers = pd.to_numeric(text.str.lower().replace(TRUTH), errors="coerce").astype("Float64").astype(float)
        values = text
    return numbers, (values.notna() & numbers.isna()).to_numpy(dtype=bool)


def _dates(values: pd.Series) -> pd.Series:
    dates = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601" if values.dtype == object else None)
    odd = values.notna().to_numpy() & dates.isna().to_numpy()
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise BadData(f"ds: {values.iloc[row]!r} in row {row + 1} is not a date; write it as YYYY-MM-DD")
    return dates.dt.tz_localize(None)
