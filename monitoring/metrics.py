"""The last check as Prometheus text, for a scraper or a node exporter's text folder."""

from datetime import datetime
from pathlib import Path

from base.files import write_whole
from monitoring.result import DriftResult

HELP = {
    "agro_drift_alarm": "1 where the last check alarmed.",
    "agro_drift_pressure": "How near a column is to its limit; above 1 alarms.",
    "agro_drift_score": "Effect size of a column by measure.",
    "agro_drift_limit": "What that effect size may be in a quiet week.",
    "agro_drift_rows": "Rows of the week that was judged.",
    "agro_drift_checked_timestamp_seconds": "When the last check was made.",
}


def exposition(result: DriftResult, model: str, at: datetime) -> str:
    """The check in Prometheus' text format, version 0.0.4.

    Args:
        result: The check.
        model: The registered model it belongs to.
        at: When it was made, with a time zone.
    """
    of = {"model": model}
    lines: dict[str, list[str]] = {name: [] for name in HELP}
    lines["agro_drift_alarm"].append(_line("agro_drift_alarm", of, float(result.alarm)))
    lines["agro_drift_rows"].append(_line("agro_drift_rows", of, result.n_current))
    checked = "agro_drift_checked_timestamp_seconds"
    lines[checked].append(_line(checked, of, at.timestamp()))
    for column in result.columns:
        which = of | {"column": column.column}
        lines["agro_drift_pressure"].append(_line("agro_drift_pressure", which, column.pressure))
        for measure, score in column.scores.items():
            exact = which | {"measure": measure}
            lines["agro_drift_score"].append(_line("agro_drift_score", exact, score.value))
            lines["agro_drift_limit"].append(_line("agro_drift_limit", exact, score.limit))
    return "".join(f"# HELP {n} {HELP[n]}\n# TYPE {n} gauge\n{''.join(found)}" for n, found in lines.items())


def write(folder: Path, result: DriftResult, model: str, at: datetime) -> Path:
    """Write the exposition to `folder/drift-MODEL.prom`, whole or not at all.

    Raises:
        DiskFull: There is no room.
    """
    path = folder / f"drift-{model}.prom"
    write_whole(path, exposition(result, model, at).encode())
    return path


def _line(name: str, labels: dict[str, str], value: float) -> str:
    escaped = {k: v.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for k, v in labels.items()}
    told = ",".join(f'{k}="{v}"' for k, v in escaped.items())
    return f"{name}{{{told}}} {value:.10g}\n"
