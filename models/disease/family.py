"""Names the disease on a photograph of a leaf, says how sure it is, and says "unsure" where it is not a case it knows.

It advises a look by a person, it does not replace one: on other days and in the field it is right less often than on
photographs like those it learned from.
"""

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from models.disease.evaluate import NAME, PRIMARY, LeafEvaluation, Progress, evaluate, evaluate_model
from models.disease.learning import ALGORITHMS, CONFIGS, learned
from models.disease.leaves import LeafData, read, split_of
from models.disease.runtime import LeafModel, load
from models.errors import UnknownAlgorithm
from models.evaluation import Checks, Evaluation, Recipe
from models.hyperparameters import configured
from models.search import FloatRange, IntRange, Range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT = "cnn"
BETTER: Literal["higher", "lower"] = "higher"
SEARCH: dict[str, dict[str, Range]] = {
    "cnn": {
        "epochs": IntRange(8, 32),
        "learning_rate": FloatRange(0.0003, 0.01, log=True),
        "weight_decay": FloatRange(0.00001, 0.1, log=True),
        "dropout": FloatRange(0.0, 0.5),
        "label_smoothing": FloatRange(0.0, 0.2),
    }
}
UNIT = None
FEWEST_OF_A_LABEL, ENOUGH_OF_A_LABEL = 8, 20
"""Test images of a label below which nothing is said of it, and from which on never being right fails."""
POOR = 0.5
"""Accuracy on a label below which a person should look at it."""
WORST_ECE, FEWEST_TO_CALIBRATE = 0.1, 100
MOST_UNSURE = 0.3

__all__ = [
    "ALGORITHMS",
    "BETTER",
    "CONFIGS",
    "DEFAULT",
    "NAME",
    "PRIMARY",
    "SEARCH",
    "UNIT",
    "LeafData",
    "batch_requests",
    "checks",
    "default_recipe",
    "evaluate",
    "evaluate_model",
    "fit",
    "golden",
    "load",
    "pictures",
    "read",
    "reseeded",
    "settled",
    "training_part",
]


def default_recipe(algorithm: str = DEFAULT, **overrides: Any) -> Recipe:
    """The algorithm's hyperparameters, defaults written out, so that a recipe means the same for ever.

    Raises:
        UnknownAlgorithm: The family has no such algorithm.
        BadData: An override is not a hyperparameter or out of its range.
    """
    if algorithm not in ALGORITHMS:
        raise UnknownAlgorithm(f"{NAME} has no algorithm {algorithm!r}; choose one of {', '.join(ALGORITHMS)}")
    config = configured(CONFIGS[algorithm], algorithm, overrides)
    return Recipe(algorithm=algorithm, params=config.model_dump(mode="json"))


def reseeded(recipe: Recipe, seed: int) -> Recipe | None:
    """The recipe with another seed: other first weights, augmentations and order of images."""
    return Recipe(algorithm=recipe.algorithm, params={**recipe.params, "seed": seed})


def checks(evaluation: Evaluation) -> Checks:
    """A label that is never recognised fails; weak labels, probabilities that mislead and many "unsure" are told."""
    labels = [(name, part) for name, part in evaluation.slices["label"].items() if part["n"] >= FEWEST_OF_A_LABEL]
    never = [
        f"{name}: none of {part['n']} images is recognised"
        for name, part in labels
        if part[PRIMARY] == 0 and part["n"] >= ENOUGH_OF_A_LABEL
    ]
    poor = [(name, part) for name, part in labels if part[PRIMARY] < POOR]
    weak = [f"{name}: accuracy {part[PRIMARY]:.2f} of {part['n']} images" for name, part in poor]
    ece, unsure = evaluation.metrics["ece"], evaluation.metrics["rejected"]
    if ece > WORST_ECE and evaluation.n >= FEWEST_TO_CALIBRATE:
        weak.append(f"calibration error {ece:.2f}: its probabilities say more than they should")
    if unsure > MOST_UNSURE:
        weak.append(f'it says "unsure" about {unsure:.0%} of the images')
    return Checks(tuple(never), tuple(weak))


def settled(recipe: Recipe, evaluation: Evaluation) -> Recipe:
    """The recipe itself: nothing is searched for."""
    return recipe


def training_part(data: LeafData) -> LeafData:
    """The images that are not held out, one in five of them held out in their place by another hash of the content."""
    train = data.part("train")
    splits = [split_of(f"search {image_id}") for image_id in train.frame["image_id"]]
    return replace(train, frame=train.frame.assign(split=splits))


def chosen(data: LeafData, recipe: Recipe) -> Recipe:
    """The recipe itself: it leaves nothing open."""
    return recipe


def fit(data: LeafData, recipe: Recipe, progress: Progress | None = None) -> LeafModel:
    """Fit on all images but the held-out ones, which no training ever sees: every version can be judged on them.

    After `evaluate` of the same data and recipe in this process it is that very model, without a second training.
    `fit(data.all_train(), recipe)` holds nothing out.
    """
    return learned(data.part("train"), recipe, progress)


def golden(model: LeafModel, data: LeafData, count: int = 5) -> list[dict[str, Any]]:
    """Requests with small JPEGs of up to `count` labels, and the model's own answers."""
    labels = data.labels
    rows = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]
    chosen = [rows[at] for at in np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]
    requests = [{"image_base64": _small_jpeg(pixels)} for pixels in data.take(np.array(chosen)).pixels(model.side)]
    return [{"request": request, "answer": model.answer(request)} for request in requests]


def batch_requests(model: LeafModel) -> Iterator[dict[str, Any]]:
    """None: a photograph is not known before somebody takes it."""
    return iter(())


def pictures(evaluation: Evaluation, model: LeafModel) -> "dict[str, Figure]":
    """Confusion matrix, reliability, sample predictions and learning curve, by file name."""
    from models.disease import pictures as drawn

    figures = {
        "confusion_matrix.png": drawn.confusion_matrix(evaluation),
        "reliability.png": drawn.reliability_diagram(evaluation),
        "learning_curve.png": drawn.learning_curve(model),
    }
    if isinstance(evaluation, LeafEvaluation) and evaluation.thumbnails is not None:
        figures["sample_predictions.png"] = drawn.montage(evaluation)
    return figures


def _small_jpeg(pixels: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return base64.b64encode(out.getvalue()).decode()
