"""Recommends products to buyers from what they and others bought, and what they are likely to buy again.

A buyer it does not know gets what is popular; scores order products, they are not probabilities.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from models.errors import CorruptArtifact
from models.evaluation import Checks, Evaluation, Recipe
from models.families import Progress
from models.recommendation import algorithms, files, space
from models.recommendation import data as data_files
from models.recommendation import evaluate as evaluation
from models.recommendation.again import Again
from models.recommendation.catalogue import in_stock, labels
from models.recommendation.data import RecommenderData
from models.recommendation.events import Events, encode, owned
from models.recommendation.hybrid import Hybrid
from models.recommendation.popularity import buyers
from models.recommendation.reasons import moments, news
from models.recommendation.recommender import Ranker, Recommender
from models.recommendation.requests import MODES
from models.recommendation.splits import training_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "recommender"
CONFIGS = algorithms.CONFIGS
ALGORITHMS: tuple[str, ...] = tuple(CONFIGS)
DEFAULT = "hybrid"
PRIMARY = evaluation.PRIMARY
BETTER: Literal["higher", "lower"] = "higher"
SEARCH = space.SEARCH
UNIT = "user_id"
BATCH_N = 20
"""Products that a batch holds of each user and mode."""


def read(path: Path) -> RecommenderData:
    """Interactions (and the catalogue beside them) from a file or folder."""
    return data_files.read(path)


def default_recipe(algorithm: str = DEFAULT, **overrides: Any) -> Recipe:
    """The recipe of an algorithm; what is not given is the default or chosen by validation."""
    recipe = Recipe(algorithm=algorithm, params=overrides)
    algorithms.config(recipe)
    return recipe


def evaluate(
    data: RecommenderData,
    recipes: Recipe | Sequence[Recipe],
    *,
    protocol: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Evaluation]:
    """One evaluation per recipe under a fixed protocol."""
    wanted = [recipes] if isinstance(recipes, Recipe) else list(recipes)
    return evaluation.evaluate(data, wanted, protocol=protocol, progress=progress)


def reseeded(recipe: Recipe, seed: int) -> Recipe | None:
    """The recipe with another seed, which draws other users for validation; None where it has none."""
    if "seed" not in algorithms.CONFIGS[recipe.algorithm].model_fields:
        return None
    return Recipe(algorithm=recipe.algorithm, params={**recipe.params, "seed": seed})


def checks(evaluation: Evaluation) -> Checks:
    """A warning where it shows no more of the catalogue than popularity, although it claims to know tastes."""
    ours, crowd = evaluation.metrics["coverage"], evaluation.baselines["popularity"]["coverage"]
    if evaluation.falls_back_to or ours > crowd:
        return Checks()
    return Checks(warnings=(f"coverage {ours:.3g}: everybody is shown much the same, popularity shows {crowd:.3g}",))


def settled(recipe: Recipe, evaluation: Evaluation) -> Recipe:
    """The recipe with what validation chose written out, so that a refit need not choose again."""
    return _written_out(recipe, evaluation.protocol["chosen"])


def _written_out(recipe: Recipe, choice: dict[str, Any]) -> Recipe:
    known = algorithms.CONFIGS[recipe.algorithm].model_fields
    return Recipe(algorithm=recipe.algorithm, params={**recipe.params, **{k: choice[k] for k in choice if k in known}})


def training_part(data: RecommenderData) -> RecommenderData:
    """The data without the rows that the fixed protocol tests on."""
    known = data.interactions.dropna(subset=list(data_files.REQUIRED))
    return replace(data, interactions=known[training_rows(encode(data))].reset_index(drop=True))


def chosen(data: RecommenderData, recipe: Recipe) -> Recipe:
    """The recipe with what validation on a further split of all of the data chooses."""
    events = encode(data, with_catalogue=data.items is not None)
    return _written_out(recipe, algorithms.fit(events, data.items, recipe).chosen)


def fit(data: RecommenderData, recipe: Recipe, progress: Progress | None = None) -> Recommender:
    """Fit on all of the data."""
    tell = progress or (lambda share, text: None)
    tell(0.0, "read events")
    events = encode(data, with_catalogue=recipe.algorithm in {"hybrid", "content"})
    tell(0.1, f"fit {recipe.algorithm}")
    fitted = algorithms.fit(events, data.items, recipe)
    tell(1.0, "done")
    return Recommender(
        algorithm=recipe.algorithm,
        params=recipe.params,
        users=pd.DataFrame({"user_id": events.users}),
        items=labels(data.items, events.items).assign(moment=moments(events), new=news(events)),
        history=owned(events),
        popular=buyers(events),
        ranker=fitted.ranker,
        again=fitted.again,
        offered=offered(fitted.ranker, events, data),
        notes=fitted.chosen,
    )


def offered(ranker: Ranker, events: Events, data: RecommenderData) -> np.ndarray:
    """Mask of the items that may be shown: those somebody bought, and with a content side all of the catalogue.

    What the catalogue calls sold out is never offered.
    """
    mask = buyers(events) > 0
    if isinstance(ranker, Hybrid | algorithms.Described) and data.items is not None:
        mask |= np.isin(events.items.astype(str), data.items["item_id"].astype(str).to_numpy(dtype=str))
    return mask & in_stock(data.items, events.items)


def load(directory: Path) -> Recommender:
    """Load what `Recommender.save` wrote.

    Raises:
        CorruptArtifact: A file is missing, damaged or of another format.
    """
    header, arrays, tables = files.read(Path(directory), "users", "items")
    try:
        history, habit = files.unpack("history", arrays), files.unpack("habit", arrays)
        own = {k.removeprefix("ranker_"): v for k, v in arrays.items() if k.startswith("ranker_")}
        ranker = algorithms.restore(own, header["notes"])
        again = Again(habit, arrays["again_popular"], files.unpack("interval", arrays))
        parts = (header["algorithm"], header["params"], tables["users"], tables["items"], history, arrays["popular"])
        mask = arrays["offered"]
    except KeyError as exc:
        raise CorruptArtifact(f"{directory} lacks {exc}") from exc
    return Recommender(*parts, ranker, again, mask, header["notes"])


def pictures(evaluation: Evaluation, model: Recommender) -> "dict[str, Figure]":
    """What a person would look at: NDCG@10 beside the baselines, per user, and what the model shows how often."""
    from models.recommendation import pictures as drawn

    return drawn.draw(evaluation, model)


def golden(model: Recommender, data: RecommenderData) -> list[dict[str, Any]]:
    """Five requests with the model's own answers: heavy, light and unknown user, exclusions, buying again."""
    by_rows = np.argsort(np.diff(model.history.indptr), kind="stable")
    heavy, light, middle = (str(model.users["user_id"].iat[by_rows[at]]) for at in (-1, 0, len(by_rows) // 2))
    first = [found.product_id for found in model.recommend(heavy, 3)]
    requests: list[dict[str, Any]] = [
        {"user_id": heavy},
        {"user_id": heavy, "n_recommendations": 5, "exclude_items": first},
        {"user_id": light, "n_recommendations": 20},
        {"user_id": middle, "mode": "again"},
        {"user_id": "nobody-knows-this-user"},
    ]
    return [{"request": request, "answer": model.answer(request)} for request in requests]


def batch_requests(model: Recommender) -> Iterator[dict[str, Any]]:
    """For every user it knows what is new to them, and what they buy again."""
    for user in model.users["user_id"]:
        for mode in MODES:
            yield {"user_id": str(user), "n_recommendations": BATCH_N, "mode": mode}
