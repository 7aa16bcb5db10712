"""How alike two versions answer the same question."""

from typing import Any

STAMPS = ("model_version", "arm", "prediction_id")
"""What an answer says of itself, and not of the question."""


def likeness(one: Any, other: Any) -> float:
    """From 0, nothing in common, to 1, the same.

    Numbers by the ratio of smaller to larger; lists of things with an id by the share of ids that both have; other
    lists place by place; documents by the mean over their keys.

    >>> likeness({"kg": 8.0}, {"kg": 10.0})
    0.8
    >>> likeness([{"product_id": "a"}, {"product_id": "b"}], [{"product_id": "b"}, {"product_id": "c"}])
    0.5
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return _mean([likeness(one.get(key), other.get(key)) for key in {*one, *other} - {*STAMPS}])
    if isinstance(one, list) and isinstance(other, list):
        return _lists(one, other)
    if _number(one) and _number(other):
        return _numbers(float(one), float(other))
    return float(one == other)


def differs(asked: dict[str, Any], one: dict[str, Any], other: dict[str, Any] | None, least_alike: float) -> bool:
    """Whether an answer is another one than before; one that is missing is.

    What an answer only repeats of the question is left out.

    >>> said = {"user_id": "u", "recommendations": [{"product_id": "a"}]}
    >>> differs({"user_id": "u"}, said, {**said, "recommendations": [{"product_id": "b"}]}, least_alike=0.2)
    True
    """
    if other is None:
        return True
    own = {key: value for key, value in one.items() if asked.get(key) != value}
    return likeness(own, {key: other.get(key) for key in own}) < least_alike


def _lists(one: list[Any], other: list[Any]) -> float:
    if not one or not other:
        return float(one == other)
    ids, others = _ids(one), _ids(other)
    if ids and others:
        return len(ids & others) / max(len(ids), len(others))
    return sum(map(likeness, one, other)) / max(len(one), len(other))


def _ids(rows: list[Any]) -> set[Any]:
    """The ids of a list's documents; empty where they have none."""
    return {row[key] for row in rows if isinstance(row, dict) for key in row if key.endswith("_id")}


def _numbers(one: float, other: float) -> float:
    if one == other:
        return 1.0
    return max(0.0, min(one / other, other / one)) if one and other else 0.0


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 1.0
