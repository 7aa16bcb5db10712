"""The leaf model as a family."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from models import saved
from models.disease import evaluate as protocols
from models.disease import learning, leaves
from models.disease.cnn import CNN
from models.disease.leaves import LeafData, split_of
from models.disease.runtime import LeafModel
from models.evaluation import Checks, Evaluation, Recipe
from models.family import Family, Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIMARY = protocols.PRIMARY
LABEL = "label: "
FEWEST_OF_A_LABEL, ENOUGH_OF_A_LABEL = 8, 20
"""Test images of a label below which nothing is said of it, and from which on never being right fails."""
POOR = 0.5
"""Accuracy on a label below which a person should look at it."""
WORST_ECE, FEWEST_TO_CALIBRATE = 0.1, 100
MOST_UNSURE = 0.3


class LeafFamily(Family[LeafData, LeafModel]):
    """Names the disease on a photograph of a leaf, says how sure it is, and "unsure" where it is not a case it knows.

    It advises a look by a person, it does not replace one: on other days and in the field it is right less often than
    on photographs like those it learned from.
    """

    name = protocols.NAME
    default = "cnn"
    primary = PRIMARY
    better = "higher"
    own = (CNN,)

    def read(self, path: Path) -> LeafData:
        """Photographs of a folder that holds one folder a class, named `crop__condition`."""
        return leaves.read(path)

    def from_frames(self, frames: Mapping[str, pd.DataFrame]) -> LeafData:
        """Labels and files of photographs."""
        return LeafData(frames["leaves"])

    def run_protocol(
        self, data: LeafData, recipes: Sequence[Recipe], protocol: dict[str, Any], progress: Progress
    ) -> list[Evaluation]:
        """Train every recipe on the same images and test all on the same others."""
        return protocols.evaluate(data, recipes, self.learned, protocol=protocol, progress=progress)

    def evaluate_model(self, model: LeafModel, data: LeafData) -> Evaluation:
        """What a trained model says about all images of `data`, whatever their split."""
        return protocols.evaluate_model(model, data)

    def checks(self, evaluation: Evaluation) -> Checks:
        """A label never recognised fails; weak labels, probabilities that mislead and many "unsure" are told."""
        labels = [one for one in evaluation.slices if one.name.startswith(LABEL) and one.n >= FEWEST_OF_A_LABEL]
        never = [one for one in labels if one.score == 0 and one.n >= ENOUGH_OF_A_LABEL]
        failures = [f"{one.name.removeprefix(LABEL)}: none of {one.n} images is recognised" for one in never]
        weak = [
            f"{one.name.removeprefix(LABEL)}: accuracy {one.score:.2f} of {one.n} images"
            for one in labels
            if one.score < POOR
        ]
        ece, unsure = evaluation.metrics["ece"], evaluation.metrics["rejected"]
        if ece > WORST_ECE and evaluation.n >= FEWEST_TO_CALIBRATE:
            weak.append(f"calibration error {ece:.2f}: its probabilities say more than they should")
        if unsure > MOST_UNSURE:
            weak.append(f'it says "unsure" about {unsure:.0%} of the images')
        return Checks(tuple(failures), (*weak, *super().checks(evaluation).warnings))

    def training_part(self, data: LeafData) -> LeafData:
        """The images that are not held out, one in five of them held out in their place by another hash."""
        train = data.part("train")
        splits = [split_of(f"search {image_id}") for image_id in train.frame["image_id"]]
        return replace(train, frame=train.frame.assign(split=splits))

    def learn(self, data: LeafData, recipe: Recipe, progress: Progress) -> LeafModel:
        """Fit on all images but the held-out ones, which no training ever sees: every version can be judged on them.

        After `evaluate` of the same data and recipe in this process it is that very model, without a second training.
        `fit(data.all_train(), recipe)` holds nothing out.
        """
        return self.learned(data.part("train"), recipe, progress)

    def learned(self, data: LeafData, recipe: Recipe, progress: Progress) -> LeafModel:
        """The recipe's model of all of these images, whatever their split."""
        algorithm, config = self.algorithm(recipe.algorithm), self.config(recipe)
        params = config.model_dump(mode="json")
        return learning.learned(data, recipe, lambda: algorithm.fit(data, config, progress), params)

    def load(self, directory: Path) -> LeafModel:
        """Load what `LeafModel.save` wrote; training/ may be missing."""
        return self.algorithm(saved.header(directory, self.name)["algorithm"]).load(directory)

    def golden(self, model: LeafModel, data: LeafData, count: int = 5) -> list[dict[str, Any]]:
        """Requests with small JPEGs of up to `count` labels, and the model's own answers."""
        labels = data.labels
        rows = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]
        chosen = [rows[at] for at in np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]
        requests = [{"image_base64": _small_jpeg(pixels)} for pixels in data.take(np.array(chosen)).pixels(model.side)]
        return [{"request": request, "answer": model.answer(request)} for request in requests]

    def pictures(self, evaluation: Evaluation, model: LeafModel) -> "dict[str, Figure]":
        """Confusion matrix, reliability, sample predictions and learning curve, by file name."""
        from models.disease import pictures as drawn

        figures = {
            "confusion_matrix.png": drawn.confusion_matrix(evaluation),
            "reliability.png": drawn.reliability_diagram(evaluation),
            "learning_curve.png": drawn.learning_curve(model),
        }
        if isinstance(evaluation, protocols.LeafEvaluation) and evaluation.thumbnails is not None:
            figures["sample_predictions.png"] = drawn.montage(evaluation)
        return figures


FAMILY = LeafFamily()


def _small_jpeg(pixels: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return base64.b64encode(out.getvalue()).decode()
