"""What every family of models is: one registered model, its algorithms, its protocol, and their verbs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar, cast

from models.algorithm import Algorithm, with_added
from models.errors import UnknownAlgorithm
from models.evaluation import Checks, Evaluation, Recipe, Slice
from models.hyperparameters import configured, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Progress = Callable[[float, str], None]
"""Told the share done (0 to 1) and what is being done."""


class Model(Protocol):
    """A fitted model: it saves itself without pickle and answers its endpoint's requests."""

    def save(self, directory: Path) -> None:
        """Write npz, json, onnx or parquet files and `model.json` into `directory`."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The endpoint's body for one request, without version and prediction id."""


Data = TypeVar("Data")
Fitted = TypeVar("Fitted", bound=Model)


class Family(ABC, Generic[Data, Fitted]):
    """One registered model. A subclass says how its data are read, scored and learned from; the rest stands here.

    The subclass's docstring is what the model's card says it is for.
    """

    name: ClassVar[str]
    """The registered model."""
    own: ClassVar[tuple[Algorithm, ...]]
    """The algorithms that come with it; those of other packages join them in `algorithms`."""
    default: ClassVar[str]
    """The algorithm that is trained where none is asked for."""
    primary: ClassVar[str]
    """The metric that chooses and gates."""
    better: ClassVar[Literal["higher", "lower"]]
    unit: ClassVar[str | None] = None
    """Field of a batch request that says whom or what the answer is for; None where there is no batch."""

    @property
    def about(self) -> str:
        """What the model is for, as its card says it."""
        return cleandoc(type(self).__doc__ or "")

    @cached_property
    def algorithms(self) -> Mapping[str, Algorithm]:
        """Every algorithm by name: its own, then those that other packages add."""
        return with_added(self.name, self.own)

    def algorithm(self, name: str) -> Algorithm:
        """The record of an algorithm.

        Raises:
            UnknownAlgorithm: The family has none of that name.
        """
        if name not in self.algorithms:
            choices = f"choose one of {', '.join(self.algorithms)}{did_you_mean(name, self.algorithms)}"
            raise UnknownAlgorithm(f"{self.name} has no algorithm {name!r}; {choices}")
        return self.algorithms[name]

    def config(self, recipe: Recipe) -> Any:
        """The recipe's hyperparameters, checked.

        Raises:
            UnknownAlgorithm: The family has no such algorithm.
            BadData: A hyperparameter is not known or out of range.
        """
        return configured(self.algorithm(recipe.algorithm).config, recipe.algorithm, recipe.params)

    def default_recipe(self, algorithm: str | None = None, **overrides: Any) -> Recipe:
        """The recipe of an algorithm, its defaults written out, so that it means the same for ever.

        What is None by default is left out: it is chosen on training rows.
        """
        asked = Recipe(algorithm=algorithm or self.default, params=overrides)
        return Recipe(algorithm=asked.algorithm, params=self.config(asked).model_dump(mode="json", exclude_none=True))

    def reseeded(self, recipe: Recipe, seed: int) -> Recipe | None:
        """The recipe with another seed; None where nothing in it is drawn at random."""
        if not self.algorithm(recipe.algorithm).random:
            return None
        return Recipe(algorithm=recipe.algorithm, params={**recipe.params, "seed": seed})

    def settled(self, recipe: Recipe, evaluation: Evaluation) -> Recipe:
        """The recipe with every hyperparameter that its evaluation chose; fitting it searches no more."""
        return self.written_out(recipe, evaluation.protocol.get("chosen", {}))

    def written_out(self, recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
        """The recipe with those of the values that are its algorithm's hyperparameters."""
        known = self.algorithm(recipe.algorithm).config.model_fields
        return Recipe(
            algorithm=recipe.algorithm, params={**recipe.params, **{k: v for k, v in values.items() if k in known}}
        )

    def resolve(self, data: Data, recipe: Recipe) -> Recipe:
        """The recipe with every hyperparameter that it leaves open chosen on a further split of all of the data."""
        return recipe

    def evaluate(
        self,
        data: Data,
        recipes: Recipe | Sequence[Recipe],
        *,
        protocol: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> list[Evaluation]:
        """One evaluation per recipe under the family's fixed protocol; equal recipes are computed once.

        Args:
            data: The family's data; not changed.
            recipes: What to score.
            protocol: What is not to be as the protocol has it by default.
            progress: Told how far the work is.

        Raises:
            UnknownAlgorithm: The family has no such algorithm.
            BadData: A hyperparameter is not known or out of range, or the data cannot be used.
            BadRequest: The protocol asks for something impossible.
        """
        wanted = [recipes] if isinstance(recipes, Recipe) else list(recipes)
        for recipe in wanted:
            self.config(recipe)
        once = {recipe.model_dump_json(): recipe for recipe in wanted}
        found = self.run_protocol(data, list(once.values()), protocol or {}, progress or _quiet)
        by_recipe = dict(zip(once, found, strict=True))
        return [by_recipe[recipe.model_dump_json()] for recipe in wanted]

    def fit(self, data: Data, recipe: Recipe, progress: Progress | None = None) -> Fitted:
        """Fit on all of the data.

        Raises:
            UnknownAlgorithm: The family has no such algorithm.
            BadData: A hyperparameter is not known or out of range, or the data cannot be used.
        """
        self.config(recipe)
        return self.learn(data, recipe, progress or _quiet)

    @abstractmethod
    def read(self, path: Path) -> Data:
        """Data for this family from a file or folder."""

    def from_frames(self, frames: "Mapping[str, pd.DataFrame]") -> Data:
        """Data for this family from the rows of its kind and of the kind beside it, by name of the kind."""
        (frame,) = frames.values()
        return cast(Data, frame)

    @abstractmethod
    def run_protocol(
        self, data: Data, recipes: Sequence[Recipe], protocol: dict[str, Any], progress: Progress
    ) -> Sequence[Evaluation]:
        """What `evaluate` gives, for recipes that are checked and differ from each other, in their order."""

    @abstractmethod
    def learn(self, data: Data, recipe: Recipe, progress: Progress) -> Fitted:
        """What `fit` gives, for a recipe that is checked."""

    @abstractmethod
    def training_part(self, data: Data) -> Data:
        """The data without what the fixed protocol tests on, to be split once more by whoever searches."""

    @abstractmethod
    def load(self, directory: Path) -> Fitted:
        """Load what `Model.save` wrote.

        Raises:
            CorruptArtifact: A file is missing, damaged or of another format.
        """

    @abstractmethod
    def golden(self, model: Fitted, data: Data) -> list[dict[str, Any]]:
        """A few requests with the model's own answers, replayed against whatever serves it."""

    def checks(self, evaluation: Evaluation) -> Checks:
        """What the mean of the primary metric does not say: what must not serve, what to see before promoting.

        Every slice on which the strongest baseline does better is a warning; a family adds its own to these.
        """
        return Checks(warnings=tuple(_behind(evaluation, part) for part in evaluation.behind))

    def pictures(self, evaluation: Evaluation, model: Fitted) -> "dict[str, Figure]":
        """What a person would look at, by file name."""
        return {}

    def batch_requests(self, model: Fitted) -> Iterator[dict[str, Any]]:
        """Every request worth answering in advance, in a fixed order; each has the field `unit`."""
        return iter(())


def _behind(evaluation: Evaluation, part: Slice) -> str:
    baseline = evaluation.strongest or ""
    figures = f"{part.score:.4g} against {part.baselines[baseline]:.4g} of {baseline}"
    return f"{part.name}: {evaluation.primary} {figures} (n {part.n})"


def _quiet(share: float, doing: str) -> None:
    """Progress that nobody asked about."""
