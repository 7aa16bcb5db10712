"""The drift flow over all champions on a real Prefect server, and its mail to a real mail server."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from features.errors import EmptyTrainingSet
from flows import drift as module
from flows.errors import ChecksFailed
from models.families import models
from monitoring.drift import assess
from monitoring.settings import DriftSettings

WEEK = datetime(2026, 10, 5, tzinfo=UTC)


@pytest.fixture
def checks(on_prefect, monkeypatch):
    """A registry where every model has a champion; `broken` names those whose week cannot be checked."""
    world = SimpleNamespace(registry=SimpleNamespace(champion=lambda name: 1), broken={})
    monkeypatch.setattr(module.ports, "connect", lambda: world)

    def check(env, model, start, shifts):
        if model in world.broken:
            raise world.broken[model]
        return {"model": model, "verdict": "quiet", "report": f"/reports/{model}.html"}

    monkeypatch.setattr(module, "check_week", check)
    return world


def test_one_model_without_data_hinders_no_other_and_the_run_fails_at_its_end(checks):
    first, *others = models()
    checks.broken[first] = EmptyTrainingSet("the week of 2026-10-05 has no rows")
    with pytest.raises(ChecksFailed, match=f"{first} could not be checked: the week of 2026-10-05 has no rows") as told:
        module.drift(since=WEEK)
    assert [row["model"] for row in told.value.outcome["reports"]] == others
    assert all(f"/reports/{name}.html" in str(told.value) for name in others)
    assert told.value.outcome["failed"] == {first: "the week of 2026-10-05 has no rows"}


def test_all_that_can_be_checked_are_in_the_outcome(checks):
    outcome = module.drift(since=WEEK)
    assert [row["model"] for row in outcome["reports"]] == list(models())
    assert outcome["failed"] == {}


def test_one_model_alone_fails_with_its_own_error(checks):
    checks.broken["recommender"] = EmptyTrainingSet("nothing was bought")
    with pytest.raises(EmptyTrainingSet, match="nothing was bought"):
        module.drift(model="recommender", since=WEEK)


@pytest.fixture
def checked(monkeypatch, mail_server, tmp_path):
    """A week, its alarm and its report."""
    monkeypatch.setenv("AGRO_SMTP_PORT", str(mail_server.port))
    rng = np.random.default_rng(0)
    times = pd.date_range("2026-08-01", periods=2000, freq="h", tz="UTC")
    reference = pd.DataFrame({"event_time": times, "price": rng.normal(5, 1, 2000)})
    current = pd.DataFrame({"event_time": times[:168] + pd.Timedelta("90D"), "price": rng.normal(9, 1, 168)})
    (tmp_path / "drift.png").write_bytes(b"picture")
    (tmp_path / "drift.html").write_text("<html></html>")
    week = module.Week("recommender", 3, WEEK, reference, current)
    return week, assess(reference, current, DriftSettings()), tmp_path / "drift.html"


def test_a_repeated_check_with_the_same_verdict_mails_nobody_again(checked, mail_server):
    week, result, page = checked
    assert result.alarm
    assert module.write_to_people.fn(week, result, page, []).startswith("sent to")
    assert "mailed before" in module.write_to_people.fn(week, result, page, [])
    assert len(mail_server.mails()) == 1


def test_another_verdict_version_or_shift_is_mailed(checked, mail_server):
    week, result, page = checked
    module.write_to_people.fn(week, result, page, [])
    module.write_to_people.fn(week, replace(result, rows_reason="half of the rows are missing"), page, [])
    module.write_to_people.fn(replace(week, version=4), result, page, [])
    module.write_to_people.fn(week, result, page, ["price:2"])
    assert len(mail_server.mails()) == 4
