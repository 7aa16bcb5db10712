"""A small convolutional network trained from scratch with Keras, exported to ONNX for whoever serves it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, Field, PositiveFloat, PositiveInt

from models.algorithm import Algorithm
from models.disease import runtime
from models.disease.augment import batches
from models.disease.learning import Trained
from models.disease.leaves import LeafData, validation_rows
from models.errors import BadData, ModelError
from models.family import Progress
from models.search import FloatRange, IntRange

if TYPE_CHECKING:
    import keras


class CnnConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Hyperparameters; equal ones on equal data, machine and thread count give equal weights."""

    resolution: int = Field(default=80, ge=16, le=320)
    """Side in pixels of the crops that training sees; whole images are judged at 8/7 of it."""
    epochs: PositiveInt = 16
    """Passes over the training images at most."""
    patience: PositiveInt = 6
    """Epochs without a better validation loss before training stops."""
    batch_size: PositiveInt = 16
    """Images in one step."""
    learning_rate: PositiveFloat = 3e-3
    """Peak of AdamW's cosine schedule."""
    weight_decay: float = Field(default=1e-3, ge=0)
    """Share of each weight that AdamW takes away a step, times the learning rate."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the embedding that a training step leaves out."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of a label that is spread over all classes."""
    channels: tuple[PositiveInt, ...] = (16, 32, 64, 96, 128)
    """Width of each stage; every stage but the last halves the picture."""
    validation_share: float = Field(default=0.125, gt=0, lt=0.5)
    """Of each class, set aside for early stopping, temperature and thresholds."""
    seed: int = 0
    """Seed of weights, order, augmentation and dropout."""

    @property
    def view(self) -> int:
        """Side in pixels at which whole images are judged: objects then look as large as in training's crops.

        Source: Touvron et al., Fixing the Train-Test Resolution Discrepancy, NeurIPS 2019.
        """
        return round(self.resolution * 8 / 7)


def fit(data: LeafData, config: CnnConfig, progress: Progress | None = None) -> Trained:
    """Train on all of `data` but each class's validation share.

    Raises:
        BadData: Fewer than two classes, or a class with fewer than 2 images.
    """
    labels = _classes(data)
    truth = np.searchsorted(labels, data.labels)
    unseen = validation_rows(data, config.validation_share)
    pixels = data.pixels(config.view)
    prepare_tensorflow(config.seed)
    network = build(config, len(labels))
    history = _fit(network, pixels, truth, unseen, config, progress)
    onnx, native = _exported(network, config)
    return Trained(onnx, native, tuple(labels.tolist()), unseen, history, config.view, config.channels[-1])


def prepare_tensorflow(seed: int) -> None:
    """Import TensorFlow quietly, deterministic from here on, and seed it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)


def build(config: CnnConfig, n_classes: int) -> "keras.Model":
    """Residual stages of 3×3 convolutions, global average pooling, logits and the pooled embedding.

    Pooling instead of a flattened dense layer: the weights do not grow with the picture, and any size goes in.
    Down-sampling is by 3×3 convolutions of stride 2; a 1×1 of stride 2 would meet a fault in TensorFlow's oneDNN.

    Returns:
        A model from pixels (n, side, side, 3) of 0 to 255 to [logits (n, n_classes), embedding (n, channels[-1])].
    """
    from keras import Input, Model, layers

    weights = _first_weights(config.seed)
    pixels = Input((None, None, 3), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    for stage, channels in enumerate(config.channels):
        stride = 1 if 0 < stage == len(config.channels) - 1 else 2
        x = _convolution(x, channels, stride, next(weights))
        if stage:
            x = layers.Add()([x, _convolution(x, channels, 1, next(weights))])
    embedding = layers.GlobalAveragePooling2D(name="embedding")(x)
    kept = layers.Dropout(config.dropout, seed=config.seed)(embedding)
    logits = layers.Dense(n_classes, name="logits", kernel_initializer=next(weights))(kept)
    return Model(pixels, [logits, embedding])


def strided_pointwise(network: "keras.Model") -> list[str]:
    """Names of the 1×1 convolutions with a stride: TensorFlow's oneDNN kernels corrupt memory on them."""
    return [
        layer.name
        for layer in network.layers
        if getattr(layer, "kernel_size", None) == (1, 1) and max(getattr(layer, "strides", (1,))) > 1
    ]


