"""The search, with a family of its own that is quick and breaks on demand; MLflow is a list here."""

import contextlib
import itertools
import sys
import time
import types
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from features.contracts import ContractResult
from flows import catalogue
from flows.training_set import TrainingSet
from flows.tuning import search
from flows.tuning.search import CannotTune, SearchFailed
from flows.tuning.study import Study
from models import families
from models.algorithm import Algorithm
from models.errors import UnknownAlgorithm, UnknownModel
from models.evaluation import Evaluation
from models.family import Family
from models.recommendation.data import RecommenderData
from models.search import FloatRange, IntRange

SPACE = {"x": FloatRange(0.0, 1.0), "steps": IntRange(1, 9)}
USERS = np.arange(20)


def evaluation_of(scores, algorithm="hill"):
    return Evaluation(
        model="hills", algorithm=algorithm, data="made up", protocol={}, metrics={"height": float(scores.mean())},
        baselines={}, n=len(scores), seconds=0.0, primary="height", better="higher", unit_ids=USERS,
        unit_scores={algorithm: scores},
    )  # fmt: skip


class HillConfig(BaseModel, extra="forbid"):
    x: float = 0.2
    steps: int = 3
    seed: int = 0


class Hills(Family):
    """A family whose score is highest at x = 0.7; what a test puts into `evaluating` is done at each evaluation."""

    name, default, primary, better = "hills", "hill", "height", "higher"
    own = (Algorithm("hill", HillConfig, None, None, SPACE), Algorithm("plain", HillConfig, None, None))
    read = learn = load = golden = None

    def __init__(self):
        self.tried = []
        self.evaluating = lambda number, progress: None

    def training_part(self, data):
        return data

    def run_protocol(self, data, recipes, protocol, progress):
        self.tried.append(recipes[0].params)
        self.evaluating(len(self.tried) - 1, progress)
        return [evaluation_of(1 - np.abs(recipes[0].params["x"] - 0.7) + np.linspace(-0.1, 0.1, 20))]


@pytest.fixture
def hills(monkeypatch):
    made = Hills()
    monkeypatch.setitem(sys.modules, "hills_family", types.SimpleNamespace(FAMILY=made))
    monkeypatch.setitem(
        families.models(),
        "hills",
        replace(families.registered("recommender"), name="hills", module="hills_family", flow="train-hills"),
    )
    return made


def searched(folder, model="hills", data=None, minutes=1.0, trials=8, seed=0, **other):
    """A search run to its end: its study and what was recorded."""
    asked = search.planned(model, other.pop("algorithm", None), minutes, trials, seed)
    study, recorded = Study(folder, asked.family.better, asked.seed), []
    search.search(asked, data, study, recorded.append, **other)
    return study, recorded


def market(n_users=40):
    """Purchases a day apart: even users want even items, odd ones odd items."""
    rng = np.random.default_rng(3)
    bought = [(user, item, day) for user in range(n_users) for day, item in enumerate(rng.permutation(15) * 2)]
    rows = [(f"u{user}", f"i{item + user % 2:02d}", 86_400 * (day + 1)) for user, item, day in bought]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])


def test_the_first_trial_is_the_default_and_the_best_is_never_worse(hills, tmp_path):
    study, recorded = searched(tmp_path)
    assert recorded[0].params == hills.default_recipe().params
    assert recorded[0].score == pytest.approx(0.5)
    assert study.best.score == max(trial.score for trial in recorded) >= recorded[0].score
    assert [trial.number for trial in recorded] == list(range(8))


def test_a_trial_keeps_what_the_search_does_not_vary_and_stays_in_its_ranges(hills, tmp_path):
    searched(tmp_path)
    assert all(tried["seed"] == 0 and 0 <= tried["x"] <= 1 and 1 <= tried["steps"] <= 9 for tried in hills.tried)
    assert len({tried["x"] for tried in hills.tried}) == 8


def test_the_gain_is_paired_over_units(hills, tmp_path):
    study, _ = searched(tmp_path)
    found = search.gain(search.planned("hills", None, 1, None), study)
    assert found.low == pytest.approx(found.high)  # every unit gains the same, so there is nothing to be unsure of
    assert found.mid == pytest.approx(study.best.score - 0.5)


def test_no_test_row_is_ever_looked_at(tmp_path):
    frame = market()
    last_fifth = frame["timestamp"] > 12 * 86_400
    changed = frame.assign(item_id=frame["item_id"].where(~last_fifth, "poison-" + frame["item_id"]))
    studies = [
        searched(tmp_path / name, "recommender", RecommenderData(rows), trials=4, algorithm="collaborative")[0]
        for name, rows in [("as-it-is", frame), ("changed", changed)]
    ]
    told = [[(trial.params, trial.score) for trial in study.trials] for study in studies]
    assert told[0] == told[1]
    assert len({score for _, score in told[0]}) > 1


