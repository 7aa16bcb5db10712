"""What the services answer is what their own descriptions say, whatever is sent: asked by Schemathesis."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SETTINGS = """
[warnings]
fail-on = true

[generation]
database = "none"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "415", "422"]  # what may be refused with these is told apart in the hooks
"""


def ran(running, folder: Path, examples: int) -> tuple[int, str]:
    """Exit code and report of a run against a service."""
    settings = folder / f"{running.bento.model}.toml"
    settings.write_text(SETTINGS)
    told = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)]
    told += ["run", f"{running.base}/docs.json", "--no-color", "--seed", "1", "--max-examples", str(examples)]
    told += ["--continue-on-failure", "--request-timeout", "30"]
    hooks = {"SCHEMATHESIS_HOOKS": str(HERE / "described_hooks.py"), "PYTHONPATH": str(HERE.parent.parent)}
    done = subprocess.run(told, cwd=folder, env=os.environ | hooks, capture_output=True, text=True, timeout=540)
    return done.returncode, done.stdout[-12_000:] + done.stderr[-2_000:]


def assert_as_described(served, folder, examples):
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda running: ran(running, folder, examples), served.values()))
    for code, report in reports:
        assert code == 0, report
        assert "WARNINGS" not in report, report


def test_no_answer_is_a_fault_or_other_than_described(served, tmp_path):
    """Guards P31 and P34."""
    assert_as_described(served, tmp_path, 10)


@pytest.mark.slow
def test_no_answer_of_thousands_is_a_fault_or_other_than_described(served, tmp_path):
    """Guards P31 and P34."""
    assert_as_described(served, tmp_path, 300)
