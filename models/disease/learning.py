"""From labelled photographs to a model that serves: train, then choose temperature and thresholds on unseen images."""

import hashlib
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from models.disease.baselines import fit_colour
from models.disease.calibration import fit_temperature, unsure_below
from models.disease.cnn import CnnConfig, Trained, train
from models.disease.leaves import LeafData
from models.disease.novelty import Novelty, fit_novelty
from models.disease.runtime import LeafModel
from models.errors import UnknownAlgorithm
from models.evaluation import Recipe
from models.family import Progress

CONFIGS = {"cnn": CnnConfig}
ALGORITHMS = tuple(CONFIGS)

_KEPT: OrderedDict[str, LeafModel] = OrderedDict()
"""The last few models of this process, by data and recipe: the same training twice gives the same model."""
_MOST_KEPT = 4


def learned(data: LeafData, recipe: Recipe, progress: Progress | None = None) -> LeafModel:
    """The model of these images and this recipe; from memory where this process has trained it before."""
    key = _key(data, recipe)
    if key not in _KEPT:
        _KEPT[key] = learn(data, recipe, progress)
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    return _KEPT[key]


def learn(data: LeafData, recipe: Recipe, progress: Progress | None = None) -> LeafModel:
    """Train on all of `data`, whatever its split.

    Raises:
        UnknownAlgorithm: The recipe's algorithm is not one of ALGORITHMS.
        BadData: There are too few classes or images.
    """
    if recipe.algorithm not in ALGORITHMS:
        raise UnknownAlgorithm(f"leaf-disease has no algorithm {recipe.algorithm!r}; choose one of {ALGORITHMS}")
    trained = train(data, CnnConfig(**recipe.params), progress)
    return calibrated(trained, data, recipe)


def calibrated(trained: Trained, data: LeafData, recipe: Recipe) -> LeafModel:
    """Temperature, "unsure" and "not a leaf" chosen on the images that training has set aside."""
    pixels = data.pixels(trained.config.view)
    truth = np.searchsorted(trained.labels, data.labels)
    raw = _uncalibrated(trained, truth, pixels, recipe)
    logits, embeddings = raw.outputs(pixels)
    unseen = trained.validation
    novelty = fit_novelty(embeddings[~unseen], truth[~unseen], len(trained.labels), embeddings[unseen])
    model = replace(raw, temperature=fit_temperature(logits[unseen], truth[unseen]), novelty=novelty)
    held = model.predict(pixels[unseen])
    return replace(model, threshold=unsure_below(held.confidence, held.best == truth[unseen]))


def _uncalibrated(trained: Trained, truth: np.ndarray, pixels: np.ndarray, recipe: Recipe) -> LeafModel:
    n_classes, width = len(trained.labels), trained.config.channels[-1]
    counts = np.bincount(truth, minlength=n_classes).tolist()
    unseen = int(trained.validation.sum())
    return LeafModel(
        onnx=trained.onnx,
        labels=dict(zip(trained.labels, counts, strict=True)),
        side=trained.config.view,
        temperature=1.0,
        threshold=0.0,
        novelty=Novelty(np.zeros((n_classes, width)), np.eye(width), 1.0),
        colour=fit_colour(pixels, truth, n_classes),
        recipe={"algorithm": recipe.algorithm, "params": trained.config.model_dump(mode="json")},
        training={"history": trained.history, "images": len(truth) - unseen, "validation_images": unseen},
        keras=trained.keras,
    )


def _key(data: LeafData, recipe: Recipe) -> str:
    content = "\n".join([recipe.model_dump_json(), *data.frame["image_id"].str.cat(data.frame["label"], " ")])
    return hashlib.sha256(content.encode()).hexdigest()
