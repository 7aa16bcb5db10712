"""What the drift check compares, against the real engine: a week and the weeks before it."""

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from features import leaf_statistics, synthetic
from features.drift_windows import reference_and_week
from features.errors import EmptyTrainingSet, UnknownKind
from features.images import ImageStore
from features.leaf_statistics import STATISTICS, image_statistics, statistics_of
from features.synthetic import Harvest, Market
from tests.fixtures import rows

MARKET = Market(users=20, purchases_per_user=30, days=56, start=datetime(2026, 1, 5, tzinfo=UTC))
WEEK_START = MARKET.start + timedelta(days=42)
NOW = MARKET.start + timedelta(days=60)


@pytest.fixture
def store(empty_store):
    return empty_store


@pytest.fixture
def sold(store):
    store.insert("items", rows.items(synthetic.items(MARKET).slice(6), MARKET.start))  # the first six are unknown
    store.insert("product_events", rows.product_events(synthetic.purchases(MARKET), NOW))
    return synthetic.purchases(MARKET).to_pandas()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_the_week_is_seven_days_and_the_reference_all_before_it(store, sold):
    reference, week = reference_and_week(store, "interactions", WEEK_START, NOW, known_at=NOW)
    assert len(reference) == (sold["timestamp"] < WEEK_START).sum()
    assert len(week) == sold["timestamp"].between(WEEK_START, WEEK_START + timedelta(days=7), inclusive="left").sum()
    assert reference["event_time"].max() < WEEK_START <= week["event_time"].min()
    assert reference.columns.tolist() == week.columns.tolist()


def test_nothing_from_as_of_on_is_in_the_week(store, sold):
    as_of = WEEK_START + timedelta(days=2)
    _, week = reference_and_week(store, "interactions", WEEK_START, as_of, known_at=NOW)
    assert week["event_time"].max() < as_of


def test_the_reference_goes_back_as_many_weeks_as_asked(store, sold):
    reference, _ = reference_and_week(store, "interactions", WEEK_START, NOW, known_at=NOW, reference_weeks=2)
    assert reference["event_time"].min() >= WEEK_START - timedelta(days=14)
    assert len(reference) == sold["timestamp"].between(WEEK_START - timedelta(14), WEEK_START, inclusive="left").sum()


def test_events_come_with_hour_weekday_and_department_of_the_item(store, sold):
    reference, _ = reference_and_week(store, "interactions", WEEK_START, NOW, known_at=NOW)
    time = reference["event_time"].dt
    assert (reference["hour_of_day"] == time.hour).all() and (reference["day_of_week"] == time.dayofweek).all()
    before = sold[sold["timestamp"] < WEEK_START]
    unknown = before["item_id"].str[1:].astype(int) < 6
    assert reference["department"].value_counts()["unknown"] == unknown.sum()
    assert set(reference["department"]) == {*synthetic.DEPARTMENTS, "unknown"}


def test_names_are_categories_and_all_else_is_numbers(store, sold):
    reference, _ = reference_and_week(store, "interactions", WEEK_START, NOW, known_at=NOW)
    kinds = reference.dtypes.astype(str).to_dict()
    assert kinds.pop("event_time") == "datetime64[ms, UTC]"
    assert kinds == {
        "event_type": "category",
        "quantity": "float64",
        "price": "float64",
        "hour_of_day": "int64",
        "day_of_week": "int64",
        "department": "category",
    }


def test_demand_comes_with_its_regressors_by_day(store):
    harvest = Harvest(series=3, days=56, start=MARKET.start)
    store.insert("daily_demand", rows.daily_demand(synthetic.daily_demand(harvest), NOW))
    reference, week = reference_and_week(store, "demand", WEEK_START, NOW, known_at=NOW)
    assert len(reference) == 42 * 3 and len(week) == 7 * 3
    regressors = ["known_promo_share", "known_price_usd", "known_temperature_c"]
    assert reference.columns.tolist() == ["event_time", "y", "department", *regressors]
    assert week["event_time"].max() == pd.Timestamp(WEEK_START + timedelta(days=6))


