"""An Optuna study on disk: seeded, quiet, and going on where it stopped."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np

from models.search import Choice, FloatRange, Range, Space, flat, nested
from registry.searches import State, Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as Asked

STARTUP = 5
"""Trials drawn at random before the sampler learns from them."""
FEWEST_TO_WEIGH = 12
"""Trials below which nothing can be said of what matters."""
_STATES: dict[str, State] = {"COMPLETE": "done", "FAIL": "failed", "PRUNED": "pruned"}


class Study:
    """Trials of one search, kept as lines of JSON in a folder of its own, with the scores per unit of the best ones.

    A trial's proposal depends on the seed, its number and the trials before it alone, so a search that was broken off
    and goes on proposes what it would have proposed anyway. One process at a time.
    """

    def __init__(self, folder: Path, better: Literal["higher", "lower"], seed: int) -> None:
        """Open the study in `folder`, or begin it."""
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._seed, self._sign = folder, seed, 1.0 if better == "higher" else -1.0
        self._study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(folder / "journal.jsonl"))),
            study_name="search",
            direction="maximize" if better == "higher" else "minimize",
            load_if_exists=True,
        )
        if "id" not in self._study.user_attrs:
            self._study.set_user_attr("id", uuid4().hex)
        self._asked: Asked | None = None
        self._close_what_broke_off()

    @property
    def id(self) -> str:
        """The search's own id, the same after a break."""
        return str(self._study.user_attrs["id"])

    @property
    def trials(self) -> list[Trial]:
        """Every finished trial in order."""
        return [_told(found) for found in self._study.get_trials(deepcopy=False) if found.state.is_finished()]

    @property
    def best(self) -> Trial:
        """The best trial that was done, the earliest of equals; there has to be one."""
        return max((trial for trial in self.trials if trial.state == "done"), key=self._goodness)

    def begin(self, space: Space, params: Mapping[str, Any], score: float, units: np.ndarray, seconds: float) -> None:
        """Enter the default recipe, whose score is known, as the first trial."""
        from optuna.trial import create_trial

        self._keep(0, units)
        attributes = {"params": dict(params), "seconds": seconds}
        distributions = {name: _distribution(span) for name, span in space.items()}
        self._study.add_trial(
            create_trial(value=score, params=flat(space, params), distributions=distributions, user_attrs=attributes)
        )

    def ask(self, space: Space, base: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The next trial's number and the hyperparameters it is to try: `base` with a value for each of the space."""
        from optuna.samplers import TPESampler

        number = len(self._study.get_trials(deepcopy=False))
        drawn = int(np.random.SeedSequence((self._seed, number)).generate_state(1)[0])
        self._study.sampler = TPESampler(seed=drawn, n_startup_trials=STARTUP)
        self._asked = self._study.ask({name: _distribution(span) for name, span in space.items()})
        params = {**base, **nested(space, self._asked.params)}
        self._asked.set_user_attr("params", params)
        return self._asked.number, params

    def tell(self, trial: Trial, units: np.ndarray | None = None) -> None:
        """Enter what came of the trial that was asked for last, and its scores per unit where it is the best so far."""
        from optuna.trial import TrialState

        state = {"done": TrialState.COMPLETE, "failed": TrialState.FAIL, "pruned": TrialState.PRUNED}[trial.state]
        if units is not None and self._beats_all(trial):
            self._keep(trial.number, units)
        if self._asked is not None:
            self._asked.set_user_attr("seconds", trial.seconds)
            self._asked.set_user_attr("error", trial.error)
        self._study.tell(trial.number, trial.score, state=state)

    def _beats_all(self, trial: Trial) -> bool:
        return self._goodness(trial) > self._goodness(self.best)

    def _goodness(self, trial: Trial) -> float:
        return -np.inf if trial.score is None else self._sign * trial.score

    def units(self, number: int) -> np.ndarray:
        """Scores per unit of the default (number 0) or of the best trial."""
        return np.asarray(np.load(self._folder / f"trial-{number}.npy", allow_pickle=False))

    def importances(self) -> dict[str, float]:
        """How much of the scores each hyperparameter explains, summing to 1; empty where too few trials were done."""
        import optuna

        done = [found for found in self._study.get_trials(deepcopy=False) if found.state.name == "COMPLETE"]
        if len(done) < FEWEST_TO_WEIGH or len({found.value for found in done}) < 2:
            return {}
        copy = optuna.create_study(direction=self._study.direction)
        copy.add_trials(done)
        weighed = optuna.importance.get_param_importances(
            copy, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
        return {name: float(share) for name, share in weighed.items() if share > 0}

    def _close_what_broke_off(self) -> None:
        from optuna.trial import TrialState

        for found in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(found.number, state=TrialState.FAIL)

    def _keep(self, number: int, units: np.ndarray) -> None:
        np.save(self._folder / f"trial-{number}.npy", np.asarray(units, dtype=float), allow_pickle=False)


def _told(found: "FrozenTrial") -> Trial:
    attributes = found.user_attrs
    return Trial(
        number=found.number,
        params=attributes.get("params", {}),
        state=_STATES[found.state.name],
        score=found.value if found.state.name == "COMPLETE" else None,
        seconds=float(attributes.get("seconds", 0.0)),
        error=str(attributes.get("error", "the search was broken off" if found.state.name == "FAIL" else "")),
    )


def _distribution(span: Range) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(span, Choice):
        return CategoricalDistribution(span.options)
    if isinstance(span, FloatRange):
        return FloatDistribution(span.low, span.high, log=span.log)
    return IntDistribution(span.low, span.high, log=span.log)
