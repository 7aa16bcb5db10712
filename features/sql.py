"""SQL lives in files: `queries/*.sql` to read, `schema/*.sql` to build."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_NUMBERED = re.compile(r"^(\d{3})_(\w+)\.sql$")


@dataclass(frozen=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str
    statements: tuple[str, ...]
    digest: str


@cache
def query(name: str) -> str:
    """The text of `queries/<name>.sql`.

    Raises:
        FileNotFoundError: There is no such file.
    """
    return files("features").joinpath("queries", f"{name}.sql").read_text("utf-8")


def migrations() -> list[Migration]:
    """Every migration, lowest number first."""
    found = [
        _migration(entry.name, entry.read_text("utf-8"))
        for entry in files("features").joinpath("schema").iterdir()
        if _NUMBERED.match(entry.name)
    ]
    return sorted(found, key=lambda step: step.number)


def _migration(filename: str, text: str) -> Migration:
    match = _NUMBERED.match(filename)
    if match is None:
        raise ValueError(f"{filename} is not named like 001_subject.sql")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Migration(int(match[1]), match[2], tuple(statements(text)), digest)


def statements(text: str) -> list[str]:
    r"""Statements of a file in which each ends with a semicolon at a line's end.

    >>> statements("-- why\nSELECT 1;\n\nSELECT 2;\n")
    ['-- why\nSELECT 1', 'SELECT 2']
    """
    parts = re.split(r";[ \t]*(?:\n|$)", text)
    return [part.strip() for part in parts if _says_something(part)]


def _says_something(part: str) -> bool:
    return any(line.strip() and not line.strip().startswith("--") for line in part.splitlines())
