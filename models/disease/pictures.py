"""What a person would look at before trusting a leaf model."""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.disease.runtime import LeafModel
from models.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from models.disease.evaluate import LeafEvaluation

GREEN, RED, GREY = "#2e7d32", "#c62828", "#9e9e9e"


def confusion_matrix(evaluation: Evaluation) -> "Figure":
    """Rows are what the leaf had, columns what the model said."""
    labels = evaluation.notes["confusion"]["labels"]
    counts = np.array(evaluation.notes["confusion"]["counts"])
    figure, axes = _figure(1.8 + 0.5 * len(labels), 1.8 + 0.42 * len(labels))
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Greens", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        strong = counts[row, column] > counts[row].sum() / 2
        axes.text(column, row, counts[row, column], ha="center", va="center", color="white" if strong else "black")
    axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlabel="answered", ylabel="true")
    axes.set_title(f"{evaluation.n} images, accuracy {evaluation.metrics['accuracy']:.3f}", fontsize=10)
    return figure


def reliability_diagram(evaluation: Evaluation) -> "Figure":
    """Accuracy against confidence: on the diagonal a probability means what it says."""
    bins = evaluation.notes["reliability"]["bins"]
    figure, axes = _figure(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfectly calibrated")
    axes.bar(
        [entry["low"] for entry in bins],
        [entry["accuracy"] for entry in bins],
        width=[entry["high"] - entry["low"] for entry in bins],
        align="edge",
        color=GREEN,
        alpha=0.6,
        edgecolor="white",
    )
    for entry in bins:
        axes.text((entry["low"] + entry["high"]) / 2, 0.02, entry["n"], ha="center", fontsize=7)
    axes.set(xlabel="confidence", ylabel="accuracy (images in bin below)", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(
        f"expected calibration error {evaluation.metrics['ece']:.3f} (15 bins, n = {evaluation.n})", fontsize=9
    )
    axes.legend(loc="upper left", fontsize=8)
    return figure


def learning_curve(model: LeafModel) -> "Figure":
    """Loss and accuracy by epoch, on what was trained on and on what was set aside."""
    history = model.training.get("history", {})
    figure, axes = _figure(6.4, 3.6)
    for name, style in (("accuracy", "--"), ("val_accuracy", "-")):
        values = history.get(name, [])
        told = "training, on augmented images" if name == "accuracy" else "validation"
        axes.plot(range(1, len(values) + 1), values, style, color=GREEN, label=f"accuracy, {told}")
    for name, style in (("loss", "--"), ("val_loss", "-")):
        values = history.get(name, [])
        axes.plot(
            range(1, len(values) + 1), values, style, color=RED, alpha=0.6, label=name.replace("val_", "validation ")
        )
    axes.set(xlabel="epoch", ylim=(0, None))
    axes.legend(fontsize=7)
    return figure


def montage(evaluation: "LeafEvaluation", columns: int = 6) -> "Figure":
    """The most confident mistakes first, then right answers from sure to unsure."""
    from matplotlib.figure import Figure

    answers, thumbnails, shown = evaluation.answers, evaluation.thumbnails, evaluation.shown
    if answers is None or thumbnails is None or shown is None:
        raise ValueError("the evaluation kept no images to show")
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(2.3 * columns, 2.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, at, pixels in zip(grid.flat, shown, thumbnails, strict=False):
        axes.imshow(pixels)
        right = bool(answers.correct[at])
        told = f"{answers.said[at]} {answers.confidence[at]:.2f}" + ("" if right else f"\nis {answers.truth[at]}")
        axes.set_title(told, fontsize=8, color=GREEN if right else RED)
    return figure


def _figure(width: float, height: float) -> "tuple[Figure, Any]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()
