"""A fitted recommender's files: npz, json and parquet, nothing that runs code when read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from models import saved
from models.errors import CorruptArtifact
from models.recommendation import format_2

FORMAT = 3
ARRAYS = "arrays.npz"


def write(
    directory: Path, header: dict[str, Any], arrays: dict[str, np.ndarray], tables: dict[str, pd.DataFrame]
) -> None:
    """Write the header, the arrays and the tables into a directory, which is made where missing."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / saved.NAME).write_text(json.dumps({**header, "format": FORMAT}, indent=2, sort_keys=True) + "\n")
    np.savez(directory / ARRAYS, **arrays)  # type: ignore[arg-type]
    for name, table in tables.items():
        table.to_parquet(directory / f"{name}.parquet", index=False)


def read(
    directory: Path, family: str, *tables: str
) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, pd.DataFrame]]:
    """What `write` wrote.

    Raises:
        CorruptArtifact: A file is missing, damaged or of another format, or of another family.
    """
    header = saved.header(directory, family)
    try:
        with np.load(directory / ARRAYS, allow_pickle=False) as stored:
            arrays = dict(stored)
        frames = {name: pd.read_parquet(directory / f"{name}.parquet") for name in tables}
    except Exception as exc:  # zip, parquet and the file system each have their own errors
        raise CorruptArtifact(f"{directory} does not hold a readable {family} ({exc})") from exc
    if header["format"] == 2:
        return *format_2.upgraded(header, arrays), frames
    if header["format"] != FORMAT:
        raise CorruptArtifact(f"{directory} has format {header['format']!r}; this version reads 2 and {FORMAT}")
    return header, arrays, frames


def pack(name: str, matrix: sp.csr_matrix) -> dict[str, np.ndarray]:
    """A sparse matrix as arrays whose names start with `name`."""
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": np.array(matrix.shape)}
    return {f"{name}_{part}": values for part, values in parts.items()}


def unpack(name: str, arrays: dict[str, np.ndarray]) -> sp.csr_matrix:
    """The sparse matrix that `pack` packed."""
    data, indices, indptr, shape = (arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr", "shape"))
    return sp.csr_matrix((data, indices, indptr), shape=tuple(shape))
