import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.errors import BadData, UnknownAlgorithm
from models.forecasting import link, prophet
from models.forecasting.calendar import calendar
from models.forecasting.family import FAMILY as family
from models.forecasting.panel import lay

CONFIG = prophet.ProphetConfig()


def test_the_numpy_curve_equals_prophets_own_prediction_from_the_saved_json(fitted):
    from prophet.serialize import model_from_dict

    forecaster = fitted.forecaster.of("beans").forecaster
    own = model_from_dict(json.loads(json.dumps(forecaster.to_json()["prophet"])))
    ds = pd.date_range("2024-01-10", periods=160, freq="D")
    promo = (np.arange(160) % 5 == 0).astype(float)
    theirs = own.predict(pd.DataFrame({"ds": ds, "known_promo": promo}))["yhat"].to_numpy()
    ours = forecaster.expect(ds.to_numpy().astype("datetime64[s]"), {"known_promo": promo})
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("step_days", "span_days", "expected"),
    [
        (1.0, 13, {}),
        (1.0, 14, {"weekly": 3}),
        (1.0, 729, {"weekly": 3}),
        (1.0, 731, {"yearly": 4, "weekly": 3}),
        (7.0, 1200, {"yearly": 4}),
        (30.4, 1200, {"yearly": 4}),
        (1 / 24, 14, {"weekly": 3, "daily": 4}),
    ],
)
def test_seasons_follow_the_sampling_interval_and_the_length_of_the_history(step_days, span_days, expected):
    """Guards P22."""
    assert prophet.seasons(step_days, span_days, CONFIG) == expected


def test_no_forecast_or_bound_is_negative_where_the_history_has_no_negative_value():
    """Guards P22."""
    days = pd.date_range("2024-01-01", periods=60)
    falling = pd.DataFrame({"series_id": "a", "ds": days, "y": np.linspace(59, 0, 60)})
    for asked in ("auto", "identity", "log1p"):
        model = family.fit(falling, family.default_recipe("prophet", link=asked))
        points = model.answer({"series_id": "a", "periods": 60})["points"]
        assert min(point["lower"] for point in points) >= 0


def test_a_history_with_negative_values_may_go_on_below_zero():
    days = pd.date_range("2024-01-01", periods=60)
    falling = pd.DataFrame({"series_id": "a", "ds": days, "y": np.linspace(29, -30, 60)})
    points = family.fit(falling, family.default_recipe("prophet")).answer({"series_id": "a"})["points"]
    assert points[-1]["yhat"] < -30


def test_training_rows_stay_out_of_the_artifact(fitted):
    history = json.loads(fitted.forecaster.of("apples").forecaster.to_json()["prophet"]["history"])
    assert len(history["data"]) == 2


def test_a_short_history_is_continued_naively():
    days = pd.date_range("2024-01-01", periods=5)
    model = family.fit(
        pd.DataFrame({"series_id": "a", "ds": days, "y": np.arange(5.0)}), family.default_recipe("prophet")
    )
    answer = model.answer({"series_id": "a", "periods": 1})
    assert answer["algorithm"] == "naive" and answer["points"][0]["yhat"] == pytest.approx(4.0)
    assert model.notes["continued_naively"] == ["a"]


def test_an_optimiser_that_fails_leaves_a_naive_forecast(panel_frame):
    def fail(*_):
        raise RuntimeError("no convergence")

    learner = replace(prophet.PROPHET.fit, fit=fail)
    fit = learner.one(lay(panel_frame).series[0], calendar(1.0), CONFIG)
    assert fit.forecaster.algorithm == "seasonal_naive"


def test_links_undo_themselves():
    y = np.array([0.0, 1.0, 7.0])
    for name in link.LINKS:
        np.testing.assert_allclose(link.from_link(link.to_link(y, name), name, True), y)


def test_unknown_algorithms_and_hyperparameters_are_refused_by_name():
    with pytest.raises(UnknownAlgorithm, match=r"'oracle'.*prophet, seasonal_naive, naive"):
        family.default_recipe("oracle")
    with pytest.raises(BadData, match="prophet has no hyperparameter 'n_trees'; it has changepoint_prior_scale, n_ch"):
        family.default_recipe("prophet", n_trees=3)
