"""Search for better hyperparameters: read, check, try, and keep every trial in MLflow."""

import hashlib
import json
import time
from dataclasses import asdict
from datetime import datetime
from typing import Any

from prefect import flow, task

from flows import catalogue, ports
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.parameters import ModelName
from flows.progress import part, tell
from flows.retries import WORLD
from flows.settings import TuningSettings
from flows.training import commit, utc
from flows.training_set import TrainingSet, training_set
from flows.tuning import pictures, search
from flows.tuning.search import Plan
from flows.tuning.study import Study
from models.families import registered
from registry.searches import Search, SearchRun, Trial


def open_study(plan: Plan, known: TrainingSet) -> Study:
    """The study of this algorithm on these snapshots with this seed, begun or going on where it stopped.

    Another code's ranges make another study: their trials cannot be compared.
    """
    ranges = json.dumps({name: asdict(span) for name, span in plan.space.items()}, sort_keys=True)
    beside = "".join(snapshot.content_hash for snapshot in known.beside.values())
    named = hashlib.sha256((ranges + beside).encode()).hexdigest()[:8]
    name = f"{plan.family.name}-{plan.recipe.algorithm}-{known.snapshot.content_hash[:16]}-{plan.seed}-{named}"
    return Study(TuningSettings().studies / name, plan.family.better, plan.seed)


@task(**WORLD)
def open_run(env: ports.Ports, plan: Plan, study: Study, known: TrainingSet) -> SearchRun:
    """The parent run, a new one or the one that the search had before it was broken off."""
    ranges = {f"range.{name}": _told(asdict(span)) for name, span in plan.space.items()}
    return env.registry.open_search(
        Search(
            name=plan.family.name,
            algorithm=plan.recipe.algorithm,
            key=study.id,
            primary=plan.family.primary,
            dataset=known.lineage(),
            params={"seed": plan.seed, **ranges},
            commit=commit(),
        )
    )


def _told(span: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in span.items() if value not in (None, False))


@task(**WORLD)
def record(run: SearchRun, trial: Trial) -> None:
    """Keep a trial as a child run."""
    run.add(trial)


@task(**WORLD)
def close_run(run: SearchRun, plan: Plan, study: Study, outcome: dict[str, Any]) -> None:
    """Keep the outcome and the pictures, and close the parent run."""
    tell(0.95, "drawing the pictures of the search")
    drawn = pictures.draw(study.trials, study.importances(), plan.family.primary, plan.family.better)
    run.finish(outcome, _figures(outcome), drawn)


def _figures(outcome: dict[str, Any]) -> dict[str, float]:
    told = {"default": outcome["default"]["score"], "best": outcome["best"]["score"]}
    told |= {f"gain/{name}": value for name, value in outcome["gain"].items()}
    return told | {f"trials/{name}": float(n) for name, n in outcome["trials"].items()}


def outcome_of(plan: Plan, study: Study, known: TrainingSet, before: int) -> dict[str, Any]:
    """What a search found, as `agro tune --json` prints it."""
    trials, best, gain = study.trials, study.best, search.gain(plan, study)
    states = [trial.state for trial in trials]
    return {
        "model": plan.family.name,
        "algorithm": plan.recipe.algorithm,
        "params": best.params,
        "metric": plan.family.primary,
        "default": {"params": trials[0].params, "score": trials[0].score},
        "best": {"trial": best.number, "score": best.score},
        "gain": dict(gain._asdict()),
        "surely_better": gain.low > 0,
        "trials": {state: states.count(state) for state in ("done", "failed", "pruned")},
        "trials_before": before,
        "seed": plan.seed,
        "snapshot": known.snapshot.content_hash,
        **{name: snapshot.content_hash for name, snapshot in known.beside.items()},
        "rows": known.snapshot.rows,
    }


@flow(name="tune", validate_parameters=True, persist_result=True, result_serializer="json", **ALERTING)
def tune(
    model: ModelName,
    algorithm: str | None = None,
    as_of: datetime | None = None,
    minutes: float = 10.0,
    trials: int | None = None,
    seed: int = 0,
    train: bool = False,
) -> dict[str, Any]:
    """Search for `minutes` on what had happened before `as_of` (default: now), never looking at a row that tests.

    The same search on the same rows goes on where it stopped; `trials` limits all of its trials. With `train`, the
    training flow then trains a version with what was found; without, nothing is trained and nothing registered.

    Args:
        model: A registered model.
        algorithm: An algorithm of its family; None: the default one.
        as_of: Look only at what happened before this moment, UTC; None: now.
        minutes: For how long trials may run.
        trials: How many trials there may be in all; None: as many as the time allows.
        seed: Seed of the proposals.
        train: Train a version with what was found.
    """
    plan, started = search.planned(model, algorithm, minutes, trials, seed), time.monotonic()
    moment = utc(as_of)
    with one_at_a_time(f"tune-{model}"):
        env = ports.connect()
        known = training_set(env, model, moment)
        study = open_study(plan, known)
        before = len(study.trials)
        with open_run(env, plan, study, known) as run:
            search.search(plan, known.data, study, lambda trial: record(run, trial), part(0.15, 0.95))
            outcome = outcome_of(plan, study, known, before) | {"run_id": run.run_id, "url": run.url}
            outcome["seconds"] = round(time.monotonic() - started, 1)
            close_run(run, plan, study, outcome)
    tell(1.0, f"{model}: {outcome['metric']} {outcome['best']['score']:.4f}, default {outcome['default']['score']:.4f}")
    if train:
        outcome["training"] = catalogue.find(registered(model).flow)(
            algorithm=plan.recipe.algorithm, as_of=moment, params=outcome["params"]
        )
    return outcome