def test_leaves_come_with_how_they_look(store, storage, tmp_path):
    images, cache = ImageStore(storage.images), tmp_path / "cache.parquet"
    dark = {images.put(png(np.full((16, 16, 3), 20 + number))): "bean__rust" for number in range(4)}
    light = {images.put(png(np.full((16, 16, 3), 220 + number))): "corn__healthy" for number in range(3)}
    store.insert("leaf_images", rows.leaf_images(dark, WEEK_START - timedelta(days=3), NOW))
    store.insert("leaf_images", rows.leaf_images(light, WEEK_START, NOW))
    options = {"known_at": NOW, "storage": storage, "cache": cache}
    reference, week = reference_and_week(store, "leaves", WEEK_START, NOW, **options)
    assert reference.columns.tolist() == ["event_time", "label", *STATISTICS]
    assert (len(reference), len(week)) == (4, 3)
    assert reference["brightness"].max() < 0.1 and week["brightness"].min() > 0.8
    assert week["label"].astype(str).unique().tolist() == ["corn__healthy"]


def test_a_week_or_a_reference_without_rows_is_an_error_that_says_which(store, sold):
    with pytest.raises(EmptyTrainingSet, match="the week from 2026-03-30 00:00 UTC holds no interactions"):
        reference_and_week(store, "interactions", MARKET.start + timedelta(days=84), NOW + timedelta(90), known_at=NOW)
    with pytest.raises(EmptyTrainingSet, match="the reference before 2026-01-05 00:00 UTC holds no interactions"):
        reference_and_week(store, "interactions", MARKET.start, NOW, known_at=NOW)


def test_a_kind_without_weeks_is_refused(store):
    with pytest.raises(UnknownKind, match="'weather'"):
        reference_and_week(store, "weather", WEEK_START, NOW)


def test_a_red_and_a_green_picture_look_as_they_should():
    green = np.zeros((8, 8, 3))
    green[..., 1] = 255
    looks = image_statistics(green)
    assert looks["greenness"] == pytest.approx(2.0) and looks["saturation"] == 1.0
    assert looks["brightness"] == pytest.approx(0.587) and looks["contrast"] == pytest.approx(0.0, abs=1e-6)
    assert image_statistics(green[..., [1, 0, 2]])["greenness"] == pytest.approx(-1.0)


def test_half_black_half_white_has_the_most_contrast_there_is():
    halves = np.zeros((8, 8, 3))
    halves[:4] = 255
    assert image_statistics(halves)["contrast"] == pytest.approx(0.5)


def test_blurring_a_picture_raises_its_blur():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    sharp, soft = (image_statistics(np.asarray(image)) for image in (noise, noise.filter(ImageFilter.GaussianBlur(2))))
    assert 0 < sharp["blur"] < soft["blur"] < 1


def test_a_picture_of_one_pixel_has_statistics():
    assert image_statistics(np.full((1, 1, 3), 255))["blur"] == 1.0


def test_statistics_are_measured_once_and_remembered(storage, tmp_path, monkeypatch):
    images, cache = ImageStore(storage.images), tmp_path / "cache" / "looks.parquet"
    ids = [images.put(png(np.full((4, 4, 3), value))) for value in (0, 255)]
    first = statistics_of(ids, images, cache)
    monkeypatch.setattr(leaf_statistics, "_measure", lambda path: pytest.fail(f"measured {path} again"))
    again = statistics_of([ids[1], ids[0], ids[1]], images, cache)
    np.testing.assert_array_equal(again, first.loc[[ids[1], ids[0], ids[1]]])


def test_a_lost_picture_has_no_statistics_and_is_looked_for_again(storage, tmp_path):
    images, cache = ImageStore(storage.images), tmp_path / "looks.parquet"
    image = png(np.full((4, 4, 3), 7))
    image_id = images.put(image)
    images.path(image_id).unlink()
    assert statistics_of([image_id], images, cache).isna().all(axis=None)
    images.put(image)
    assert not statistics_of([image_id], images, cache).isna().any(axis=None)


def test_a_cache_that_is_torn_is_left_aside(storage, tmp_path):
    images, cache = ImageStore(storage.images), tmp_path / "looks.parquet"
    cache.write_bytes(b"PAR1 torn")
    image_id = images.put(png(np.full((4, 4, 3), 7)))
    assert statistics_of([image_id], images, cache)["brightness"].between(0.02, 0.03).all()
