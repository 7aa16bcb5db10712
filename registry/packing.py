"""Laying out on disk what goes to MLflow, so that it goes there in two uploads."""

import json
import logging
import math
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from registry import card, digests
from registry.records import Training

GOLDEN = "golden.json"
MODEL = "artifacts/model"
"""Where MLflow puts the model's own files below the version's folder."""
_CODE = Path(__file__).parent / "pyfunc_model.py"
_NEEDED = ("mlflow", "numpy", "pandas", "pydantic", "scipy")


def pack_model(training: Training, scratch: Path) -> tuple[Path, str]:
    """The model's files with golden requests and manifest.

    Returns:
        Their folder, and their digest.

    Raises:
        UnsafeArtifact: One of the files could run code when it is read.
    """
    folder = scratch / "model"
    shutil.copytree(training.model_dir, folder)
    write_golden(folder, training.golden)
    return folder, digests.write_manifest(folder)


def write_golden(folder: Path, golden: list[dict[str, Any]]) -> None:
    """Put golden requests beside a model's files, as every version has them."""
    (folder / GOLDEN).write_text(document(golden))


def pack_pyfunc(folder: Path, model: Any, scratch: Path) -> Path:
    """The folder that `mlflow.pyfunc.load_model` reads: code from `pyfunc_model.py`, data from `folder`."""
    import mlflow.pyfunc

    target = scratch / "pyfunc"
    # a request's fields are the family's: MLflow says at every save that it cannot know them
    logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)
    mlflow.pyfunc.save_model(
        target,
        python_model=str(_CODE),
        artifacts={"model": str(folder)},
        pip_requirements=_requirements(),
        mlflow_model=model,
    )
    return target


def pack_run(training: Training, digest: str, scratch: Path) -> Path:
    """The run's artifacts: pictures, card, and the documents that programs read."""
    folder = scratch / "run"
    (folder / "card").mkdir(parents=True)
    pictures = _draw(training, folder / "pictures")
    text = card.markdown(training, digest, {name: f"../pictures/{name}" for name in pictures})
    page = card.markdown(training, digest, {name: card.inline(path.read_bytes()) for name, path in pictures.items()})
    (folder / "card" / "model-card.md").write_text(text)
    (folder / "card" / "model-card.html").write_text(card.html(page))
    documents = {
        "dataset": training.dataset,
        "evaluation": training.evaluation.to_json(),
        "recipe": training.recipe.model_dump(),
        "golden": training.golden,
        "gate": training.decision.to_json(),
    }
    for name, content in documents.items():
        (folder / f"{name}.json").write_text(document(content))
    return folder


def document(content: Any) -> str:
    """JSON that every reader takes: NaN and infinities are null, unknown types are text."""
    return json.dumps(plain(content), indent=2, default=str) + "\n"


def as_read(content: Any) -> Any:
    """A document as whoever fetches it from the registry gets it.

    >>> as_read({"low": float("nan"), "layers": (8, 4)})
    {'low': None, 'layers': [8, 4]}
    """
    return json.loads(document(content))


def picture_names(training: Training) -> list[str]:
    """File names of the pictures."""
    return [name if name.endswith(".png") else f"{name}.png" for name in training.pictures]


def _draw(training: Training, folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True)
    names = picture_names(training)
    for name, figure in zip(names, training.pictures.values(), strict=True):
        figure.savefig(folder / name, format="png", dpi=110, bbox_inches="tight")
    return {name: folder / name for name in names}


def plain(value: Any) -> Any:
    """The same with null for NaN and infinities, and Python's numbers for numpy's."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _requirements() -> list[str]:
    found = []
    for name in _NEEDED:
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return found
