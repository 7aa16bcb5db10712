"""The recommender as a family."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from models.errors import CorruptArtifact
from models.evaluation import Checks, Evaluation, Recipe
from models.family import Family, Progress
from models.recommendation import data as data_files
from models.recommendation import evaluate as protocols
from models.recommendation import files
from models.recommendation.again import Again
from models.recommendation.catalogue import in_stock, labels
from models.recommendation.collaborative import COLLABORATIVE
from models.recommendation.content import CONTENT
from models.recommendation.data import RecommenderData
from models.recommendation.events import Events, encode, owned
from models.recommendation.fitted import Fitted
from models.recommendation.hybrid import HYBRID
from models.recommendation.popularity import POPULARITY, RECENT_POPULARITY, buyers
from models.recommendation.reasons import moments, news
from models.recommendation.recommender import Recommender
from models.recommendation.requests import MODES
from models.recommendation.splits import training_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH_N = 20
"""Products that a batch holds of each user and mode."""


class RecommenderFamily(Family[RecommenderData, Recommender]):
    """Recommends products to buyers from what they and others bought, and what they are likely to buy again.

    A buyer it does not know gets what is popular; scores order products, they are not probabilities.
    """

    name = "recommender"
    default = "hybrid"
    primary = protocols.PRIMARY
    better = "higher"
    unit = "user_id"
    own = (HYBRID, COLLABORATIVE, CONTENT, POPULARITY, RECENT_POPULARITY)

    def read(self, path: Path) -> RecommenderData:
        """Interactions (and the catalogue beside them) from a file or folder."""
        return data_files.read(path)

    def from_frames(self, frames: Mapping[str, pd.DataFrame]) -> RecommenderData:
        """Interactions and the catalogue."""
        return RecommenderData(frames["interactions"], frames["catalogue"])

    def run_protocol(
        self, data: RecommenderData, recipes: Sequence[Recipe], protocol: dict[str, Any], progress: Progress
    ) -> list[Evaluation]:
        """One evaluation per recipe under a fixed protocol, `{"name": "user-holdout"}` by default."""
        return protocols.evaluate(data, recipes, self.fitted, protocol=protocol, progress=progress)

    def checks(self, evaluation: Evaluation) -> Checks:
        """A warning where it shows no more of the catalogue than popularity, although it claims to know tastes."""
        slices = super().checks(evaluation)
        ours, crowd = evaluation.metrics["coverage"], evaluation.baselines["popularity"]["coverage"]
        if evaluation.falls_back_to or ours > crowd:
            return slices
        told = f"coverage {ours:.3g}: everybody is shown much the same, popularity shows {crowd:.3g}"
        return Checks(warnings=(told, *slices.warnings))

    def training_part(self, data: RecommenderData) -> RecommenderData:
        """The data without the rows that the fixed protocol tests on."""
        known = data.interactions.dropna(subset=list(data_files.REQUIRED))
        return replace(data, interactions=known[training_rows(encode(data))].reset_index(drop=True))

    def resolve(self, data: RecommenderData, recipe: Recipe) -> Recipe:
        """The recipe with what validation on a further split of all of the data chooses."""
        events = encode(data, with_catalogue=data.items is not None)
        return self.written_out(recipe, self.fitted(events, data, recipe).chosen)

    def learn(self, data: RecommenderData, recipe: Recipe, progress: Progress) -> Recommender:
        """Fit on all of the data."""
        progress(0.0, "read events")
        events = encode(data, with_catalogue="catalogue" in self.algorithm(recipe.algorithm).needs)
        progress(0.1, f"fit {recipe.algorithm}")
        fitted = self.fitted(events, data, recipe)
        progress(1.0, "done")
        return Recommender(
            algorithm=recipe.algorithm,
            params=recipe.params,
            users=pd.DataFrame({"user_id": events.users}),
            items=labels(data.items, events.items).assign(moment=moments(events), new=news(events)),
            history=owned(events),
            popular=buyers(events),
            ranker=fitted.ranker,
            again=fitted.again,
            offered=self._offered(fitted, data),
            notes=fitted.chosen,
        )

    def fitted(self, events: Events, data: RecommenderData, recipe: Recipe) -> Fitted:
        """Fit a recipe's algorithm on some of the events of these data."""
        learn = self.algorithm(recipe.algorithm).fit
        return Fitted(learn(events, data.items, self.config(recipe)), events)

    def _offered(self, fitted: Fitted, data: RecommenderData) -> np.ndarray:
        """Mask of the items that may be shown: those somebody bought, and with a content side all of the catalogue.

        What the catalogue calls sold out is never offered.
        """
        ids, mask = fitted.events.items, buyers(fitted.events) > 0
        if "catalogue" in self.algorithm(fitted.ranker.algorithm).needs and data.items is not None:
            mask |= np.isin(ids.astype(str), data.items["item_id"].astype(str).to_numpy(dtype=str))
        return mask & in_stock(data.items, ids)

    def load(self, directory: Path) -> Recommender:
        """Load what `Recommender.save` wrote.

        Raises:
            CorruptArtifact: A file is missing, damaged or of another format.
        """
        header, arrays, tables = files.read(Path(directory), self.name, "users", "items")
        try:
            own = {k.removeprefix("ranker_"): v for k, v in arrays.items() if k.startswith("ranker_")}
            return Recommender(
                algorithm=header["algorithm"],
                params=header["params"],
                users=tables["users"],
                items=tables["items"],
                history=files.unpack("history", arrays),
                popular=arrays["popular"],
                ranker=self.algorithm(header["ranker"]).load(own, header["notes"]),
                again=Again(files.unpack("habit", arrays), arrays["again_popular"], files.unpack("interval", arrays)),
                offered=arrays["offered"],
                notes=header["notes"],
            )
        except KeyError as exc:
            raise CorruptArtifact(f"{directory} lacks {exc}") from exc

    def pictures(self, evaluation: Evaluation, model: Recommender) -> "dict[str, Figure]":
        """What a person would look at: NDCG@10 beside the baselines, per user, and what the model shows how often."""
        from models.recommendation import pictures as drawn

        return drawn.draw(evaluation, model)

    def golden(self, model: Recommender, data: RecommenderData) -> list[dict[str, Any]]:
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

    def batch_requests(self, model: Recommender) -> Iterator[dict[str, Any]]:
        """For every user it knows what is new to them, and what they buy again."""
        for user in model.users["user_id"]:
            for mode in MODES:
                yield {"user_id": str(user), "n_recommendations": BATCH_N, "mode": mode}


FAMILY = RecommenderFamily()
