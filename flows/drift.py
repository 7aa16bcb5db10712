"""Compare a week with what the champion learned from: score, report, log, mail."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from base.files import write_whole
from features.drift_windows import reference_and_week
from features.kinds import find
from flows import ports
from flows.errors import ChecksFailed
from flows.failures import ALERTING
from flows.progress import tell
from flows.records import recorded
from flows.retries import WORLD
from flows.settings import ReportSettings
from flows.training import utc
from models.families import models, registered
from monitoring import inject, mail, metrics, picture, report
from monitoring.drift import assess
from monitoring.outbox import Outbox
from monitoring.result import DriftResult
from monitoring.settings import DriftSettings, MailSettings
from registry.errors import NoChampion


@dataclass(frozen=True)
class Week:
    """A week of rows beside the rows the champion learned from."""

    model: str
    version: int
    start: datetime
    reference: pd.DataFrame
    current: pd.DataFrame

    @property
    def name(self) -> str:
        """The week as people call it: its first day."""
        return f"{self.start:%Y-%m-%d}"


@task(**WORLD)
def read_week(env: ports.Ports, model: str, start: datetime) -> Week:
    """The week that begins at `start`, and the champion's training rows from before it.

    Raises:
        NoChampion: Nobody has promoted a version, so there is nothing to compare with.
        EmptyTrainingSet: The week or the reference has no rows.
    """
    tell(0.1, f"reading the week of {start:%Y-%m-%d}")
    champion = env.registry.champion(model)
    if champion is None:
        raise NoChampion(f"{model} has no champion to compare with; promote a version: `agro promote {model}`")
    learned_until = pd.Timestamp(env.registry.lineage(model, champion.number).dataset["as_of"])
    kind, end = find(registered(model).kind).name, start + timedelta(days=7)
    reference, current = reference_and_week(env.store, kind, start, end, storage=env.storage)
    known = reference[reference["event_time"] < learned_until]
    return Week(model, champion.number, start, known.reset_index(drop=True), current)


@task(cache_policy=NO_CACHE, persist_result=False)
def score(week: Week, shifts: list[str]) -> tuple[pd.DataFrame, DriftResult]:
    """The week with the shifts asked for, and the verdict on it, from all of its rows."""
    tell(0.4, f"scoring {len(week.current):,} rows against {len(week.reference):,}")
    current = week.current
    for asked in shifts:
        current = inject.apply(current, week.reference, inject.parse(asked, list(current.columns)))
    return current, assess(week.reference, current, DriftSettings())


@task(cache_policy=NO_CACHE, persist_result=False)
def write_report(week: Week, current: pd.DataFrame, result: DriftResult, folder: Path) -> Path:
    """Evidently's report under our verdict, the picture and the metrics, in `folder`."""
    tell(0.6, "writing the report")
    title = f"{week.model} v{week.version}, week of {week.name}"
    write_whole(folder / "drift.png", picture.png(result, title))
    metrics.write(folder, result, week.model, datetime.now(UTC))
    return report.write(folder / "drift.html", result, week.reference, current, title=title)


@task(**WORLD)
def log_report(env: ports.Ports, week: Week, result: DriftResult, folder: Path, shifts: list[str]) -> str:
    """Keep the report in MLflow, in the model's experiment, as a run of its own."""
    tell(0.85, "logging the report to MLflow")
    pressures = {f"pressure.{column.column}": column.pressure for column in result.columns}
    tags = {"drift": result.verdict, "week": week.name, "model_version": str(week.version), "shift": ", ".join(shifts)}
    title = f"drift {week.name}{' shifted' if shifts else ''}: {result.verdict}"
    return env.registry.log_report(week.model, title, folder, {"alarm": float(result.alarm), **pressures}, tags)


@task(cache_policy=NO_CACHE, persist_result=False)
def write_to_people(week: Week, result: DriftResult, page: Path, shifts: list[str]) -> str:
    """Mail the verdict where the settings want it, after whatever still waits from earlier runs.

    Returns:
        What became of the mail, in words.

    Raises:
        MailServerUnreachable: The mail is kept in the outbox; the next run sends it.
    """
    settings = MailSettings()
    outbox = Outbox(settings)
    if not mail.wanted(result, settings):
        outbox.send()
        return "none: nobody is written to about a quiet week"
    tell(0.95, f"writing to {', '.join(settings.recipients)}")
    period = f"week of {week.name}" + (f" with {', '.join(shifts)} put in on purpose" if shifts else "")
    occasion = mail.Occasion(week.model, period, key=f"version {week.version}")
    drawn = (page.parent / "drift.png").read_bytes()
    letter = mail.compose(
        result, settings, occasion, picture=drawn, report=page.read_bytes(), report_path=str(page)
    )  # fmt: skip
    sent = outbox.post(letter).sent
    if str(letter["Message-ID"]) not in sent:
        return "none: the same verdict on this week was mailed before"
    return f"sent to {', '.join(settings.recipients)}"


def check_week(env: ports.Ports, model: str, start: datetime, shifts: list[str]) -> dict[str, Any]:
    """One model's check, from the rows to the mail."""
    week = read_week(env, model, start)
    current, result = score(week, shifts)
    folder = ReportSettings().reports / f"{model}-{week.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    page = write_report(week, current, result, folder)
    run_id = log_report(env, week, result, folder, shifts)
    mailed = write_to_people(week, result, page, shifts)
    tell(1.0, result.headline)
    found = {"model": model, "version": week.version, "week": week.name, "shift": shifts, "alarm": result.alarm}
    return found | result.to_json() | {"report": str(page), "run_id": run_id, "mail": mailed}


@flow(name="drift", validate_parameters=True, **ALERTING)
def drift(model: str | None = None, since: datetime | None = None, shift: list[str] | None = None) -> dict[str, Any]:
    """Check the seven days from `since` (default: the last seven whole days) for a model, or for every champion.

    Args:
        model: A registered model; None: each that has a champion. One that cannot be checked hinders no other; the run
            fails after all others were checked.
        since: First moment of the week, UTC.
        shift: Known shifts to inject, each `COLUMN:SIGMA`, to see that they are found.

    Raises:
        ChecksFailed: Some of the champions could not be checked; the message says which and why.
    """
    with recorded():
        env = ports.connect()
        today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
        start = utc(since) if since else today - timedelta(days=7)
        if model:
            return {"reports": [check_week(env, model, start, shift or [])], "failed": {}}
        return _check_all(env, [name for name in models() if env.registry.champion(name)], start, shift or [])


def _check_all(env: ports.Ports, models: list[str], start: datetime, shifts: list[str]) -> dict[str, Any]:
    """Each model's check, whatever becomes of the others'."""
    outcome: dict[str, Any] = {"reports": [], "failed": {}}
    for name in models:
        try:
            outcome["reports"].append(check_week(env, name, start, shifts))
        except Exception as exc:
            get_run_logger().error("%s could not be checked: %s", name, exc)
            outcome["failed"][name] = str(exc)
    if outcome["failed"]:
        raise ChecksFailed(_told(outcome), outcome)
    return outcome


def _told(outcome: dict[str, Any]) -> str:
    """What was found and what could not be, in one line."""
    found = [f"{row['model']}: {row['verdict']} ({row['report']})" for row in outcome["reports"]]
    return "; ".join([f"{name} could not be checked: {why}" for name, why in outcome["failed"].items()] + found)
