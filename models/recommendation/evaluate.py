"""The family's protocols on one data set: every algorithm beside the baselines of the same run."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from models.evaluation import Evaluation, Recipe, Scores
from models.family import Progress
from models.recommendation import algorithms, splits
from models.recommendation.again import Again
from models.recommendation.content import GENRES, features, similar_popularity
from models.recommendation.data import RecommenderData
from models.recommendation.events import Events, encode
from models.recommendation.metrics import Judged, judge
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
    *,
    protocol: dict[str, Any],
    progress: Progress,
) -> list[Evaluation]:
    """One evaluation per recipe under the protocol, `{"name": "user-holdout"}` by default."""
    progress(0.0, "split")
    split = splits.make(encode(data, with_catalogue=data.items is not None), protocol)
    baselines = {name: judge(scorer, split) for name, scorer in baseline_scorers(split, data).items()}
    done = []
    for number, recipe in enumerate(recipes):
        progress((number + 0.1) / len(recipes), f"fit and ask {recipe.algorithm}")
        started = time.perf_counter()
        fitted = algorithms.fit(split.train, data.items, recipe)
        scorer = fitted.scorer(split.mode)
        judged = baselines[recipe.algorithm] if recipe.algorithm in baselines else judge(scorer, split)
        seconds = time.perf_counter() - started
        done.append(_evaluation(data, recipe, fitted.chosen, split, judged, baselines, scorer, seconds))
    progress(1.0, "done")
    return done


def baseline_scorers(split: Split, data: RecommenderData) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What any algorithm is compared with under a split."""
    train = split.train
    scorers: dict[str, Callable[[np.ndarray], np.ndarray]] = {
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
    judged: Judged,
    baselines: dict[str, Judged],
    scorer: Callable[[np.ndarray], np.ndarray],
    seconds: float,
) -> Evaluation:
    return Evaluation(
        model=NAME,
        algorithm=recipe.algorithm,
        data=data.name,
        protocol={**split.protocol, "chosen": chosen},
        metrics=_metrics(judged),
        baselines={name: _metrics(theirs) for name, theirs in baselines.items()},
        n=len(split.users),
        seconds=seconds,
        primary=PRIMARY,
        better="higher",
        unit_ids=split.train.users[split.users],
        unit_scores={**{name: theirs.ndcg for name, theirs in baselines.items()}, recipe.algorithm: judged.ndcg},
        slices=slices(split, judged, baselines["popularity"], scorer),
        unit="users",
        falls_back_to=_fallback(recipe, chosen),
    )


def _fallback(recipe: Recipe, chosen: dict[str, Any]) -> str | None:
    """Where validation found no taste beyond the crowd's, a personal algorithm gives popularity's answers."""
    plain = issubclass(algorithms.CONFIGS[recipe.algorithm], algorithms.PopularityConfig)
    return None if plain or chosen.get("personal", True) else "popularity"


def _metrics(judged: Judged) -> Scores:
    return {
        "ndcg@10": float(judged.ndcg.mean()),
        "recall@20": float(judged.recall.mean()),
        "coverage": float(judged.coverage),
    }


def slices(
    split: Split, judged: Judged, popular: Judged, scorer: Callable[[np.ndarray], np.ndarray]
) -> dict[str, dict[str, Any]]:
    """NDCG@10 of the algorithm and of popularity over all users, light users, and rarely bought items."""
    rows = np.bincount(split.train.user[split.train.positive], minlength=split.train.shape[0])[split.users]
    light = rows <= LIGHT_ROWS
    found = {"overall": _slice(judged.ndcg, popular.ndcg)}
    if light.any():
        found["light-user"] = _slice(judged.ndcg[light], popular.ndcg[light])
    rare = _rare(split)
    if len(rare.users):
        found["cold-item"] = _slice(judge(scorer, rare).ndcg, judge(Popular(buyers(split.train)).scores, rare).ndcg)
    return found


def _slice(ours: np.ndarray, popular: np.ndarray) -> dict[str, Any]:
    return {"n": len(ours), PRIMARY: float(ours.mean()), f"popularity_{PRIMARY}": float(popular.mean())}


def _rare(split: Split) -> Split:
    """The test items with few buyers, ranked among all such items."""
    few = split.candidates & (buyers(split.train) < RARE_BUYERS)
    relevant = split.relevant.multiply(few.astype(np.float32)).tocsr()
    relevant.eliminate_zeros()
    users = np.flatnonzero(np.diff(relevant.indptr))
    users = users[:: max(len(users) // RARE_USERS, 1)]
    return Split(split.train, relevant, split.owned, few, users, split.mode, split.protocol)
