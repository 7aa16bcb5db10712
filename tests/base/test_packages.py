"""A package of somebody else's that is broken: what stops, and what goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def broken(tmp_path):
    """An environment with a package whose entry point cannot be imported."""
    folder = tmp_path / "broken-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[agrologistic.families]\nsoil = nowhere:MODEL\n")
    return os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}


def python(environment, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_command_names_it_and_says_what_to_do(broken):
    answer = python(broken, "-m", "agro.main", "models", "soil")
    assert answer.returncode == 2
    assert "agro: entry point soil = nowhere:MODEL of broken cannot be imported (ModuleNotFoundError" in answer.stderr
    assert "mend that package or uninstall it" in answer.stderr


def test_help_is_shown_and_our_own_models_are_served_all_the_same(broken):
    assert "Usage: " in python(broken, "-m", "agro.main", "train", "--help").stdout
    code = "from bentos.settings import ServingSettings; from models.families import family; "
    code += "print(ServingSettings().port('recommender'), family('recommender').name)"
    assert python(broken, "-c", code).stdout.split() == ["3001", "recommender"]
