"""The last check as Prometheus text, for a scraper or a node exporter's text folder."""

from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from base.files import write_whole
from monitoring.result import DriftResult


def exposition(result: DriftResult, model: str, at: datetime) -> bytes:
    """The check in Prometheus' text format, version 0.0.4.

    Args:
        result: The check.
        model: The registered model it belongs to.
        at: When it was made, with a time zone.
    """
    registry = CollectorRegistry()

    def gauge(name: str, said: str, *labels: str) -> Gauge:
        return Gauge(f"agro_drift_{name}", said, ("model", *labels), registry=registry)

    gauge("alarm", "1 where the last check alarmed.").labels(model).set(result.alarm)
    pressure = gauge("pressure", "How near a column is to its limit; above 1 alarms.", "column")
    score = gauge("score", "Effect size of a column by measure.", "column", "measure")
    limit = gauge("limit", "What that effect size may be in a quiet week.", "column", "measure")
    gauge("rows", "Rows of the week that was judged.").labels(model).set(result.n_current)
    gauge("checked_timestamp_seconds", "When the last check was made.").labels(model).set(at.timestamp())
    for column in result.columns:
        pressure.labels(model, column.column).set(column.pressure)
        for measure, found in column.scores.items():
            score.labels(model, column.column, measure).set(found.value)
            limit.labels(model, column.column, measure).set(found.limit)
    return generate_latest(registry)


def write(folder: Path, result: DriftResult, model: str, at: datetime) -> Path:
    """Write the exposition to `folder/drift-MODEL.prom`, whole or not at all.

    Raises:
        DiskFull: There is no room.
    """
    path = folder / f"drift-{model}.prom"
    write_whole(path, exposition(result, model, at))
    return path
