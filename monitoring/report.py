"""The HTML report: our verdict on top, Evidently's charts of a sample below."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from base.files import write_whole
from monitoring.errors import MonitoringError
from monitoring.result import MEASURES, DriftResult
from monitoring.settings import DriftSettings
from monitoring.templates import render


class ReportFailed(MonitoringError):
    """Evidently could not draw the report; the verdict stands without it."""


def write(
    path: Path,
    result: DriftResult,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    *,
    title: str,
    settings: DriftSettings | None = None,
) -> Path:
    """Write the report of a check as one HTML file that needs no network.

    Args:
        path: The file to write.
        result: The check, made on all rows.
        reference: The rows it was made on; a sample of `settings.report_rows` goes to the charts.
        current: The rows that were judged; likewise.
        title: What was checked.
        settings: Size of the sample and its seed.

    Returns:
        `path`.

    Raises:
        DiskFull: No room for the file.
        ReportFailed: Evidently could not draw these data.
    """
    settings = settings or DriftSettings()
    columns = [column.column for column in result.columns if column.column in current.columns]
    sides = [_sample(frame[columns], settings) for frame in (reference, current)]
    note = f"a random sample of {len(sides[0]):,} reference rows and {len(sides[1]):,} rows of the week"
    page = _charts(sides[0], sides[1], result) if len(sides[1]) and columns else "<html><body></body></html>"
    write_whole(path, with_banner(page, result, title, note).encode())
    return path


def _sample(frame: pd.DataFrame, settings: DriftSettings) -> pd.DataFrame:
    n = min(len(frame), settings.report_rows)
    return frame.sample(n, random_state=settings.seed).reset_index(drop=True)


def _charts(reference: pd.DataFrame, current: pd.DataFrame, result: DriftResult) -> str:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataSummaryPreset

    drawn = [c for c in reference.columns if reference[c].notna().any() and current[c].notna().any()]
    numbers = [c for c in drawn if pd.api.types.is_numeric_dtype(reference[c])]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=[c for c in drawn if c not in numbers])
    sides = [
        Dataset.from_pandas(_plain(side[drawn], numbers), data_definition=definition) for side in (current, reference)
    ]
    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")  # divisions by empty bins inside scipy, drawn as they should be
            page = Path(folder) / "charts.html"
            Report([_drift_preset(result, drawn), DataSummaryPreset()]).run(*sides).save_html(str(page))
            return page.read_text()
    except (ValueError, TypeError, KeyError, ZeroDivisionError) as exc:
        raise ReportFailed(f"the charts could not be drawn: {exc}") from exc


def _drift_preset(result: DriftResult, drawn: list[str]) -> Any:
    """Evidently's drift charts under our limits, so that the page does not say two things."""
    from evidently.presets import DataDriftPreset

    method = {c.column: "wasserstein" if c.kind == "number" else "psi" for c in result.columns if c.column in drawn}
    limit = {c.column: c.scores[method[c.column]].limit for c in result.columns if method.get(c.column) in c.scores}
    return DataDriftPreset(
        columns=drawn, drift_share=0.5 / max(len(drawn), 1), per_column_method=method, per_column_threshold=limit
    )


def _plain(side: pd.DataFrame, numbers: list[str]) -> pd.DataFrame:
    return pd.DataFrame({c: side[c].astype(float) if c in numbers else side[c].astype(object) for c in side.columns})


def with_banner(page: str, result: DriftResult, title: str, note: str) -> str:
    """Put the verdict, its reasons and a table of all scores at the top of an HTML page.

    Args:
        page: A page with a body.
        result: The check.
        title: What was checked.
        note: What the charts below were drawn from.
    """
    head, body, rest = page.partition("<body>")
    return head + body + banner(result, title, note) + rest


def banner(result: DriftResult, title: str, note: str) -> str:
    """The verdict as a piece of HTML with its own style."""
    return render("banner.html.j2", result=result, title=title, note=note, measures=MEASURES)
