"""What to do about a condition, with the source that says so."""

import json
from functools import cache
from importlib.resources import files

from pydantic import BaseModel

from models.disease.leaves import condition


class Advice(BaseModel, frozen=True, extra="forbid"):
    """What helps now, what prevents the next time, and who says so."""

    treatment: str
    prevention: str
    source: str


class Advices(BaseModel, frozen=True, extra="forbid"):
    """All advice: per label where the crop matters, per condition otherwise."""

    unsure: Advice
    general: Advice
    conditions: dict[str, Advice]
    labels: dict[str, Advice]


@cache
def advices() -> Advices:
    """The advice that travels with the package, read once."""
    return Advices(**json.loads(files("models.disease").joinpath("treatments.json").read_text(encoding="utf-8")))


def advice(label: str) -> Advice:
    """For this crop and condition, else for the condition, else general; 'unsure' has its own.

    >>> advice("quince__rust") == advice("apple__rust"), advice("quince__scab") == advices().general
    (True, True)
    """
    known = advices()
    if label == "unsure":
        return known.unsure
    return known.labels.get(label) or known.conditions.get(condition(label)) or known.general
