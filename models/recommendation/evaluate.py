"""The family's protocols on one data set: every algorithm beside the baselines of the same run."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.evaluation import Evaluation, Recipe, Scores, Slice
from models.family import Progress
from models.recommendation import splits
from models.recommendation.again import Again
from models.recommendation.catalogue_features import GENRES, features, similar_popularity
from models.recommendation.data import RecommenderData
from models.recommendation.events import Events, encode
from models.recommendation.fitted import Fitted
from models.recommendation.metrics import Judged, Scorer, judge
from models.recommendation.popularity import Popular, buyers, purchases, recent_buyers
from models.recommendation.splits import Split

NAME = "recommender"
PRIMARY = "ndcg@10"
LIGHT_ROWS = 20
"""A light user has at most this many rows in train."""
RARE_BUYERS = 10
"""A rare item has fewer buyers in train."""
RARE_USERS = 500
"""About so many users, evenly spread, are asked about rare items."""


def evaluate(
    data: RecommenderData,
    recipes: Sequence[Recipe],
    fit: Callable[[Events, RecommenderData, Recipe], Fitted],
    *,
    protocol: dict[str, Any],
    progress: Progress,
) -> list[Evaluation]:
    """One evaluation per recipe under the protocol, `{"name": "user-holdout"}` by default.

    Where validation found no taste beyond the crowd's, a personal algorithm falls back to popularity's answers.
    """
    progress(0.0, "split")
    split = splits.make(encode(data, with_catalogue=data.items is not None), protocol)
    rare = rare_items(split)
    naive = {name: _tested(scorer, split, rare) for name, scorer in baseline_scorers(split, data).items()}
    done = []
    for number, recipe in enumerate(recipes):
        progress((number + 0.1) / len(recipes), f"fit and ask {recipe.algorithm}")
        started = time.perf_counter()
        fitted = fit(split.train, data, recipe)
        ours = naive.get(recipe.algorithm) or _tested(fitted.scorer(split.mode), split, rare)
        seconds = time.perf_counter() - started
        done.append(_evaluation(data, recipe, fitted.chosen, split, ours, naive, seconds))
    progress(1.0, "done")
    return done


class Tested(NamedTuple):
    """How one scorer did under the split, and among its rare items; None where no rare item is tested."""

    all: Judged
    rare: Judged | None


def _tested(scorer: Scorer, split: Split, rare: Split) -> Tested:
    return Tested(judge(scorer, split), judge(scorer, rare) if len(rare.users) else None)


def baseline_scorers(split: Split, data: RecommenderData) -> dict[str, Scorer]:
    """What any algorithm is compared with under a split."""
    train = split.train
    scorers: dict[str, Scorer] = {
        "popularity": Popular(buyers(train)).scores,
        "recent_popularity": Popular(recent_buyers(train)).scores,
    }
    if split.mode == "again":
        scorers["own_most_bought"] = OwnMostBought.fit(train).scores
    if split.protocol["name"] == "cold-items" and data.items is not None:
        described = features(data.items, train, GENRES)
        scorers["similar_popularity"] = Popular(similar_popularity(described, buyers(train))).scores
    return scorers


class OwnMostBought(Again):
    """A user's things by how often they were bought; then everybody's."""

    @classmethod
    def fit(cls, events: Events) -> "OwnMostBought":  # type: ignore[override]
        """Count every purchase, repeats included."""
        bought = events.take(events.positive)
        return cls(bought.matrix(bought.count), purchases(events))


def _evaluation(
    data: RecommenderData,
    recipe: Recipe,
    chosen: dict[str, Any],
    split: Split,
    ours: Tested,
    naive: dict[str, Tested],
    seconds: float,
) -> Evaluation:
    return Evaluation(
        model=NAME,
        algorithm=recipe.algorithm,
        data=data.name,
        protocol={**split.protocol, "chosen": chosen},
        metrics=_metrics(ours.all),
        baselines={name: _metrics(theirs.all) for name, theirs in naive.items()},
        n=len(split.users),
        seconds=seconds,
        primary=PRIMARY,
        better="higher",
        unit_ids=split.train.users[split.users],
        unit_scores={**{name: theirs.all.ndcg for name, theirs in naive.items()}, recipe.algorithm: ours.all.ndcg},
        slices=slices(split, ours, naive),
        unit="users",
        falls_back_to=None if recipe.algorithm in naive or chosen.get("personal", True) else "popularity",
    )


def _metrics(judged: Judged) -> Scores:
    return {
        "ndcg@10": float(judged.ndcg.mean()),
        "recall@20": float(judged.recall.mean()),
        "coverage": float(judged.coverage),
    }


def slices(split: Split, ours: Tested, naive: dict[str, Tested]) -> tuple[Slice, ...]:
    """NDCG@10 of the algorithm and the baselines over all users, light users, and rarely bought items."""
    rows = np.bincount(split.train.user[split.train.positive], minlength=split.train.shape[0])[split.users]
    light = rows <= LIGHT_ROWS
    whole, rare = {name: one.all.ndcg for name, one in naive.items()}, ours.rare
    found = [_slice("overall", ours.all.ndcg, whole)]
    if light.any():
        found.append(_slice("light-user", ours.all.ndcg[light], {name: one[light] for name, one in whole.items()}))
    if rare is not None:
        found.append(_slice("cold-item", rare.ndcg, {name: one.rare.ndcg for name, one in naive.items() if one.rare}))
    return tuple(found)


def _slice(name: str, ours: np.ndarray, theirs: dict[str, np.ndarray]) -> Slice:
    return Slice(name, len(ours), float(ours.mean()), {one: float(scores.mean()) for one, scores in theirs.items()})


def rare_items(split: Split) -> Split:
    """The test items with few buyers, ranked among all such items."""
    few = split.candidates & (buyers(split.train) < RARE_BUYERS)
    relevant = split.relevant.multiply(few.astype(np.float32)).tocsr()
    relevant.eliminate_zeros()
    users = np.flatnonzero(np.diff(relevant.indptr))
    users = users[:: max(len(users) // RARE_USERS, 1)]
    return Split(split.train, relevant, split.owned, few, users, split.mode, split.protocol)
