"""What every family of models is: one registered model, its algorithms, its protocol, and their verbs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel

from models.evaluation import Checks, Evaluation, Recipe
from models.search import Range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Progress = Callable[[float, str], None]
"""Told the share done (0 to 1) and what is being done."""


class Model(Protocol):
    """A fitted model: it saves itself without pickle and answers its endpoint's requests."""

    def save(self, directory: Path) -> None:
        """Write npz, json, onnx or parquet files and `model.json` into `directory`."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The endpoint's body for one request, without version and prediction id."""


class Family(Protocol):
    """A family's module: one registered model, its algorithms, its protocol."""

    NAME: str
    ALGORITHMS: tuple[str, ...]
    CONFIGS: Mapping[str, type[BaseModel]]
    """Hyperparameters of each algorithm, with their defaults and ranges."""
    DEFAULT: str
    PRIMARY: str
    BETTER: Literal["higher", "lower"]
    SEARCH: dict[str, dict[str, Range]]
    """What a search may vary, by algorithm and hyperparameter; an algorithm that is not there has nothing to search."""
    UNIT: str | None
    """Field of a batch request that says whom or what the answer is for; None where there is no batch."""

    def read(self, path: Path) -> Any:
        """Data for this family from a file or folder."""

    def default_recipe(self, algorithm: str, **overrides: Any) -> Recipe:
        """The recipe of an algorithm with its default hyperparameters."""

    def evaluate(
        self,
        data: Any,
        recipes: Sequence[Recipe],
        *,
        protocol: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> list[Evaluation]:
        """One evaluation per recipe under the family's fixed protocol."""

    def reseeded(self, recipe: Recipe, seed: int) -> Recipe | None:
        """The recipe with another seed; None where nothing in it is drawn at random."""

    def checks(self, evaluation: Evaluation) -> Checks:
        """What the primary metric does not say: what must not serve, and what a person should see before promoting."""

    def settled(self, recipe: Recipe, evaluation: Evaluation) -> Recipe:
        """The recipe with every hyperparameter that its evaluation chose; fitting it searches no more."""

    def training_part(self, data: Any) -> Any:
        """The data without what the fixed protocol tests on, to be split once more by whoever searches."""

    def chosen(self, data: Any, recipe: Recipe) -> Recipe:
        """The recipe with every hyperparameter that it leaves open chosen on a further split of all of the data."""

    def fit(self, data: Any, recipe: Recipe, progress: Progress | None = None) -> Model:
        """Fit on all of the data."""

    def load(self, directory: Path) -> Model:
        """Load what `Model.save` wrote."""

    def pictures(self, evaluation: Evaluation, model: Model) -> "dict[str, Figure]":
        """What a person would look at, by file name."""

    def golden(self, model: Model, data: Any) -> list[dict[str, Any]]:
        """A few requests with the model's own answers, replayed against whatever serves it."""

    def batch_requests(self, model: Model) -> Iterator[dict[str, Any]]:
        """Every request worth answering in advance, in a fixed order; each has the field `UNIT`."""
