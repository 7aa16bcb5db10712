"""The data contracts: a training set is checked against its kind's rules before anything learns from it."""

import json
import logging
import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from features.errors import ContractViolation, Failure
from features.kinds import judged
from features.rules import Contract, Limits, Rule

log = logging.getLogger(__name__)

SAMPLE_ROWS = 5
WHOLE_TABLE = "table"
"""Stands where the column does, for a rule about all rows together."""


@dataclass(frozen=True)
class RuleResult:
    """What one rule found. `n_failed` counts rows, or is 1 where the rule is about the whole table."""

    rule: str
    column: str
    passed: bool
    n_failed: int = 0
    sample_rows: tuple[dict[str, Any], ...] = ()
    detail: str = ""
    of_rows: bool = False
    """True where single rows break it."""


@dataclass(frozen=True)
class ContractResult:
    """The verdict over a training set, rule by rule."""

    kind: str
    rules: tuple[RuleResult, ...]
    checked_rows: int
    seconds: float

    @property
    def passed(self) -> bool:
        """True where every rule held."""
        return all(result.passed for result in self.rules)

    @property
    def failures(self) -> list[Failure]:
        """The rules that did not hold, as the error carries them."""
        broken = [result for result in self.rules if not result.passed]
        return [
            Failure(_sentence(result), result.column, result.n_failed, list(result.sample_rows), result.of_rows)
            for result in broken
        ]

    def raise_for_failures(self) -> "ContractResult":
        """Stop whoever called, if a rule was broken.

        Returns:
            The result itself, so that a flow can go on with it.

        Raises:
            ContractViolation: A rule was broken; the message names rules, columns and sample rows.
        """
        if not self.passed:
            raise ContractViolation(self.kind, self.failures)
        return self

    def to_json(self) -> dict[str, Any]:
        """The document that is kept with the run: plain types only."""
        document = {
            "kind": self.kind,
            "passed": self.passed,
            "checked_rows": self.checked_rows,
            "seconds": round(self.seconds, 3),
            "rules": [vars(result) for result in self.rules],
        }
        plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
        return plain


def check(
    kind: str, frame: pd.DataFrame, *, limits: Limits | None = None, now: datetime | None = None
) -> ContractResult:
    """Hold a training set against the contract of its kind, all rows of it.

    Args:
        kind: A kind that a model learns from, such as `interactions`.
        frame: The training set; it is not changed.
        limits: The numbers behind the rules; None takes the defaults.
        now: The time after which an event lies in the future; None is the clock's.

    Returns:
        The verdict, rule by rule, with sample rows where a rule was broken.

    Raises:
        UnknownKind: There is no contract for that kind.
    """
    started = time.perf_counter()
    wanted = judged(kind).open().contract(limits or Limits(), now or datetime.now(UTC))
    frame = frame.reset_index(drop=True)
    results = (*_missing_columns(wanted, frame), *_run(wanted, frame))
    result = ContractResult(kind, results, len(frame), time.perf_counter() - started)
    log.info("contract %s: %d rows, %d of %d rules broken", kind, len(frame), len(result.failures), len(results))
    return result


def _missing_columns(wanted: Contract, frame: pd.DataFrame) -> Iterable[RuleResult]:
    there = ", ".join(map(str, frame.columns)) or "none"
    for column in wanted.required:
        passed = column in frame.columns
        yield RuleResult(
            "is a column", column, passed, int(not passed), detail="" if passed else f"columns are {there}"
        )


def _run(wanted: Contract, frame: pd.DataFrame) -> Iterable[RuleResult]:
    """The rules whose columns are there; a missing required column has been reported already."""
    runnable = [rule for rule in wanted.rules if not rule.column or rule.column in frame.columns]
    if all(column in frame.columns for column in wanted.required):
        judged = wanted.derive(frame)
        return [_read(rule, found, frame) for rule, found in zip(runnable, _validate(runnable, judged), strict=True)]
    return []


def _validate(wanted: list[Rule], frame: pd.DataFrame) -> list[Any]:
    """Great Expectations' results, in the order of the rules. Imported here: the import takes seconds."""
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    made = [getattr(gx.expectations, rule.expectation)(**rule.arguments) for rule in wanted]
    for number, expectation in enumerate(made):
        expectation.meta = {"rule": number}  # results come back grouped by column, not as asked
    suite = gx.ExpectationSuite(name="contract", expectations=made)
    shape = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_ROWS}
    found = batch.validate(suite, result_format=shape)
    return sorted(found.results, key=lambda result: result.expectation_config.meta["rule"])


def _read(rule: Rule, found: Any, frame: pd.DataFrame) -> RuleResult:
    if found.success:
        return RuleResult(rule.says, rule.column or WHOLE_TABLE, True)
    trouble = _exception(found.exception_info)
    rows = found.result.get("partial_unexpected_index_list") or []
    sample = tuple(_row(frame, position) for position in rows[:SAMPLE_ROWS])
    count = int(found.result.get("unexpected_count") or 1)
    observed = found.result.get("observed_value")
    detail = trouble or (f"found {observed}" if observed is not None else "")
    return RuleResult(rule.says, rule.column or WHOLE_TABLE, False, count, sample, detail, rule.of_rows)


def _exception(info: dict[str, Any]) -> str:
    """What kept a rule from being checked, or nothing. Two shapes: flat, or one entry a metric."""
    entries = [info] if "raised_exception" in info else list(info.values())
    messages = [str(entry.get("exception_message")) for entry in entries if entry.get("raised_exception")]
    return f"could not be checked: {messages[0]}" if messages else ""


def _row(frame: pd.DataFrame, position: int) -> dict[str, Any]:
    values = frame.iloc[position].to_dict()
    return {"row": int(position)} | {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    value = value.item() if hasattr(value, "item") else value
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)  # JSON has no infinity


def _sentence(result: RuleResult) -> str:
    return f"{result.rule} ({result.detail})" if result.detail else result.rule
