"""The measures of the leaf protocol, from labels, answers and confidences alone."""

from dataclasses import dataclass

import numpy as np

from models.disease.calibration import expected_calibration_error
from models.disease.leaves import condition
from models.evaluation import Scores


@dataclass(frozen=True)
class Answers:
    """What somebody, a model or a baseline, said about n images.

    Attributes:
        truth: The right labels, shape (n,).
        said: The labels answered, shape (n,).
        confidence: Probability given to the answer, shape (n,).
        paths: The images' paths, which break ties, shape (n,).
        known: Labels that could have been answered.
    """

    truth: np.ndarray
    said: np.ndarray
    confidence: np.ndarray
    paths: np.ndarray
    known: frozenset[str]

    @property
    def same_condition(self) -> np.ndarray:
        """Whether the answer's condition is right, whatever the crop, shape (n,)."""
        pairs = zip(self.truth, self.said, strict=True)
        return np.array([condition(truth) == condition(said) for truth, said in pairs], dtype=bool)

    @property
    def correct(self) -> np.ndarray:
        """Whether each answer is right; a label that could not be answered is judged by condition, shape (n,)."""
        answerable = np.isin(self.truth, list(self.known))
        return np.where(answerable, self.truth == self.said, self.same_condition)

    @property
    def judged(self) -> np.ndarray:
        """The answers, with those that are right by condition alone under the true label's name, shape (n,)."""
        return np.where(self.correct, self.truth, self.said)


def measures(answers: Answers) -> Scores:
    """accuracy, macro_f1, ece, accuracy_at_90_coverage and condition_accuracy of at least one answer."""
    return {
        "accuracy": float(answers.correct.mean()),
        "macro_f1": macro_f1(answers.truth, answers.judged),
        "ece": expected_calibration_error(answers.confidence, answers.correct),
        "accuracy_at_90_coverage": accuracy_at_coverage(answers, 9, 10),
        "condition_accuracy": float(answers.same_condition.mean()),
    }


def macro_f1(truth: np.ndarray, said: np.ndarray) -> float:
    """F1 of every label that is true or answered somewhere, averaged without weights.

    >>> round(macro_f1(np.array(["a", "a", "b"]), np.array(["a", "b", "b"])), 4)
    0.6667
    """
    scores = []
    for label in np.union1d(truth, said):
        hits = np.sum((truth == label) & (said == label))
        scores.append(2 * hits / (np.sum(truth == label) + np.sum(said == label)))
    return float(np.mean(scores))


def accuracy_at_coverage(answers: Answers, share: int, of: int) -> float:
    """Accuracy over the floor(n · share / of) most confident answers, ties by path; NaN where that is none."""
    kept = len(answers.truth) * share // of
    order = np.lexsort((answers.paths, -answers.confidence))[:kept]
    return float(answers.correct[order].mean()) if kept else float("nan")


def confusion(truth: np.ndarray, said: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Labels and counts, rows true and columns answered."""
    labels = np.union1d(truth, said)
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (np.searchsorted(labels, truth), np.searchsorted(labels, said)), 1)
    return labels.tolist(), counts