def test_on_the_recommender_the_default_is_what_validation_chooses_and_nothing_beats_it_downwards(tmp_path):
    study, recorded = searched(tmp_path, "recommender", RecommenderData(market()), trials=5, algorithm="collaborative")
    assert recorded[0].params.keys() >= {"reg", "profile", "trends", "personal", "seed"}
    assert all(trial.state == "done" for trial in recorded)
    assert study.best.score >= recorded[0].score


def test_the_hybrid_without_a_catalogue_is_searched_by_what_it_has(tmp_path):
    _, recorded = searched(tmp_path, "recommender", RecommenderData(market()), trials=2, algorithm="hybrid")
    assert "content_reg" not in recorded[1].params


def test_content_without_a_catalogue_has_nothing_to_search(tmp_path):
    with pytest.raises(CannotTune, match="on these data content has nothing to search"):
        searched(tmp_path, "recommender", RecommenderData(market()), trials=2, algorithm="content")


def test_the_time_bound_holds_and_a_long_trial_is_stopped_in_its_midst(hills, tmp_path):
    def slow(number, progress):
        for step in range(200 if number == 3 else 0):
            time.sleep(0.05)
            progress(step / 200, "working")

    hills.evaluating = slow
    _, recorded = searched(tmp_path, minutes=1 / 60, trials=None)
    assert [trial.state for trial in recorded] == ["done", "done", "done", "pruned"]
    assert recorded[-1].error == "the time was up"


def test_however_short_the_time_the_default_is_evaluated_to_its_end(hills, tmp_path):
    study, recorded = searched(tmp_path, minutes=1e-9, trials=None)
    assert [trial.state for trial in recorded] == ["done"]
    assert study.best.number == 0


def test_a_search_that_was_broken_off_goes_on_and_repeats_nothing(hills, tmp_path):
    whole, _ = searched(tmp_path / "whole")
    hills.tried.clear()

    def power_cut(number, progress):
        if number == 4:
            raise KeyboardInterrupt

    hills.evaluating = power_cut
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "broken")
    hills.evaluating = lambda number, progress: None
    again, recorded = searched(tmp_path / "broken")
    assert [trial.state for trial in again.trials] == ["done"] * 4 + ["failed"] + ["done"] * 3
    assert again.trials[4].error == "the search was broken off"
    assert len(hills.tried) == 8 and len({tried["x"] for tried in hills.tried}) == 8
    assert again.id != whole.id
    assert [trial.params for trial in again.trials[:5]] == [trial.params for trial in whole.trials[:5]]
    assert recorded == again.trials  # those from before the break are told again, for a record that missed some


def test_a_search_that_is_complete_asks_nothing_more(hills, tmp_path):
    first, _ = searched(tmp_path)
    known = first.id, first.trials
    again, _ = searched(tmp_path)
    assert len(hills.tried) == 8
    assert (again.id, again.trials) == known


def test_the_same_seed_tries_the_same_and_another_seed_something_else(hills, tmp_path):
    first, same, other = (searched(tmp_path / str(n), seed=seed)[0] for n, seed in enumerate((1, 1, 2)))
    assert [trial.params for trial in first.trials] == [trial.params for trial in same.trials]
    assert [trial.params for trial in first.trials[1:]] != [trial.params for trial in other.trials[1:]]


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(hills, tmp_path):
    def breaks(number, progress):
        if number == 2:
            raise MemoryError("too large")

    hills.evaluating = breaks
    study, recorded = searched(tmp_path, trials=5)
    assert [trial.state for trial in recorded] == ["done", "done", "failed", "done", "done"]
    assert recorded[2].error == "MemoryError: too large"
    assert study.best.score >= recorded[0].score


def test_when_every_trial_fails_the_search_says_so_and_why(hills, tmp_path):
    def breaks(number, progress):
        if number:
            raise MemoryError("too large")

    hills.evaluating = breaks
    with pytest.raises(SearchFailed, match="all 10 trials but the default failed; the last: MemoryError: too large"):
        searched(tmp_path, trials=None)
    assert len(hills.tried) == 11


