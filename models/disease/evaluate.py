"""The leaf protocol: which images train, which test, what is measured, and the baselines beside it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.disease import baselines
from models.disease.calibration import reliability
from models.disease.leaves import LeafData, condition, crop, read
from models.disease.runtime import LeafModel
from models.disease.scoring import Answers, confusion, measures
from models.errors import BadData
from models.evaluation import Evaluation, Recipe, Slice
from models.family import Progress

NAME = "leaf-disease"
PRIMARY = "accuracy"


@dataclass(frozen=True)
class LeafEvaluation(Evaluation):
    """An evaluation that remembers the answers and a few thumbnails, for pictures."""

    answers: Answers | None = field(default=None, repr=False)
    thumbnails: np.ndarray | None = field(default=None, repr=False)
    shown: np.ndarray | None = field(default=None, repr=False)


def evaluate(
    data: LeafData,
    recipes: Sequence[Recipe],
    learn: Callable[[LeafData, Recipe, Progress], LeafModel],
    *,
    protocol: dict[str, Any],
    progress: Progress,
) -> list[Evaluation]:
    """Train every recipe on the same images and test all on the same others.

    Args:
        data: Photographs; those of split 'held_out' test what those of split 'train' taught.
        recipes: Each is trained.
        learn: Trains one on all of the images it is given.
        protocol: {"train": folder or LeafData} trains on all of that instead and tests on all of `data`; images that
            are in both are not trained on.
        progress: Told the share done.

    Raises:
        BadData: No image is left to train or to test on.
    """
    train, test, name = divided(data, protocol)
    evaluations: list[Evaluation] = []
    for number, recipe in enumerate(recipes):
        began = time.perf_counter()
        model = learn(train, recipe, _share(progress, number, len(recipes)))
        evaluations.append(evaluate_model(model, test, protocol={"name": name, "train": len(train)}, began=began))
    return evaluations


def divided(data: LeafData, protocol: dict[str, Any]) -> tuple[LeafData, LeafData, str]:
    """Training images, test images and the protocol's name."""
    source = protocol.get("train")
    if source is None:
        train, test, name = data.part("train"), data.part("held_out"), "held-out"
    else:
        folder = source if isinstance(source, LeafData) else read(Path(source))
        train, test, name = folder.without(data).all_train(), data, "train-folder"
    if not len(train) or not len(test):
        raise BadData(f"{data.name}: {len(train)} images to train and {len(test)} to test on; add photographs")
    return train, test, name


def evaluate_model(
    model: LeafModel, data: LeafData, *, protocol: dict[str, Any] | None = None, began: float | None = None
) -> LeafEvaluation:
    """What a trained model says about all images of `data`, whatever their split.

    Rejection ("unsure") is ignored in every measure and reported as the share `rejected`.
    """
    began = time.perf_counter() if began is None else began
    if not len(data):
        raise BadData(f"{data.name}: no image to evaluate on")
    pixels = data.pixels(model.side)
    predictions = model.predict(pixels)
    paths = data.frame["path"].to_numpy(dtype=str)
    answers = Answers(
        data.labels, model.names[predictions.best], predictions.confidence, paths, frozenset(model.labels)
    )
    naive = {
        "majority": baselines.majority(data, model.labels),
        "mean_colour": baselines.mean_colour(data, pixels, model.colour, model.labels),
    }
    algorithm = model.recipe["algorithm"]
    shown = _sample(answers)
    return LeafEvaluation(
        model=NAME,
        algorithm=algorithm,
        data=data.name,
        protocol={**(protocol or {"name": "as-is"}), **_described(model, answers)},
        metrics={**measures(answers), "rejected": float(model.unsure(predictions).mean())},
        baselines={name: measures(said) for name, said in naive.items()},
        n=len(data),
        seconds=time.perf_counter() - began,
        primary=PRIMARY,
        better="higher",
        unit_ids=data.image_ids,
        unit_scores={name: said.correct.astype(float) for name, said in {algorithm: answers, **naive}.items()},
        slices=_slices(answers, naive),
        notes=_notes(answers),
        unit="images",
        clusters=data.frame["leaf_id"].to_numpy(dtype=str) if "leaf_id" in data.frame else None,
        answers=answers,
        thumbnails=pixels[shown],
        shown=shown,
    )


def _described(model: LeafModel, answers: Answers) -> dict[str, Any]:
    params = model.recipe["params"]
    return {
        "validation": model.training.get("validation_images"),
        "side": model.side,
        "epochs": len(model.training.get("history", {}).get("loss", [])) or params.get("epochs"),
        "temperature": model.temperature,
        "unsure_below": model.threshold,
        "unknown_labels": sorted(set(answers.truth.tolist()) - answers.known),
        "ece_bins": 15,
    }


def _slices(answers: Answers, naive: dict[str, Answers]) -> tuple[Slice, ...]:
    """Accuracy beside the baselines' per label, crop and condition."""
    truth = answers.truth
    return (
        *_by("label", answers, naive, truth),
        *_by("crop", answers, naive, np.array([crop(label) for label in truth])),
        *_by("condition", answers, naive, np.array([condition(label) for label in truth])),
    )


def _by(kind: str, answers: Answers, naive: dict[str, Answers], groups: np.ndarray) -> Iterator[Slice]:
    correct, theirs = answers.correct, {name: said.correct for name, said in naive.items()}
    for group in np.unique(groups):
        own = groups == group
        scores = {name: float(right[own].mean()) for name, right in theirs.items()}
        yield Slice(f"{kind}: {group}", int(own.sum()), float(correct[own].mean()), scores)


def _notes(answers: Answers) -> dict[str, Any]:
    """The confusion matrix and the reliability bins."""
    labels, counts = confusion(answers.truth, answers.judged)
    return {
        "confusion": {"labels": labels, "counts": counts.tolist()},
        "reliability": {"bins": reliability(answers.confidence, answers.correct)},
    }


def _sample(answers: Answers, wrong: int = 12, right: int = 12) -> np.ndarray:
    """Rows of the most confident mistakes and of right answers of all degrees of confidence."""
    order = np.lexsort((answers.paths, -answers.confidence))
    mistakes, hits = order[~answers.correct[order]], order[answers.correct[order]]
    spread = np.unique(np.linspace(0, len(hits) - 1, min(right, len(hits))).astype(int)) if len(hits) else hits
    return np.concatenate([mistakes[:wrong], hits[spread]]).astype(int)


def _share(progress: Progress, number: int, count: int) -> Progress:
    return lambda done, what: progress((number + done) / count, f"recipe {number + 1} of {count}: {what}")
