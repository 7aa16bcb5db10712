"""What may be searched: ranges of hyperparameters as plain data, by names that reach into nested parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = str | bool | int | float


@dataclass(frozen=True)
class FloatRange:
    """Numbers from `low` to `high`, both included, on a logarithmic scale with `log`.

    In a mapping such as `profile`, a share under `none_below` is left out: a logarithmic scale has no zero.
    """

    low: float
    high: float
    log: bool = False
    none_below: float | None = None

    def nearest(self, value: Any) -> float:
        """The value of the range that is nearest."""
        return float(min(max(value, self.low), self.high))


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int
    log: bool = False

    def nearest(self, value: Any) -> int:
        """The value of the range that is nearest."""
        return int(min(max(value, self.low), self.high))


@dataclass(frozen=True)
class Choice:
    """One of some options; with a single option, that one always."""

    options: tuple[Value, ...]

    def nearest(self, value: Any) -> Value:
        """The value itself where it is an option, else the first option."""
        return value if value in self.options else self.options[0]


Range = FloatRange | IntRange | Choice
Space = Mapping[str, Range]
"""Ranges by name; `profile.rel2` is the share `rel2` in the hyperparameter `profile`."""


def narrowed(space: Space, params: Mapping[str, Any]) -> dict[str, Range]:
    """The part of a space that these hyperparameters have values for.

    >>> narrowed({"reg": FloatRange(1, 9), "profile.one": FloatRange(0, 1)}, {"profile": {}, "reg": None})
    {'profile.one': FloatRange(low=0, high=1, log=False, none_below=None)}
    """
    return {name: span for name, span in space.items() if params.get(name.partition(".")[0]) is not None}


def flat(space: Space, params: Mapping[str, Any]) -> dict[str, Value]:
    """A value for each name of the space: the nearest to what `params` hold; what a mapping lacks is 0.

    >>> flat({"profile.one": FloatRange(0.1, 1), "profile.rel2": FloatRange(0.1, 1)}, {"profile": {"one": 0.5}})
    {'profile.one': 0.5, 'profile.rel2': 0.1}
    """
    found: dict[str, Value] = {}
    for name, span in space.items():
        outer, _, inner = name.partition(".")
        found[name] = span.nearest(params[outer].get(inner, 0) if inner else params[outer])
    return found


def nested(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters as a config takes them, from values by the names of the space.

    >>> share = FloatRange(0.1, 1, none_below=0.2)
    >>> nested({"profile.one": share, "reg": FloatRange(1, 9)}, {"profile.one": 0.1, "reg": 3})
    {'profile': {}, 'reg': 3}
    """
    params: dict[str, Any] = {}
    for name, span in space.items():
        outer, _, inner = name.partition(".")
        if not inner:
            params[outer] = values[name]
        elif not _left_out(span, values[name]):
            params.setdefault(outer, {})[inner] = values[name]
        else:
            params.setdefault(outer, {})
    return params


def _left_out(span: Range, value: Any) -> bool:
    return isinstance(span, FloatRange) and span.none_below is not None and value < span.none_below
