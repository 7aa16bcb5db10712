"""The model as it serves: ONNX Runtime, labels and thresholds from its own artifact; no TensorFlow anywhere near."""

import base64
import binascii
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from models.disease.calibration import softmax
from models.disease.imaging import Limits, photograph
from models.disease.leaves import condition, crop
from models.disease.novelty import Novelty
from models.disease.treatments import advice
from models.errors import BadImage, BadRequest, CorruptArtifact

FORMAT = 1
UNSURE = "unsure"


@dataclass(frozen=True)
class Predictions:
    """What the network says about n images.

    Attributes:
        probabilities: Calibrated, shape (n, k).
        novelty: Distance to the nearest class in units of the model's limit, shape (n,); above 1 it is no such leaf.
    """

    probabilities: np.ndarray
    novelty: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """Index of the likeliest label, shape (n,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the likeliest label, shape (n,)."""
        return self.probabilities.max(axis=1)


@dataclass(frozen=True)
class LeafModel:
    """A trained network with all that is needed to answer about one photograph.

    Attributes:
        onnx: The graph, from pixels (n, side, side, 3) of 0 to 255 to logits (n, k) and embeddings (n, d).
        labels: The k labels in the order of the logits, with how many images each was learned from.
        side: Side of the pictures that the graph takes.
        temperature: Divides the logits so that probabilities mean what they say.
        threshold: Confidence below which the answer is "unsure".
        novelty: What the classes look like to the network, and how far is too far.
        colour: Weights of the mean-colour baseline, shape (10, k).
        recipe: Algorithm and hyperparameters it was trained with.
        training: Learning curve and counts, for people.
        keras: The trained graph in Keras' own format, kept beside but not needed to serve.
    """

    onnx: bytes
    labels: dict[str, int]
    side: int
    temperature: float
    threshold: float
    novelty: Novelty
    colour: np.ndarray
    recipe: dict[str, Any]
    training: dict[str, Any]
    keras: bytes | None = None

    @cached_property
    def names(self) -> np.ndarray:
        """Labels in the order of the logits, shape (k,)."""
        return np.array(list(self.labels))

    @cached_property
    def session(self) -> Any:
        """The graph, loaded once; one thread a call, since calls come in parallel."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            return onnxruntime.InferenceSession(self.onnx, options, providers=["CPUExecutionProvider"])
        except Exception as exc:  # its errors share no public root
            raise CorruptArtifact("model.onnx cannot be loaded; fetch the version again") from exc

    def outputs(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, k) and embeddings (n, d) of pixels (n, side, side, 3).

        Images go through one by one, so that a picture gets the same numbers alone as among thousands.
        """
        with ThreadPoolExecutor(2) as pool:
            parts = list(pool.map(self._one, pixels)) if len(pixels) > 1 else [self._one(one) for one in pixels]
        width = len(self.labels), self.novelty.means.shape[1]
        logits, embeddings = (np.array([part[i] for part in parts]).reshape(-1, width[i]) for i in (0, 1))
        return logits, embeddings

    def predict(self, pixels: np.ndarray) -> Predictions:
        """Calibrated probabilities and novelty of pixels of shape (n, side, side, 3)."""
        logits, embeddings = self.outputs(pixels)
        return Predictions(
            softmax(logits, self.temperature), self.novelty.distance(embeddings) / max(self.novelty.limit, 1e-12)
        )

    def unsure(self, predictions: Predictions) -> np.ndarray:
        """Whether each answer had better be "unsure", shape (n,)."""
        return (predictions.confidence < self.threshold) | (predictions.novelty > 1)

    def answer_image(self, data: bytes, limits: Limits | None = None, field: str = "file") -> dict[str, Any]:
        """The endpoint's body for an uploaded photograph.

        Args:
            data: The upload's bytes; they are decoded in memory and kept nowhere.
            limits: Bounds on the upload.
            field: The name of the upload in error messages.

        Returns:
            predicted_disease (a label or "unsure"), confidence, top_predictions, treatment, prevention, source.

        Raises:
            BadImage: The upload is not a photograph that can be read.
        """
        predictions = self.predict(photograph(data, self.side, limits, field)[None])
        label = UNSURE if self.unsure(predictions)[0] else str(self.names[predictions.best[0]])
        return {
            "predicted_disease": label,
            "confidence": round(float(predictions.confidence[0]), 6),
            "top_predictions": self._top(predictions.probabilities[0]),
            **advice(label).model_dump(),
        }

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The same for a request that carries the photograph as {"image_base64": text}.

        Raises:
            BadRequest: The field is missing.
            BadImage: The text is not base64, or not of a photograph that can be read.
        """
        text = request.get("image_base64")
        if not isinstance(text, str):
            raise BadRequest("image_base64", "send a photograph as JPEG or PNG, in base64")
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise BadImage("image_base64", "the text is not base64; encode the file's bytes", 422) from exc
        return self.answer_image(data, field="image_base64")

    def save(self, directory: Path) -> None:
        """Write model.json, labels.json, model.onnx and reference.npz; what serving does not need goes to training/."""
        directory = Path(directory)
        (directory / "training").mkdir(parents=True, exist_ok=True)
        (directory / "model.onnx").write_bytes(self.onnx)
        labels = [{"label": k, "crop": crop(k), "condition": condition(k), "images": n} for k, n in self.labels.items()]
        _write_json(directory / "labels.json", labels)
        _write_json(directory / "model.json", self._description())
        arrays = {"means": self.novelty.means, "whitening": self.novelty.whitening, "colour": self.colour}
        np.savez(directory / "reference.npz", **arrays)  # type: ignore[arg-type]
        _write_json(directory / "training" / "history.json", self.training)
        if self.keras:
            (directory / "training" / "model.keras").write_bytes(self.keras)

    def _description(self) -> dict[str, Any]:
        return {
            "family": "leaf-disease",
            **self.recipe,
            "format": FORMAT,
            "side": self.side,
            "temperature": self.temperature,
            "threshold": self.threshold,
            "novelty_limit": self.novelty.limit,
        }

    def _one(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        feed = {self.session.get_inputs()[0].name: pixels[None].astype(np.float32)}
        logits, embedding = self.session.run(None, feed)
        return logits[0], embedding[0]

    def _top(self, probabilities: np.ndarray, count: int = 3) -> list[dict[str, Any]]:
        order = np.argsort(-probabilities, kind="stable")[:count]
        return [{"label": str(self.names[at]), "probability": round(float(probabilities[at]), 6)} for at in order]


def load(directory: Path) -> LeafModel:
    """Load what `LeafModel.save` wrote; training/ may be missing.

    Raises:
        CorruptArtifact: A file is missing, damaged or of another format.
    """
    directory = Path(directory)
    try:
        model = _read(directory)
    except FileNotFoundError as exc:
        raise CorruptArtifact(f"{directory}: no {Path(exc.filename).name}; fetch the version again") from exc
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as exc:
        raise CorruptArtifact(f"{directory}: the model's files are damaged; fetch the version again") from exc
    if model.session.get_outputs()[0].shape[-1] != len(model.labels):
        raise CorruptArtifact(f"{directory}: labels.json and model.onnx disagree; fetch the version again")
    return model


def _read(directory: Path) -> LeafModel:
    said = json.loads((directory / "model.json").read_text(encoding="utf-8"))
    if said["format"] != FORMAT:
        raise CorruptArtifact(f"{directory}: format {said['format']}, this version reads {FORMAT}; train it again")
    labels = json.loads((directory / "labels.json").read_text(encoding="utf-8"))
    history = directory / "training" / "history.json"
    with np.load(io.BytesIO((directory / "reference.npz").read_bytes()), allow_pickle=False) as arrays:
        novelty = Novelty(arrays["means"], arrays["whitening"], said["novelty_limit"])
        colour = arrays["colour"]
    return LeafModel(
        onnx=(directory / "model.onnx").read_bytes(),
        labels={entry["label"]: entry["images"] for entry in labels},
        side=said["side"],
        temperature=said["temperature"],
        threshold=said["threshold"],
        novelty=novelty,
        colour=colour,
        recipe={"algorithm": said["algorithm"], "params": said["params"]},
        training=json.loads(history.read_text(encoding="utf-8")) if history.is_file() else {},
    )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
