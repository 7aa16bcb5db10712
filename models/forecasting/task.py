"""What a rolling-origin protocol asks: a panel, where each of its series is cut, and how a forecast is scored."""

from typing import Any, NamedTuple

from models.errors import BadRequest, HistoryTooShort
from models.forecasting.origins import Plan, plan, windows_wanted
from models.forecasting.panel import Panel, Series
from models.forecasting.scored import Metric


class Task(NamedTuple):
    """A panel, where each of its series is cut, and how a forecast is scored."""

    panel: Panel
    plans: tuple[Plan, ...]
    horizon: int
    origins: int
    windows: int
    metric: Metric

    @property
    def cut(self) -> list[tuple[Series, Plan]]:
        """The series that are long enough, with their plans."""
        return [(one, where) for one, where in zip(self.panel.series, self.plans, strict=True) if where.scored]

    def to_json(self, name: str) -> dict[str, Any]:
        """The protocol as evaluations have it."""
        return {
            "name": name,
            "horizon": self.horizon,
            "origins": self.origins,
            "season": self.panel.calendar.season,
            "step_days": round(self.panel.calendar.days, 4),
            "calibration_windows": self.windows,
            "regressors": list(self.panel.regressors),
        }


def planned(panel: Panel, protocol: dict[str, Any], metric: Metric) -> Task:
    """The task of a panel; `protocol` may hold horizon and origins, where the calendar's and 5 are not wanted.

    Raises:
        BadRequest: The protocol asks for something impossible.
        HistoryTooShort: No series is long enough for one origin.
    """
    unknown = sorted(set(protocol) - {"horizon", "origins"})
    if unknown:
        raise BadRequest(f"protocol.{unknown[0]}", "not known; give horizon and origins")
    horizon = _whole(protocol, "horizon", panel.calendar.horizon)
    origins = _whole(protocol, "origins", 5)
    windows = windows_wanted(len(panel.series), horizon)
    plans = tuple(plan(one, panel.calendar, horizon, origins, windows) for one in panel.series)
    if not any(one.scored for one in plans):
        longest = max(len(one) for one in panel.series)
        raise HistoryTooShort(f"y: no series is longer than {longest} steps, too short for a horizon of {horizon}")
    return Task(panel, plans, horizon, origins, windows, metric)


def _whole(protocol: dict[str, Any], name: str, default: int) -> int:
    value = protocol.get(name)
    value = default if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 365:
        raise BadRequest(f"protocol.{name}", f"{value!r} is not a whole number from 1 to 365")
    return value
