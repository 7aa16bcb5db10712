"""What every training does once its data are read and checked: evaluate, decide, fit, log."""

import subprocess
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from features.snapshot import Snapshot
from flows import threads
from flows.ports import Ports
from flows.progress import part, tell
from flows.retries import WORLD
from flows.training_set import TrainingSet
from models.bootstrap import RefitNoise
from models.evaluation import Evaluation, Recipe, refit_noise
from models.families import family
from registry.gate import Decision, decide
from registry.packing import as_read
from registry.registry import Training
from registry.runs import noise_key

Noises = dict[str, RefitNoise]
"""Refit noise that was measured before, by recipe."""


@task(cache_policy=NO_CACHE, persist_result=False)
def evaluate(
    name: str, data: Any, recipe: Recipe, champion: Recipe | None, refits: int = 1, known: Noises | None = None
) -> tuple[Evaluation, Evaluation | None]:
    """The challenger and the champion's recipe refitted on the same split, under the family's protocol.

    Where there is a champion, a recipe whose refit noise is not `known` is evaluated under `refits` seeds.
    """
    wanted = [recipe] if champion in (None, recipe) else [champion, recipe]
    again = {one.model_dump_json(): reseeded(name, one, refits) if champion else [] for one in wanted}
    again |= {key: [] for key in again if noise_key(Recipe.model_validate_json(key)) in (known or {})}
    recipes = [*(other for others in again.values() for other in others), *wanted]
    # what was asked for comes last: a family may keep its last models, and this one is fitted next
    found = family(name).evaluate(data, recipes, progress=part(0.15, 0.6))
    noisy = _with_noise(wanted, list(again.values()), found, known or {})
    return noisy[-1], None if champion is None else noisy[0]


def reseeded(name: str, recipe: Recipe, refits: int) -> list[Recipe]:
    """The recipe under other seeds, so that there are `refits` of it; none where nothing in it is random."""
    first = int(recipe.params.get("seed") or 0)
    made = [family(name).reseeded(recipe, first + step) for step in range(1, refits)]
    return [one for one in made if one is not None]


def _with_noise(
    wanted: list[Recipe], others: list[list[Recipe]], found: list[Evaluation], known: Noises
) -> list[Evaluation]:
    """The evaluations of the recipes wanted, each with the spread that its other seeds show, or that is known."""
    own, rest = found[-len(wanted) :], found[: -len(wanted)]
    noisy = []
    for recipe, evaluation, seeds in zip(wanted, own, others, strict=True):
        spread, rest = rest[: len(seeds)], rest[len(seeds) :]
        noise = known.get(noise_key(recipe)) or refit_noise([evaluation, *spread])
        noisy.append(replace(evaluation, refit_noise=noise))
    return noisy


@task(cache_policy=NO_CACHE, persist_result=False)
def fit(name: str, data: Any, recipe: Recipe, evaluation: Evaluation) -> Any:
    """The recipe fitted on all of the data, with what the evaluation chose on its validation part."""
    found = family(name)
    return found.fit(data, found.settled(recipe, evaluation), progress=part(0.6, 0.85))


@task(**WORLD)
def log(ports: Ports, training: Training) -> int:
    """Log the run, register the version, and give its number."""
    return ports.registry.log_training(training).number


def train(ports: Ports, name: str, recipe: Recipe, training_set: TrainingSet, reuse: bool = False) -> dict[str, Any]:
    """Evaluate a recipe against the champion's and the baseline, fit it on everything, register it.

    Args:
        ports: The real clients.
        name: Registered model.
        recipe: What to train.
        training_set: What to train it on.
        reuse: Give back a version of the same recipe, rows and code where there is one, instead of training it again.

    Returns:
        The outcome as `agro train --json` prints it: version, gate, metrics, baselines, gains with intervals.
    """
    started = time.monotonic()
    same = ports.registry.trained_before(name, recipe, training_set.lineage(), commit()) if reuse else None
    if same is not None:
        tell(1.0, f"{name} version {same.number} has the same recipe, rows and code: not trained again")
        evaluated, gate = (ports.registry.document(same.run_id, part) for part in ("evaluation", "gate"))
        return _outcome(name, same.number, evaluated, gate, training_set.snapshot, started) | {"reused": True}
    computed_with = threads.current()
    with threads.limited(computed_with):
        evaluation, decision = judge(ports, name, recipe, training_set.data)
        model = fit(name, training_set.data, recipe, evaluation)
        with tempfile.TemporaryDirectory(prefix="agro-model-") as folder:
            training = _training(name, recipe, model, training_set, evaluation, decision, Path(folder), started)
            tell(0.9, "logging the run to MLflow")
            number = log(ports, replace(training, threads=computed_with))
    tell(1.0, f"{name} version {number}: gate {decision.outcome}")
    evaluated, gate = as_read(evaluation.to_json()), as_read(decision.to_json())
    return _outcome(name, number, evaluated, gate, training_set.snapshot, started)


def judge(ports: Ports, name: str, recipe: Recipe, data: Any) -> tuple[Evaluation, Decision]:
    """The challenger's evaluation, and the gate's word on it beside what serves."""
    registry = ports.registry
    champion = registry.champion(name)
    if champion is None:
        evaluation, _ = evaluate(name, data, recipe, None)
        return evaluation, decide(evaluation, None, ports.training.margin, checks=family(name).checks(evaluation))
    theirs = registry.recipe(name, champion.number)
    evaluation, refitted = evaluate(name, data, recipe, theirs, ports.training.refits, registry.noises(name))
    return evaluation, decide(
        evaluation,
        refitted,
        ports.training.margin,
        same_recipe=recipe == theirs,
        recorded=registry.document(champion.run_id, "evaluation"),
        checks=family(name).checks(evaluation),
    )


def _training(
    name: str,
    recipe: Recipe,
    model: Any,
    training_set: TrainingSet,
    evaluation: Evaluation,
    decision: Decision,
    folder: Path,
    started: float,
) -> Training:
    model.save(folder)
    tell(0.87, "drawing the pictures and the golden requests")
    return Training(
        name=name,
        recipe=recipe,
        model_dir=folder,
        evaluation=evaluation,
        decision=decision,
        dataset=training_set.lineage(),
        pictures=family(name).pictures(evaluation, model),
        golden=family(name).golden(model, training_set.data),
        commit=commit(),
        about=family(name).about,
        seconds=time.monotonic() - started,
    )


def _outcome(
    name: str, number: int, evaluated: dict[str, Any], gate: dict[str, Any], snapshot: Snapshot, started: float
) -> dict[str, Any]:
    """What the registry holds of a version, as one document."""
    return evaluated | {
        "model": name,
        "version": number,
        "gate": {"passed": gate["passed"], "outcome": gate.get("outcome", gate["gate"]), "reasons": gate["reasons"]}
        | {"warnings": gate.get("warnings", [])},
        "snapshot": snapshot.content_hash,
        "rows": snapshot.rows,
        "seconds": round(time.monotonic() - started, 1),
    }


def commit() -> str:
    """The git commit of the running code, `unknown` outside a checkout, `-dirty` with changes that no commit holds."""
    root = Path(__file__).parent.parent
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            cwd=root, capture_output=True, text=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return answer.stdout.strip() or "unknown"


def utc(moment: datetime | None) -> datetime:
    """A moment in UTC; now where none is given, UTC where it carries no zone."""
    if moment is None:
        return datetime.now(UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
