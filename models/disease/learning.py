"""From labelled photographs to a model that serves: train, then choose temperature and thresholds on unseen images."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.disease.baselines import fit_colour
from models.disease.calibration import fit_temperature, unsure_below
from models.disease.leaves import LeafData
from models.disease.novelty import Novelty, fit_novelty
from models.disease.runtime import LeafModel
from models.evaluation import Recipe

_KEPT: OrderedDict[str, LeafModel] = OrderedDict()
"""The last few models of this process, by data and recipe: the same training twice gives the same model."""
_MOST_KEPT = 4


@dataclass(frozen=True)
class Trained:
    """What an algorithm's `fit` leaves: its graph in two formats, its classes, and which images it has not seen.

    Attributes:
        onnx: The graph, from pixels (n, side, side, 3) of 0 to 255 to logits (n, k) and embeddings (n, width).
        keras: The same in Keras' own format, for whoever trains on.
        labels: The k classes in the order of the logits.
        validation: Mask of the images set aside, shape (n_images,).
        history: Learning curve: values by epoch.
        side: Side in pixels of the pictures that the graph takes.
        width: Numbers in an embedding.
    """

    onnx: bytes
    keras: bytes
    labels: tuple[str, ...]
    validation: np.ndarray
    history: dict[str, list[float]]
    side: int
    width: int


def learned(data: LeafData, recipe: Recipe, learn: Callable[[], Trained], params: dict[str, Any]) -> LeafModel:
    """The model of these images and this recipe; from memory where this process has trained it before.

    Args:
        data: All images to learn from, whatever their split.
        recipe: What is trained.
        learn: Trains it.
        params: Its hyperparameters, defaults written out.

    Raises:
        BadData: There are too few classes or images.
    """
    key = _key(data, recipe)
    if key not in _KEPT:
        _KEPT[key] = calibrated(learn(), data, {"algorithm": recipe.algorithm, "params": params})
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    return _KEPT[key]


def calibrated(trained: Trained, data: LeafData, recipe: dict[str, Any]) -> LeafModel:
    """Temperature, "unsure" and "not a leaf" chosen on the images that training has set aside."""
    pixels = data.pixels(trained.side)
    truth = np.searchsorted(trained.labels, data.labels)
    raw = _uncalibrated(trained, truth, pixels, recipe)
    logits, embeddings = raw.outputs(pixels)
    unseen = trained.validation
    novelty = fit_novelty(embeddings[~unseen], truth[~unseen], len(trained.labels), embeddings[unseen])
    model = replace(raw, temperature=fit_temperature(logits[unseen], truth[unseen]), novelty=novelty)
    held = model.predict(pixels[unseen])
    return replace(model, threshold=unsure_below(held.confidence, held.best == truth[unseen]))


def _uncalibrated(trained: Trained, truth: np.ndarray, pixels: np.ndarray, recipe: dict[str, Any]) -> LeafModel:
    n_classes = len(trained.labels)
    counts = np.bincount(truth, minlength=n_classes).tolist()
    unseen = int(trained.validation.sum())
    return LeafModel(
        onnx=trained.onnx,
        labels=dict(zip(trained.labels, counts, strict=True)),
        side=trained.side,
        temperature=1.0,
        threshold=0.0,
        novelty=Novelty(np.zeros((n_classes, trained.width)), np.eye(trained.width), 1.0),
        colour=fit_colour(pixels, truth, n_classes),
        recipe=recipe,
        training={"history": trained.history, "images": len(truth) - unseen, "validation_images": unseen},
        keras=trained.keras,
    )


def _key(data: LeafData, recipe: Recipe) -> str:
    content = "\n".join([recipe.model_dump_json(), *data.frame["image_id"].str.cat(data.frame["label"], " ")])
    return hashlib.sha256(content.encode()).hexdigest()
