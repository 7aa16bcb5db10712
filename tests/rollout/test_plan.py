import pytest
from pydantic import ValidationError

from rollout.plan import STAKES, Plan


def test_the_environment_sets_the_steps_between_commas(monkeypatch):
    monkeypatch.setenv("AGRO_ROLLOUT_STEPS", "10, 50")
    monkeypatch.setenv("AGRO_ROLLOUT_BAKE_S", "7")
    plan = Plan()
    assert plan.weights == (0, 10, 50)
    assert plan.bake_s == 7
    assert [plan.name(step) for step in range(4)] == ["shadow", "10 %", "50 %", "live"]


def test_without_shadow_the_first_step_has_callers():
    assert Plan(shadow=False).weights == (5, 25, 50, 100)


@pytest.mark.parametrize("steps", ["", "25,5", "5,5", "0,50", "5,101", "five"])
def test_steps_that_do_not_rise_are_refused_with_what_to_write(steps):
    with pytest.raises(ValidationError, match="steps"):
        Plan(steps=steps)


def test_a_plan_that_was_kept_is_not_changed_by_the_environment(monkeypatch):
    kept = Plan(bake_s=1).model_dump_json()
    monkeypatch.setenv("AGRO_ROLLOUT_BAKE_S", "99")
    assert Plan.model_validate_json(kept).bake_s == 1


@pytest.mark.parametrize("shadow", [True, False])
def test_all_stakes_and_purses_together_are_one(shadow):
    plan = Plan(shadow=shadow)
    assert sum(STAKES.values()) == pytest.approx(1)
    assert plan.purses.sum() == pytest.approx(1)
    assert plan.purses.argmax() == plan.weights.index(5)
