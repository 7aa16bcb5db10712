"""What can go wrong between a file, ClickHouse and a training set, named from the caller's side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from base import files


class FeaturesError(Exception):
    """Root of every error raised by features/."""


class StoreUnreachable(FeaturesError):
    """ClickHouse did not answer; trying again, or starting it, may help."""


class StoreRefused(FeaturesError):
    """ClickHouse answered, and refused the statement.

    Args:
        message: What it said, on one line.
        code: ClickHouse's error code, None where it gave none.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class StoreBusy(StoreUnreachable):
    """Another writer has the table for longer than one cares to wait."""


class DiskFull(FeaturesError, files.DiskFull):
    """No space is left where ClickHouse, the image store or the rejects are written."""


class BadInput(FeaturesError):
    """A file or a value cannot be read as what it was said to be."""


class UnknownKind(FeaturesError):
    """No kind of input, and no training set, has that name."""


class SchemaBehind(FeaturesError):
    """The store lacks a migration that this code needs."""


class WouldDelete(FeaturesError):
    """What was asked for would delete rows, and nobody said that it may."""


class EmptyTrainingSet(FeaturesError):
    """The store holds nothing of that kind before that time."""


@dataclass(frozen=True)
class Failure:
    """One rule of a contract that did not hold."""

    rule: str
    column: str
    n_failed: int
    sample_rows: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    of_rows: bool = False
    """True where single rows break it, so that it holds again once they are out of the way."""

    def __str__(self) -> str:
        rows = "; ".join(str(dict(row)) for row in self.sample_rows[:3])
        return f"{self.column}: {self.rule} ({self.n_failed} rows, such as {rows})"


class ContractViolation(FeaturesError):
    """A training set breaks its contract.

    Args:
        kind: The training set, such as ``interactions``.
        failures: The rules that did not hold.
    """

    def __init__(self, kind: str, failures: Sequence[Failure]) -> None:
        remedy = f"; to move these rows out of the way, and back: `agro quarantine {kind}`"
        said = f"The {kind} break their contract: " + " | ".join(map(str, failures))
        super().__init__(said + remedy * any(failure.of_rows for failure in failures))
        self.kind = kind
        self.failures = list(failures)
