"""Drawn leaves: told apart by the shape and texture of lesions, never by colour."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from features.synthetic_leaves import CLASSES, LESIONS, SHAPES, draw


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("leaves")
    assert draw(folder, per_class=40, seed=3) == 40 * len(CLASSES)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*.jpg")}


def colours(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    files = sorted(folder.rglob("*.jpg"))
    means = np.array([np.asarray(Image.open(file)).mean(axis=(0, 1)) for file in files])
    return means, np.array([file.parent.name for file in files])


def test_every_class_has_its_folder_and_its_images(drawn):
    assert sorted(folder.name for folder in drawn.iterdir()) == sorted(CLASSES)
    assert all(len(list((drawn / label).glob("*.jpg"))) == 40 for label in CLASSES)
    assert Image.open(next((drawn / CLASSES[0]).iterdir())).size == (112, 112)


def test_no_two_images_are_the_same(drawn):
    assert len(set(digests(drawn).values())) == 40 * len(CLASSES)


def test_the_same_seed_draws_the_same_bytes_whatever_else_is_drawn(tmp_path):
    draw(tmp_path / "a", ["corn__rust"], per_class=3, seed=5)
    draw(tmp_path / "b", ["bean__healthy", "corn__rust"], per_class=4, seed=5)
    few, more = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert all(more[name] == digest for name, digest in few.items())
    draw(tmp_path / "c", ["corn__rust"], per_class=3, seed=6)
    assert not set(digests(tmp_path / "c").values()) & set(few.values())


@pytest.mark.parametrize("peer", ["centroid", "logistic", "forest"])
def test_a_classifier_that_sees_the_mean_colour_alone_stays_under_60_percent(drawn, peer):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.neighbors import NearestCentroid

    means, labels = colours(drawn)
    classifier = {
        "centroid": NearestCentroid(),
        "logistic": LogisticRegression(max_iter=500),
        "forest": RandomForestClassifier(50, random_state=0),
    }[peer]
    assert cross_val_score(classifier, (means - means.mean(0)) / means.std(0), labels, cv=4).mean() < 0.4


def test_every_crop_can_have_every_condition(tmp_path):
    labels = [f"{crop}__{condition}" for crop in SHAPES for condition in LESIONS]
    assert draw(tmp_path, labels, per_class=2, size=96) == 2 * len(labels)


def test_a_class_that_cannot_be_drawn_is_named(tmp_path):
    with pytest.raises(ValueError, match="cannot draw 'apple__scab'"):
        draw(tmp_path, ["apple__scab"])
