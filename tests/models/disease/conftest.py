import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


class Trained:
    """A tiny model, the folder it learned from and what its training reported."""

    def __init__(self, folder: Path) -> None:
        self.leaves = folder / "leaves"
        self.model = folder / "model"
        self.twin = folder / "twin"
        self.report = json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    folder = tmp_path_factory.mktemp("disease")
    (folder / "cwd").mkdir()
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("train_tiny.py")), str(folder)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    return Trained(folder)
