"""A command that ran a flow leaves nothing to send, and a fresh shell knows the server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.settings import PrefectSettings

ROOT = Path(__file__).parents[2]
RUNS_A_FLOW = """
import threading
from agro import runs
from flows import catalogue
from flows.runtime import connect_prefect
connect_prefect()
import prefect

@prefect.flow
def says():
    prefect.get_run_logger().info("said")

catalogue.find = lambda name: says
runs.run_flow("says", "says")
print(*(thread.name for thread in threading.enumerate() if "Worker" in thread.name))
"""


def python(code, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=120
    )


def test_when_a_command_has_run_a_flow_nothing_waits_for_the_server_any_more(prefect_server, tmp_path):
    answer = python(RUNS_A_FLOW, AGRO_PREFECT_PORT=str(prefect_server.port), AGRO_HOME=str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == ""


@pytest.mark.parametrize("environment", [{}, {"PREFECT_API_URL": "http://127.0.0.1:4999/api"}])
def test_a_fresh_shell_in_the_checkout_knows_the_server_and_the_environment_wins(environment, monkeypatch):
    monkeypatch.delenv("AGRO_PREFECT_PORT", raising=False)
    answer = python("from prefect.settings import PREFECT_API_URL\nprint(PREFECT_API_URL.value())", **environment)
    assert answer.stdout.strip() == environment.get("PREFECT_API_URL", PrefectSettings().url), answer.stderr
