"""What every family has from its base, and how another package's algorithm joins one."""

from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from base import packages
from base.packages import BadPackage
from models.algorithm import Algorithm
from models.errors import BadData, UnknownAlgorithm
from models.evaluation import Recipe
from models.family import Family


class Config(BaseModel, extra="forbid"):
    epochs: int = 3
    reg: float | None = None
    seed: int = 0


def record(name, **other):
    return Algorithm(name, Config, fit=None, load=None, **other)


class Tiny(Family):
    """Counts, for tests."""

    name, default, primary, better = "tiny", "count", "height", "higher"
    own = (record("count", random=True), record("fixed"))
    read = learn = training_part = load = golden = None

    def run_protocol(self, data, recipes, protocol, progress):
        progress(1.0, "done")
        return [(recipe, protocol) for recipe in recipes]


@pytest.fixture
def tiny():
    return Tiny()


class Point(SimpleNamespace):
    def load(self):
        return self.found


@pytest.fixture
def installed(monkeypatch):
    """Entry points of other packages, by name."""

    def install(**points):
        made = [
            Point(name=k.replace("__", "."), value=f"pkg:{k}", dist=None, found=found) for k, found in points.items()
        ]
        monkeypatch.setattr(packages, "entry_points", lambda group: made if group == "agrologistic.algorithms" else [])

    return install


def test_a_default_recipe_says_every_default_and_leaves_open_what_is_chosen(tiny):
    assert tiny.default_recipe() == Recipe(algorithm="count", params={"epochs": 3, "seed": 0})
    assert tiny.default_recipe("fixed", reg=2).params == {"epochs": 3, "reg": 2.0, "seed": 0}


def test_an_unknown_algorithm_or_hyperparameter_is_refused_by_name_with_the_nearest_that_there_is(tiny):
    with pytest.raises(UnknownAlgorithm, match="tiny has no algorithm 'counts'; choose one of count, fixed; did you m"):
        tiny.default_recipe("counts")
    wrong = Recipe(algorithm="count", params={"epoch": 3})
    for ask in (tiny.evaluate, tiny.fit):
        with pytest.raises(BadData, match="'epoch'; it has epochs, reg, seed; did you mean 'epochs'"):
            ask(None, wrong)


def test_only_what_draws_at_random_is_reseeded(tiny):
    assert tiny.reseeded(tiny.default_recipe("count"), 7).params["seed"] == 7
    assert tiny.reseeded(tiny.default_recipe("fixed"), 7) is None


def test_what_an_evaluation_chose_is_written_into_the_recipe_and_nothing_else(tiny):
    evaluation = SimpleNamespace(protocol={"chosen": {"reg": 9.0, "mood": "good"}})
    assert tiny.settled(tiny.default_recipe(), evaluation).params == {"epochs": 3, "seed": 0, "reg": 9.0}
    assert tiny.settled(tiny.default_recipe(), SimpleNamespace(protocol={})) == tiny.default_recipe()


def test_equal_recipes_are_computed_once_and_come_back_in_order(tiny):
    a, b = tiny.default_recipe("count"), tiny.default_recipe("fixed")
    found = tiny.evaluate(None, [b, a, b], protocol={"k": 1})
    assert found == [(b, {"k": 1}), (a, {"k": 1}), (b, {"k": 1})]
    assert found[0] is found[2]
    assert tiny.evaluate(None, a) == [(a, {})]


def test_the_docstring_is_what_the_card_says(tiny):
    assert tiny.about == "Counts, for tests."


def test_another_packages_algorithm_joins_the_family_it_names(installed, tiny):
    installed(tiny__mean=record("mean"), other__sum=record("sum"))
    assert list(tiny.algorithms) == ["count", "fixed", "mean"]
    assert tiny.default_recipe("mean").params == {"epochs": 3, "seed": 0}


def test_another_familys_packages_are_not_imported(installed, tiny, monkeypatch):
    monkeypatch.setattr(Point, "load", lambda self: pytest.fail("it was imported"))
    installed(other__sum=None)
    assert list(tiny.algorithms) == ["count", "fixed"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("text", "tiny.mean = pkg:tiny__mean of a package is a str; give an Algorithm"),
        (record("count"), "tiny has an algorithm count already; give it another name"),
    ],
)
def test_an_algorithm_that_cannot_join_is_refused_by_its_address(installed, tiny, found, words):
    installed(tiny__mean=found)
    with pytest.raises(BadPackage, match=words):
        tiny.algorithm("count")


def test_checks_pictures_and_batches_are_empty_unless_a_family_has_some(tiny):
    assert tiny.checks(SimpleNamespace(behind=[])) == ((), ())
    assert tiny.pictures(None, None) == {}
    assert list(tiny.batch_requests(None)) == []