def test_where_the_default_cannot_be_evaluated_its_own_error_is_told(hills, tmp_path):
    def breaks(number, progress):
        raise ValueError("two columns are missing")

    hills.evaluating = breaks
    with pytest.raises(ValueError, match="two columns are missing"):
        searched(tmp_path)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (("recomender", None, 1, None), UnknownModel, "choose one of recommender, demand-forecaster, leaf-disease"),
        (("recommender", "svd", 1, None), UnknownAlgorithm, "has no algorithm 'svd'; choose one of hybrid"),
        (("demand-forecaster", "lstm", 1, None), UnknownAlgorithm, "has no algorithm 'lstm'; choose one of prophet"),
        (("leaf-disease", "vit", 1, None), UnknownAlgorithm, "no algorithm 'vit'"),
        (("recommender", "popularity", 1, None), CannotTune, "popularity has no hyperparameters to search; choose one"),
        (("demand-forecaster", "naive", 1, None), CannotTune, "naive has no hyperparameters .* choose one of prophet"),
        (("recommender", None, -1, None), CannotTune, "minutes: -1 is no time"),
        (("recommender", None, float("nan"), None), CannotTune, "minutes: nan"),
        (("recommender", None, 1, 0), CannotTune, "trials: 0 is too few"),
        (("recommender", None, 1, None, -1), CannotTune, "seed: -1 is negative"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(asked, error, words):
    with pytest.raises(error, match=words):
        search.planned(*asked)


class Run:
    """A parent run that is a list."""

    run_id, url = "r1", "http://mlflow/r1"

    def __init__(self):
        self.trials, self.kept = [], None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def add(self, trial):
        self.trials.append(trial)

    def finish(self, summary, figures, pictures):
        self.kept = summary, figures, pictures


class Registry:
    def __init__(self):
        self.opened, self.run = [], Run()

    def open_search(self, search):
        self.opened.append(search)
        return self.run


@pytest.fixture
def flow(hills, monkeypatch, tmp_path):
    """The flow without a Prefect server: its steps are plain functions, its world is in memory."""
    from flows import ports, tune

    known = TrainingSet(None, snapshot("hills", "c0ffee" * 8), ContractResult("hills", (), 20, 0.0))
    registry = Registry()
    trained = []
    for step in ("open_run", "record", "close_run"):
        monkeypatch.setattr(tune, step, getattr(tune, step).fn)
    monkeypatch.setattr(tune, "one_at_a_time", lambda name: contextlib.nullcontext())
    monkeypatch.setattr(ports, "connect", lambda: types.SimpleNamespace(registry=registry))
    made = types.SimpleNamespace(run=tune.tune.fn, registry=registry, trained=trained, known=known)
    monkeypatch.setattr(tune, "training_set", lambda env, model, moment: made.known)
    monkeypatch.setattr(catalogue, "find", lambda name: lambda **given: trained.append((name, given)) or {"version": 7})
    monkeypatch.setenv("AGRO_TUNING_STUDIES", str(tmp_path / "studies"))
    return made


def snapshot(kind, content_hash):
    """A snapshot that was hashed."""
    said = {"kind": kind, "content_hash": content_hash}
    return types.SimpleNamespace(content_hash=content_hash, rows=20, lineage=lambda: said)


def test_the_flow_tells_what_it_found_and_registers_nothing(flow):
    outcome = flow.run("hills", trials=15, minutes=1)
    summary, figures, pictures = flow.registry.run.kept
    assert outcome["params"].keys() == {"x", "steps", "seed"}
    assert outcome["default"] == {"params": {"x": 0.2, "steps": 3, "seed": 0}, "score": pytest.approx(0.5)}
    assert outcome["best"]["score"] > outcome["default"]["score"] and outcome["surely_better"]
    assert outcome["trials"] == {"done": 15, "failed": 0, "pruned": 0}
    assert (outcome["run_id"], outcome["url"]) == ("r1", "http://mlflow/r1")
    assert len(flow.registry.run.trials) == 15
    assert summary.items() <= outcome.items()
    assert figures["gain/mid"] == outcome["gain"]["mid"]
    assert pictures.keys() == {"optimisation_history.png", "parameter_importances.png"}
    assert flow.trained == []


def test_the_flow_asked_again_goes_on_in_the_same_run(flow, hills):
    first = flow.run("hills", trials=4)
    again = flow.run("hills", trials=6)
    assert (first["trials_before"], again["trials_before"]) == (0, 4)
    assert again["trials"]["done"] == len(hills.tried) == 6
    keys = {search.key for search in flow.registry.opened}
    assert len(keys) == 1
    flow.run("hills", trials=4, seed=1)
    assert len({search.key for search in flow.registry.opened}) == 2


def test_another_catalogue_is_another_search_and_stands_in_its_lineage(flow):
    for content_hash in ("ca7" * 20, "d06" * 20):
        flow.known = replace(flow.known, beside={"catalogue": snapshot("catalogue", content_hash)})
        assert flow.run("hills", trials=2)["catalogue"] == content_hash
    first, second = flow.registry.opened
    assert first.key != second.key
    assert first.dataset["catalogue"] == {"kind": "catalogue", "content_hash": "ca7" * 20}
    assert first.dataset["contract"]["passed"]


def test_with_train_the_training_flow_gets_the_best_hyperparameters_on_the_same_rows(flow):
    outcome = flow.run("hills", trials=5, train=True)
    ((name, given),) = flow.trained
    assert (name, given["algorithm"], given["params"]) == ("train-hills", "hill", outcome["params"])
    assert given["as_of"].tzinfo is not None
    assert outcome["training"] == {"version": 7}


def test_progress_moves_on_and_names_the_best(hills, tmp_path):
    told = []
    searched(tmp_path, progress=lambda share, doing: told.append((share, doing)))
    assert all(earlier[0] <= later[0] for earlier, later in itertools.pairwise(told))
    assert told[-1][1].startswith("trial 7: best 0.")
