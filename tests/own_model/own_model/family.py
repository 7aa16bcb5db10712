import json
import time
from dataclasses import dataclass

import pandas as pd
from pydantic import BaseModel

from models import saved
from models.algorithm import Algorithm
from models.errors import BadRequest
from models.evaluation import Evaluation
from models.family import Family


class Config(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    samples: int = 10
    """Latest samples of a field that count."""


@dataclass(frozen=True)
class FieldMeans:
    means: dict
    config: Config

    def save(self, directory):
        head = {"family": "soil-moisture", "algorithm": "mean", "params": self.config.model_dump(), "format": 1}
        (directory / saved.NAME).write_text(json.dumps(head | {"means": self.means}))

    def answer(self, request):
        if request["field_id"] not in self.means:
            raise BadRequest("field_id", f"is not one of {', '.join(self.means)}")
        return {"field_id": request["field_id"], "moisture": self.means[request["field_id"]]}


def fit(data, config):
    latest = data.sort_values("event_time").groupby("field_id").tail(config.samples)
    return FieldMeans(latest.groupby("field_id")["moisture"].mean().to_dict(), config)


class SoilFamily(Family):
    """Moisture of a field as it was lately."""

    name, default, primary, better, unit = "soil-moisture", "mean", "mae", "lower", "field_id"
    own = (Algorithm("mean", Config, fit, lambda head: FieldMeans(head["means"], Config(**head["params"]))),)

    def read(self, path):
        return pd.read_csv(path, parse_dates=["timestamp"]).rename(columns={"timestamp": "event_time"})

    def training_part(self, data):
        return data[data["event_time"] < data["event_time"].quantile(0.8)]

    def learn(self, data, recipe, progress):
        return self.algorithm(recipe.algorithm).fit(data, self.config(recipe))

    def load(self, directory):
        head = saved.header(directory, self.name)
        return self.algorithm(head["algorithm"]).load(head)

    def golden(self, model, data):
        return [{"request": request, "answer": model.answer(request)} for request in self.batch_requests(model)][:5]

    def batch_requests(self, model):
        return ({"field_id": field} for field in model.means)

    def run_protocol(self, data, recipes, protocol, progress):
        train = self.training_part(data)
        test = data.drop(train.index).groupby("field_id")["moisture"].mean()
        naive = (test - train["moisture"].mean()).abs()
        return [self.scored(test, train, naive, recipe, time.monotonic()) for recipe in recipes]

    def scored(self, test, train, naive, recipe, began):
        ours = (test - test.index.map(self.learn(train, recipe, None).means)).abs()
        return Evaluation(
            model=self.name, algorithm=recipe.algorithm, data="soil", protocol={"name": "latest fifth"}, n=len(test),
            metrics={"mae": ours.mean()}, baselines={"overall_mean": {"mae": naive.mean()}}, primary="mae",
            better="lower", seconds=time.monotonic() - began, unit="fields", unit_ids=test.index.to_numpy(),
            unit_scores={recipe.algorithm: ours.to_numpy(), "overall_mean": naive.to_numpy()},
        )  # fmt: skip


FAMILY = SoilFamily()
