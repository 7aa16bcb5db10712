"""`agro evaluate`: a family's protocol on data that the caller gives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agro import console
from agro.runs import NoSuchFile, show_scores
from models.families import family


def evaluate(
    model: str, paths: Sequence[Path], algorithm: str | None, protocol: dict[str, Any]
) -> list[dict[str, Any]]:
    """The protocol's documents, one for each data set and algorithm.

    Raises:
        NoSuchFile: A path does not exist.
        models.errors.UnknownModel: No such model.
        models.errors.UnknownAlgorithm: The family has no such algorithm.
        models.errors.BadData: A file lacks a column or holds nothing to learn from.
    """
    found = family(model)
    for path in [*paths, *([protocol["train"]] if "train" in protocol else [])]:
        if not path.exists():
            raise NoSuchFile(f"--data: {path} does not exist")
    names = list(found.algorithms) if algorithm == "all" else [algorithm or found.default]
    recipes = [found.default_recipe(name) for name in names]
    if hasattr(found, "evaluate_model") and "train" not in protocol:
        return _champion_on(found, paths)
    rows: list[dict[str, Any]] = []
    for path in paths:
        with console.progress(f"evaluate {path.name}") as move:
            evaluations = found.evaluate(found.read(path), recipes, protocol=protocol, progress=move)
        rows += [row.to_json() | {"data": str(path)} for row in evaluations]
    return rows


def _champion_on(found: Any, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What serves, on folders of photographs."""
    model = _champion(found)
    return [found.evaluate_model(model, found.read(path)).to_json() | {"data": str(path)} for path in paths]


def _champion(found: Any) -> Any:
    import tempfile

    from flows.ports import connect_registry
    from registry.errors import NoChampion

    registry = connect_registry()
    champion = registry.champion(found.name)
    if champion is None:
        raise NoChampion(f"{found.name} has no champion; promote a version or give --train DIR")
    with tempfile.TemporaryDirectory() as folder:
        return found.load(registry.download(found.name, champion.number, Path(folder)))


def show(rows: list[dict[str, Any]]) -> None:
    """A table for each document."""
    for row in rows:
        show_scores(f"{row['model']} {row['algorithm']} on {row['data']} (n={row['n']}, {row['seconds']} s)", row)
