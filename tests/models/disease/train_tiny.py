"""Run by the fixture `trained` in a process of its own: TensorFlow is imported once, and not into the test process."""

import json
import os
import random
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from features.synthetic_leaves import draw
from models.disease import cnn, learning
from models.disease.family import FAMILY as family

LABELS = ["bean__healthy", "corn__leaf_blight", "tomato__powdery_mildew"]


def main(folder: Path) -> None:
    quiet = sorted({"tensorflow", "keras"} & set(sys.modules))
    draw(folder / "leaves", LABELS, per_class=30, size=64)
    os.chdir((folder / "cwd").resolve())
    data = family.read(folder / "leaves")
    before = data.frame.copy(), data.pixels(37).copy()
    recipe = family.default_recipe("cnn", resolution=32, epochs=4, channels=[8, 16, 24])
    told: list[tuple[float, str]] = []
    first = family.evaluate(data, [recipe, recipe], progress=lambda share, what: told.append((share, what)))
    began = time.perf_counter()
    model = family.fit(data, recipe)
    refit = time.perf_counter() - began
    learning._KEPT.clear()
    with drawing_at_random():
        again = family.evaluate(data, [recipe])[0]
    family.fit(data, recipe).save(folder / "twin")
    model.save(folder / "model")
    answers = {str(path): model.answer_image(Path(path).read_bytes()) for path in data.frame["path"][:6]}
    report = {
        "imported_before_training": quiet,
        "first": first[0].to_json(),
        "second": first[1].to_json(),
        "again": again.to_json(),
        "again_logits_differ": float(np.abs(logits_of(model, data) - logits_of(family.fit(data, recipe), data)).max()),
        "refit_seconds": refit,
        "told": told,
        "answers": answers,
        "input_unchanged": bool(before[0].equals(data.frame) and (before[1] == data.pixels(37)).all()),
        "cwd": [path.name for path in Path().iterdir()],
        **keras_report(model, data),
    }
    (folder / "report.json").write_text(json.dumps(report))


@contextmanager
def drawing_at_random():
    """Threads beside the training draw random numbers, as those of a flow run's log and leases do."""
    over = threading.Event()

    def draw() -> None:
        while not over.wait(0.0001):
            random.random(), np.random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    yield
    over.set()
    thread.join()


def logits_of(model, data) -> np.ndarray:
    return model.outputs(data.pixels(model.side))[0]


def keras_report(model, data) -> dict:
    """What Keras' own copy of the graph says, and one step of training of every architecture."""
    import keras

    Path("../native.keras").write_bytes(model.keras)
    native = keras.saving.load_model("../native.keras")
    logits, embeddings = native(data.pixels(model.side).astype(np.float32))
    ours = model.outputs(data.pixels(model.side))
    default = cnn.build(cnn.CnnConfig(), 15)
    default.compile("adamw", [keras.losses.CategoricalCrossentropy(from_logits=True), None], run_eagerly=True)
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 80, 80, 3)).astype(np.float32)
    loss = default.train_on_batch(pixels, [np.eye(15)[:4], np.zeros((4, 128))])
    return {
        "onnx_differs": max(float(np.abs(logits - ours[0]).max()), float(np.abs(embeddings - ours[1]).max())),
        "step_loss": float(np.ravel(loss)[0]),
        "strided_pointwise": cnn.strided_pointwise(default),
        "strided_pointwise_found": cnn.strided_pointwise(a_classic_shortcut(keras)),
        "layers": sorted({type(layer).__name__ for layer in default.layers}),
        "largest_layer": max(layer.count_params() for layer in default.layers),
        "weights": default.count_params(),
    }


def a_classic_shortcut(keras):
    pixels = keras.Input((8, 8, 3))
    return keras.Model(pixels, keras.layers.Conv2D(4, 1, strides=2, name="shortcut")(pixels))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
