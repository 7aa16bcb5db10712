"""Code of other packages inside a Bento: of the one that adds the model, and of those that add algorithms to it."""

from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from models import algorithm, families
from models.families import OWN, registered


def files(model: str) -> Iterator[tuple[Path, bytes]]:
    """Place in the Bento and content of each file, and of the entry points by which the serving process finds it."""
    for point in _points(model):
        for name in sorted(_roots(point, model)):
            yield from _code(name)
        if point.dist is not None:
            yield from _metadata(point.dist)


def _points(model: str) -> list[EntryPoint]:
    added = [point for point in entry_points(group=families.GROUP) if point.load().name == model]
    return added + [point for point in entry_points(group=algorithm.GROUP) if point.name.partition(".")[0] == model]


def _roots(point: EntryPoint, model: str) -> set[str]:
    """Top-level names that the model, or its algorithm, is imported from."""
    record = registered(model)
    said = [point.module] if record in OWN else [point.module, record.module, record.service.target]
    return {name.partition(":")[0].partition(".")[0] for name in said}


def _code(name: str) -> Iterator[tuple[Path, bytes]]:
    spec = find_spec(name)
    places = [Path(place) for place in (spec.submodule_search_locations if spec else None) or []]
    for place in places or ([Path(spec.origin)] if spec and spec.origin else []):
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in found:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(place.parent), path.read_bytes()


def _metadata(package: Distribution) -> Iterator[tuple[Path, bytes]]:
    folder = Path(f"{package.name.replace('-', '_')}-{package.version}.dist-info")
    for name in ("METADATA", "entry_points.txt"):
        yield folder / name, (package.read_text(name) or "").encode()
