"""Probabilities that mean what they say: temperature scaling, its measure, and when to say "unsure"."""

import numpy as np


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of shape (n, k) from logits of shape (n, k), softened where `temperature` > 1.

    >>> softmax(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    weights = np.exp(scaled)
    return weights / weights.sum(axis=1, keepdims=True)


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the smallest negative log-likelihood on images that training has not seen.

    Args:
        logits: Shape (n, k).
        truth: Index of the right class, shape (n,).

    Returns:
        A temperature between 0.05 and 20; 1 where there is nothing to fit on.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    if len(truth) == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        right = softmax(logits, float(np.exp(log_temperature)))[np.arange(len(truth)), truth]
        return float(-np.log(np.clip(right, 1e-12, None)).mean())

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(best.x))


def reliability(confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15) -> list[dict[str, float]]:
    """Confidence against accuracy in equal-width bins; empty bins are left out.

    Args:
        confidence: Probability of the answer given, shape (n,).
        correct: Whether that answer was right, shape (n,).
        n_bins: Bins between 0 and 1; a confidence on an edge belongs to the bin below it.

    Returns:
        One {"low", "high", "n", "confidence", "accuracy"} a bin.
    """
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    bins = np.clip(np.ceil(confidence * n_bins) - 1, 0, n_bins - 1).astype(int)
    return [
        {
            "low": index / n_bins,
            "high": (index + 1) / n_bins,
            "n": int((bins == index).sum()),
            "confidence": float(confidence[bins == index].mean()),
            "accuracy": float(correct[bins == index].mean()),
        }
        for index in np.unique(bins).tolist()
    ]


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over the bins, weighted by their images.

    Source: Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015.

    >>> round(expected_calibration_error(np.array([0.9, 0.9]), np.array([1.0, 0.0])), 3)
    0.4
    """
    bins = reliability(confidence, correct, n_bins)
    total = sum(entry["n"] for entry in bins)
    return sum(entry["n"] * abs(entry["accuracy"] - entry["confidence"]) for entry in bins) / total if total else 0.0


def unsure_below(
    confidence: np.ndarray, correct: np.ndarray, *, wanted_accuracy: float = 0.95, most_rejected: float = 0.1
) -> float:
    """The confidence under which the model had better say "unsure", chosen on images that training has not seen.

    The lowest threshold whose accepted answers are right in `wanted_accuracy` of cases, but never one that turns away
    more than `most_rejected` of the images.
    """
    order = np.argsort(-np.asarray(confidence), kind="stable")
    if order.size == 0:
        return 0.0
    ranked, right = np.asarray(confidence)[order], np.asarray(correct, dtype=float)[order]
    accuracy = np.cumsum(right) / np.arange(1, order.size + 1)
    enough = np.flatnonzero(accuracy >= wanted_accuracy)
    kept = max(int(enough[-1]) + 1 if enough.size else 0, int(np.ceil((1 - most_rejected) * order.size)))
    return 0.0 if kept >= order.size else float(ranked[kept - 1])