def _classes(data: LeafData) -> np.ndarray:
    labels, counts = np.unique(data.labels, return_counts=True)
    if len(labels) < 2:
        raise BadData(f"column label: {len(labels)} class to learn; two at least are needed")
    if counts.min() < 2:
        raise BadData(f"column label: {labels[counts.argmin()]} has a single image; add more or leave the class out")
    return labels


def _first_weights(seed: int) -> Iterator[Any]:
    """Initializers with seeds of their own: Keras' default ones draw theirs from the process's random numbers, from
    which every other thread draws, too.
    """
    from keras.initializers import GlorotUniform

    for drawn in np.random.SeedSequence(seed).generate_state(64):
        yield GlorotUniform(seed=int(drawn))


def _convolution(x: Any, channels: int, stride: int, first_weights: Any) -> Any:
    from keras import layers

    x = layers.Conv2D(
        channels, 3, strides=stride, padding="same", use_bias=False, kernel_initializer=first_weights
    )(x)  # fmt: skip
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))


def _fit(
    network: "keras.Model",
    pixels: np.ndarray,
    truth: np.ndarray,
    unseen: np.ndarray,
    config: CnnConfig,
    progress: Progress | None,
) -> dict[str, list[float]]:
    import keras

    _refuse_strided_pointwise(network)
    student = keras.Model(network.inputs, network.outputs[0])
    one_hot = np.eye(network.outputs[0].shape[-1], dtype=np.float32)[truth]
    steps = -(-int((~unseen).sum()) // config.batch_size)
    student.compile(
        optimizer=keras.optimizers.AdamW(_schedule(config, steps), weight_decay=config.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(config.seed)
    record = student.fit(
        batches(pixels[~unseen], one_hot[~unseen], config.resolution, config.batch_size, rng),
        steps_per_epoch=steps,
        epochs=config.epochs,
        validation_data=(pixels[unseen].astype(np.float32), one_hot[unseen]) if unseen.any() else None,
        callbacks=_callbacks(config, bool(unseen.any()), progress),
        verbose=0,
    )
    return {name: [float(value) for value in values] for name, values in record.history.items()}


def _refuse_strided_pointwise(network: "keras.Model") -> None:
    found = strided_pointwise(network)
    if found and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0":
        raise ModelError(f"{', '.join(found)}: 1×1 with a stride; set TF_ENABLE_ONEDNN_OPTS=0 before TensorFlow loads")


def _schedule(config: CnnConfig, steps: int) -> Any:
    import keras

    warmup = min(2, config.epochs - 1) * steps
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 20 if warmup else config.learning_rate,
        decay_steps=config.epochs * steps - warmup,
        alpha=0.01,
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def _callbacks(config: CnnConfig, validated: bool, progress: Progress | None) -> list[Any]:
    import keras

    stop = keras.callbacks.EarlyStopping("val_loss", patience=config.patience, restore_best_weights=True)
    callbacks = [stop] if validated else []
    if progress:
        callbacks.append(
            keras.callbacks.LambdaCallback(on_epoch_end=lambda at, logs: _tell(progress, config, at, logs))
        )
    return callbacks


def _tell(progress: Progress, config: CnnConfig, epoch: int, logs: dict[str, float]) -> None:
    told = f"epoch {epoch + 1} of {config.epochs}: loss {logs['loss']:.3f}"
    if "val_accuracy" in logs:
        told += f", validation accuracy {logs['val_accuracy']:.3f}"
    progress((epoch + 1) / config.epochs, told)


def _exported(network: "keras.Model", config: CnnConfig) -> tuple[bytes, bytes]:
    """The graph as ONNX at its serving size, and as `.keras`."""
    import keras

    pixels = keras.Input((config.view, config.view, 3), name="pixels")
    serving = keras.Model(pixels, network(pixels))
    serving(np.zeros((1, config.view, config.view, 3), np.float32))  # export wants a model that has been called
    with tempfile.TemporaryDirectory() as folder:
        onnx, native = Path(folder) / "model.onnx", Path(folder) / "model.keras"
        serving.export(str(onnx), format="onnx", verbose=False)
        network.save(native)
        return onnx.read_bytes(), native.read_bytes()


CNN = Algorithm(
    "cnn",
    CnnConfig,
    fit,
    runtime.load,
    search={
        "epochs": IntRange(8, 32),
        "learning_rate": FloatRange(0.0003, 0.01, log=True),
        "weight_decay": FloatRange(0.00001, 0.1, log=True),
        "dropout": FloatRange(0.0, 0.5),
        "label_smoothing": FloatRange(0.0, 0.2),
    },
    random=True,
)
