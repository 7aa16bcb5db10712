"""Every label has advice, and every advice says who gives it."""

import pytest

from features.synthetic_leaves import CLASSES, LESIONS
from models.disease.leaves import condition
from models.disease.treatments import advice, advices

PHOTOGRAPHED = (
    "bean__healthy bean__rust cherry__healthy cherry__powdery_mildew coffee__healthy coffee__rust corn__healthy "
    "corn__leaf_blight corn__rust pepper__bacterial_spot pepper__healthy potato__leaf_blight "
    "strawberry__powdery_mildew tomato__bacterial_spot tomato__healthy"
).split()


@pytest.mark.parametrize("label", sorted({*CLASSES, *PHOTOGRAPHED, "unsure"}))
def test_every_label_has_treatment_prevention_and_a_source(label):
    """Guards P28."""
    given = advice(label)
    assert given != advices().general
    assert min(len(given.treatment), len(given.prevention), len(given.source)) > 30


def test_every_label_of_the_real_photographs_has_advice_of_its_condition(shared_data):
    """Guards P28."""
    labels = {folder.name for folder in (shared_data / "leaves").iterdir() if folder.is_dir()}
    assert labels and all(condition(label) in advices().conditions for label in labels)


def test_every_condition_that_is_drawn_has_advice():
    """Guards P28."""
    assert set(LESIONS) <= set(advices().conditions)


def test_an_unknown_condition_gets_general_advice_and_an_unknown_crop_its_conditions():
    assert advice("fig__mosaic") == advices().general
    assert advice("fig__rust") == advices().conditions["rust"]


def test_every_source_names_a_publisher_and_a_place_to_read_it():
    everything = [advices().unsure, advices().general, *advices().conditions.values(), *advices().labels.values()]
    for given in everything:
        assert any(word in given.source for word in ("University", "Extension", "Society", "Cornell")), given.source
        assert "http" in given.source or "DOI" in given.source or "Note" in given.source, given.source
