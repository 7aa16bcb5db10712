"""The search itself: the default recipe first, then what the study proposes, until time or trials are used up."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flows.errors import FlowsError
from flows.tuning.study import Study
from models.bootstrap import Interval, paired_bootstrap
from models.evaluation import Evaluation, Recipe
from models.families import family
from models.family import Family, Progress
from models.search import Space, narrowed
from registry.searches import Trial

MOST_FAILURES = 10
"""So many trials failing in a row, and none done, end a search."""


class CannotTune(FlowsError):
    """The search that was asked for makes no sense, or there is nothing to search."""


class SearchFailed(FlowsError):
    """Every trial of a search failed."""


class _TimeIsUp(Exception):
    """Stops a trial in its midst."""


@dataclass(frozen=True)
class Plan:
    """A search that makes sense: what, and for how long.

    Attributes:
        family: The model's family.
        recipe: The algorithm with its defaults, which every trial is compared with.
        minutes: For how long trials may run; the default recipe is always evaluated to its end.
        trials: How many trials the search may have, the default and those before a break included; None: no limit.
        seed: Seed of the proposals.
    """

    family: Family[Any, Any]
    recipe: Recipe
    minutes: float
    trials: int | None
    seed: int

    @property
    def space(self) -> Space:
        """What the algorithm lets a search vary."""
        return self.family.algorithms[self.recipe.algorithm].search


def planned(model: str, algorithm: str | None, minutes: float, trials: int | None, seed: int = 0) -> Plan:
    """See that a search makes sense before anything is read.

    Raises:
        models.errors.UnknownModel: No such model.
        models.errors.UnknownAlgorithm: The family has no such algorithm.
        CannotTune: The algorithm has nothing to search, or a number is out of range.
    """
    found = family(model)
    recipe = found.default_recipe(algorithm)
    if not found.algorithm(recipe.algorithm).search:
        searched = [one.name for one in found.algorithms.values() if one.search]
        choices = f"choose one of {', '.join(searched)}" if searched else "its family has none to search"
        raise CannotTune(f"{model}: {recipe.algorithm} has no hyperparameters to search; {choices}")
    if not (math.isfinite(minutes) and minutes > 0):
        raise CannotTune(f"minutes: {minutes:g} is no time to search in; give a number above 0")
    if trials is not None and trials < 1:
        raise CannotTune(f"trials: {trials} is too few; give 1 or more")
    if seed < 0:
        raise CannotTune(f"seed: {seed} is negative; give 0 or more")
    return Plan(found, recipe, minutes, trials, seed)


def search(
    plan: Plan, data: Any, study: Study, record: Callable[[Trial], None], progress: Progress | None = None
) -> None:
    """Try hyperparameters on the training part of `data`, split once more, until time or trials are used up.

    Args:
        plan: What to search, and for how long.
        data: The family's data; what its protocol tests on is left out before anything else.
        study: Where trials are kept; those that it holds already are not repeated.
        record: Told each trial that is over, those from before a break included.
        progress: Told the share done.

    Raises:
        CannotTune: On these data the algorithm has nothing to search.
        SearchFailed: Every trial but the default failed.
    """
    deadline = time.monotonic() + 60 * plan.minutes
    part = plan.family.training_part(data)
    if not study.trials:
        _begin(plan, part, study)
    for trial in study.trials:
        record(trial)
    default = study.trials[0]
    space = _space(plan, default)
    for _ in _until(plan, study, deadline, progress or (lambda share, doing: None)):
        number, params = study.ask(space, default.params)
        record(_try(plan, part, study, number, params, deadline))
    _refuse_if_all_failed(study.trials[1:], 1)


def _begin(plan: Plan, part: Any, study: Study) -> None:
    started = time.monotonic()
    recipe = plan.family.resolve(part, plan.recipe)
    (evaluation,) = plan.family.evaluate(part, [recipe])
    study.begin(
        narrowed(plan.space, recipe.params),
        recipe.params,
        _score(evaluation),
        _units(evaluation),
        time.monotonic() - started,
    )


def _space(plan: Plan, default: Trial) -> Space:
    """What the default has a value for: without a catalogue, say, there is no content to search."""
    space = narrowed(plan.space, default.params)
    if not space:
        raise CannotTune(f"{plan.family.name}: on these data {plan.recipe.algorithm} has nothing to search")
    return space


def _until(plan: Plan, study: Study, deadline: float, tell: Progress) -> Iterator[None]:
    """Once for each trial there is time and room for."""
    length = 60 * plan.minutes
    while True:
        trials, best = study.trials, study.best
        by_time = 1 - (deadline - time.monotonic()) / length
        by_number = len(trials) / plan.trials if plan.trials else 0.0
        if max(by_time, by_number) >= 1:
            return
        _refuse_if_all_failed(trials[1:], MOST_FAILURES)
        tell(max(by_time, by_number), f"trial {len(trials)}: best {best.score:.4f}, default {trials[0].score:.4f}")
        yield


def _try(plan: Plan, part: Any, study: Study, number: int, params: dict[str, Any], deadline: float) -> Trial:
    """Evaluate one recipe; what goes wrong with it is its own affair, and the search goes on."""
    started = time.monotonic()

    def watch(share: float, doing: str) -> None:
        if share < 1 and time.monotonic() > deadline:
            raise _TimeIsUp

    def over(state: Any, score: float | None = None, error: str = "") -> Trial:
        return Trial(number, params, state, score, time.monotonic() - started, error)

    units = None
    try:
        recipe = Recipe(algorithm=plan.recipe.algorithm, params=params)
        (evaluation,) = plan.family.evaluate(part, [recipe], progress=watch)
        trial, units = over("done", _score(evaluation)), _units(evaluation)
    except _TimeIsUp:
        trial = over("pruned", error="the time was up")
    except Exception as exc:
        trial = over("failed", error=f"{type(exc).__name__}: {exc}")
    study.tell(trial, units)
    return trial


def _score(evaluation: Evaluation) -> float:
    score = float(evaluation.metrics[evaluation.primary])
    if not math.isfinite(score):
        raise SearchFailed(f"{evaluation.primary} of {evaluation.algorithm} is {score}: nothing could be scored")
    return score


def _units(evaluation: Evaluation) -> Any:
    return evaluation.unit_scores[evaluation.algorithm]


def _refuse_if_all_failed(trials: list[Trial], enough: int) -> None:
    if len(trials) >= enough and all(trial.state == "failed" for trial in trials):
        raise SearchFailed(f"all {len(trials)} trials but the default failed; the last: {trials[-1].error}")


def gain(plan: Plan, study: Study) -> Interval:
    """How much better the best trial is than the default, paired over units; positive is better."""
    sign = 1.0 if plan.family.better == "higher" else -1.0
    return paired_bootstrap(sign * study.units(study.best.number), sign * study.units(0))
