"""The parts of an evaluation that have scores of their own, read out of its slices."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class SliceRow(NamedTuple):
    """A slice with its size, its own score, and the baseline's where it has one."""

    name: str
    n: int
    ours: float
    theirs: float | None


def slice_rows(slices: Mapping[str, Any], primary: str, baseline: str, within: str = "") -> Iterator[SliceRow]:
    """Every slice that has a size and a score, groups of slices by `group: slice`.

    >>> light = {"n": 3, "ndcg@10": 0.5, "popularity_ndcg@10": 0.4}
    >>> rust = {"n": 2, "ndcg@10": 0.9, "baselines": {"popularity": 0.8}}
    >>> [tuple(row) for row in slice_rows({"light": light, "label": {"rust": rust}}, "ndcg@10", "popularity")]
    [('light', 3, 0.5, 0.4), ('label: rust', 2, 0.9, 0.8)]
    """
    for name, part in slices.items():
        if not isinstance(part, Mapping):
            continue
        full, ours = f"{within}{name}", _number(part.get(primary, part.get("metric")))
        if ours is not None and isinstance(part.get("n"), int):
            yield SliceRow(full, part["n"], ours, _theirs(part, primary, baseline))
        else:
            yield from slice_rows(part, primary, baseline, f"{full}: ")


def _theirs(part: Mapping[str, Any], primary: str, baseline: str) -> float | None:
    baselines = part.get("baselines")
    return _number(baselines.get(baseline) if isinstance(baselines, Mapping) else part.get(f"{baseline}_{primary}"))


def notes(slices: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What slices say beside scores: name and values in a line, for parts that hold nothing but numbers.

    >>> list(notes({"series": {"scored": 6, "too_short": 0}, "light": {"n": 3, "mase": 0.5}}))
    [('series', 'scored 6, too_short 0')]
    """
    for name, part in slices.items():
        if isinstance(part, Mapping) and "n" not in part and all(isinstance(v, int | float) for v in part.values()):
            yield name, ", ".join(f"{key} {value:.4g}" for key, value in part.items())


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
