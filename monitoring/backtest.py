"""How often the check alarms on real weeks, and how small a shift it finds: the figures behind its limits.

`python -m monitoring.backtest --data FILE --time ds --columns y,known_price_usd`

Week after week is judged with nothing but the weeks before it as the reference. Weeks in which something really went
wrong count as false alarms here, so that the figure is no lower than the truth.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from monitoring.drift import assess
from monitoring.inject import Shift, apply
from monitoring.settings import DriftSettings
from monitoring.weeks import DAY_NS, end_of_last_full_day, nanoseconds, split_week, week_numbers


@dataclass
class Backtest:
    """What happened in the weeks that were judged."""

    weeks: int = 0
    alarmed: list[str] = field(default_factory=list)
    """First day of each week that alarmed as it was, with the reasons."""
    found: dict[str, dict[str, int]] = field(default_factory=dict)
    """By column and size of the shift: weeks in which the shift alarmed on its column."""
    others: int = 0
    """Alarms on columns that were not shifted and had been quiet."""


def backtest(
    frame: pd.DataFrame,
    columns: list[str],
    *,
    time: str = "event_time",
    sigmas: tuple[float, ...] = (0.25, 0.5, 1.0),
    first_reference_weeks: int = 16,
    settings: DriftSettings | None = None,
) -> Backtest:
    """Judge each week of `frame` against the weeks before it, as it was and with each column shifted.

    Args:
        frame: Rows with a column of times.
        columns: Columns to judge.
        time: Column of times.
        sigmas: Shifts to put in, in standard deviations of the reference; none to count false alarms alone.
        first_reference_weeks: Whole weeks before the first week that is judged.
        settings: As for `assess`.
    """
    settings = settings or DriftSettings()
    done = Backtest(found={column: {f"{k:g}": 0 for k in sigmas} for column in columns})
    n_weeks = int(week_numbers(frame[time]).max()) + 1
    for back in range(n_weeks - first_reference_weeks, 0, -1):
        _judge(done, *split_week(frame, back, time), columns=columns, time=time, sigmas=sigmas, settings=settings)
    return done


def _judge(
    done: Backtest,
    reference: pd.DataFrame,
    week: pd.DataFrame,
    *,
    columns: list[str],
    time: str,
    sigmas: tuple[float, ...],
    settings: DriftSettings,
) -> None:
    result = assess(reference, week, settings, columns)
    done.weeks += 1
    if result.alarm:
        done.alarmed.append(f"{week[time].min():%Y-%m-%d}: {'; '.join(result.reasons)}")
    for shift in (Shift(column, k) for column in columns for k in sigmas):
        alarms = assess(reference, apply(week, reference, shift), settings, columns).alarms
        done.found[shift.column][f"{shift.sigmas:g}"] += shift.column in alarms
        done.others += len(set(alarms) - {shift.column} - set(result.alarms))


def read(path: Path, time: str) -> pd.DataFrame:
    """A CSV or Parquet file with its times as times."""
    import pyarrow.csv
    import pyarrow.parquet

    table = (pyarrow.parquet.read_table if path.suffix == ".parquet" else pyarrow.csv.read_csv)(path)
    frame = table.to_pandas()
    frame[time] = pd.to_datetime(nanoseconds(frame[time]), utc=True)
    return frame


def main(arguments: list[str] | None = None) -> int:
    """Print the figures for one file as JSON."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.backtest", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--time", default="event_time")
    parser.add_argument("--columns", required=True, help="separated by commas")
    parser.add_argument("--drop-days", type=int, default=0, help="leave out so many last days: weeks begin elsewhere")
    parser.add_argument("--false-alarms-only", action="store_true")
    chosen = parser.parse_args(arguments)
    frame = read(chosen.data, chosen.time)
    days = nanoseconds(frame[chosen.time]) // DAY_NS
    frame = frame[days < end_of_last_full_day(days) - chosen.drop_days]
    sigmas = () if chosen.false_alarms_only else (0.25, 0.5, 1.0)
    done = backtest(frame, chosen.columns.split(","), time=chosen.time, sigmas=sigmas)
    sys.stdout.write(json.dumps(asdict(done), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
