"""Somebody else's package: installed beside ours, it adds a family with a kind of data and an algorithm of a family.

Its loop is turned by our commands in a process that finds it, against the servers of the tests; no file of ours knows
of it.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from bentos import command
from bentos.bento import find
from bentos.settings import ServingSettings
from features import synthetic
from tests.ports import free_port
from tests.programs import ROOT, started

PACKAGE = ROOT / "tests" / "own_model"
PAGE = ROOT / "docs" / "your-own-model.md"
FIELDS = 30
COMMANDS = """
import json, sys
from datetime import UTC, datetime, timedelta
from typer.testing import CliRunner
from agro.main import app

def agro(*arguments):
    answer = CliRunner().invoke(app, [*arguments, "--json"])
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return json.loads(answer.stdout)

soil, demand, prefect_yaml = sys.argv[1:]
now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
from flows.locks import create_slots
from flows.runtime import connect_prefect
connect_prefect()
create_slots(["ingest", "package", "predict", "train-soil-moisture", "train-demand-forecaster"])
said = {"migrated": agro("migrate"), "loaded": agro("ingest", "soil", soil)["files"][0]}
said["trained"] = agro("train", "soil-moisture")
said["promoted"] = agro("promote", "soil-moisture")
said["versions"] = agro("models", "soil-moisture")
said["batch"] = agro("predict", "soil-moisture")
said["again"] = agro("reproduce", "soil-moisture")
said["packaged"] = agro("package", "soil-moisture")
said["broken"] = agro("quarantine", "soil", "--dry-run")
from features.drift_windows import reference_and_week
from flows.ports import connect_store
weeks = reference_and_week(connect_store()[0], "soil", now - timedelta(days=20), now)
said["weeks"] = [[list(part.columns), part["event_time"].max().isoformat(), len(part)] for part in weeks]
agro("ingest", "demand", demand)
said["joined"] = agro("train", "demand-forecaster", "--algorithm", "last_days", "--params", '{"days": 14}')
said["joined_batch"] = agro("predict", "demand-forecaster", "--version", str(said["joined"]["version"]))
from bentos import other_packages
said["in_its_bento"] = [str(place) for place, _ in other_packages.files("demand-forecaster")]
import yaml
from flows import prefect_setup, train
said["deployments"] = yaml.safe_load(prefect_setup.completed(open(prefect_yaml).read(), "local"))["deployments"]
said["flow"] = getattr(train, said["deployments"][-1]["entrypoint"].split(":")[1]).name
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The package, installed into a folder of its own."""
    source, target = (tmp_path_factory.mktemp("own_model") / name for name in ("source", "installed"))
    shutil.copytree(PACKAGE, source)
    told = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--python", sys.executable, "--offline", "-q"]
    subprocess.run([*told, "--no-deps", "--no-build-isolation", "--target", str(target), str(source)], check=True)
    return target


@pytest.fixture(scope="module")
def world(installed, clickhouse, mlflow_settings, prefect_server, tmp_path_factory):
    """What a process has to know to find the package and the servers."""
    home = tmp_path_factory.mktemp("home")
    return os.environ | {
        "PYTHONPATH": f"{installed}:{ROOT}",
        "AGRO_HOME": str(home),
        "AGRO_CLICKHOUSE_PORT": str(clickhouse.port),
        "AGRO_CLICKHOUSE_DATABASE": "own_model",
        "AGRO_MLFLOW_PORT": str(mlflow_settings.port),
        "AGRO_PREFECT_PORT": str(prefect_server.port),
        "PREFECT_HOME": str(prefect_server.home),
        "OMP_NUM_THREADS": "1",
    }


def samples(path):
    """Moisture of fields that differ; one row breaks a rule of the kind."""
    random = np.random.default_rng(0)
    days = pd.date_range(pd.Timestamp.now("UTC").floor("D") - pd.Timedelta(days=60), periods=50)
    means = random.uniform(10, 60, FIELDS)
    rows = [(f"f{i}", day.isoformat(), random.normal(means[i], 2)) for day in days for i in range(FIELDS)]
    rows[7] = ("f7", days[0].isoformat(), 250.0)
    pd.DataFrame(rows, columns=["field_id", "timestamp", "moisture"]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def said(world, tmp_path_factory):
    """What each command said."""
    folder = tmp_path_factory.mktemp("data")
    harvest = synthetic.Harvest(series=3, days=120)
    pq.write_table(synthetic.daily_demand(harvest), folder / "demand.parquet")
    given = [str(samples(folder / "soil.csv")), str(folder / "demand.parquet"), str(ROOT / "prefect.yaml")]
    answer = subprocess.run(
        [sys.executable, "-c", COMMANDS, *given], cwd=folder, env=world, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout)


def test_its_table_is_made_its_rows_are_judged_and_its_model_passes_the_gate(said):
    assert "made soil_samples of the kind soil" in said["migrated"]["done"]
    loaded = said["loaded"]
    assert said["packaged"]["checked"] == 5
    assert (loaded["inserted"], loaded["rejected"]) == (50 * FIELDS - 1, 1)
    assert loaded["reasons"][0]["reason"] == "moisture breaks the rule that it is from 0 to 100"
    assert said["trained"]["gate"]["outcome"] == "passed"
    assert said["trained"]["metrics"]["mae"] < said["trained"]["baselines"]["overall_mean"]["mae"]
    assert said["promoted"]["champion"] == said["trained"]["version"]
    assert "champion" in said["versions"][0]["aliases"]


def test_it_answers_in_advance_and_is_reproduced_like_ours(said):
    assert (said["batch"]["answered"], said["batch"]["refused"]) == (FIELDS, 0)
    assert said["again"]["same"] and said["again"]["differ"] == []


def test_its_rows_are_compared_week_by_week_and_asked_for_broken_ones(said):
    (columns, before, _), (_, last, rows) = said["weeks"]
    assert columns == ["event_time", "field_id", "moisture"]
    assert (datetime.fromisoformat(last) - datetime.fromisoformat(before)).days == 7
    assert rows == 7 * FIELDS
    assert said["broken"] == {"would_move": []}


def test_its_bento_serves_without_the_package_being_installed(said, world, tmp_path):
    home = Path(world["AGRO_HOME"]) / "bentoml"
    settings, port = ServingSettings(home=home, spool=tmp_path, log_predictions=False), free_port()
    bento = find(said["packaged"]["tag"], home)
    environment = command.inherited(bento, settings) | {"AGRO_SERVING_LOG_PREDICTIONS": "false"}
    with started(command.command(port, settings), environment, tmp_path / "log", bento.source):
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        while not _ready(client):
            time.sleep(0.1)
        answer = client.post("/api/v1/soil-moisture", json={"field_id": "f3"})
        unknown = client.post("/api/v1/soil-moisture", json={"field_id": "nowhere"})
    assert answer.status_code == 200
    assert 0 < answer.json()["moisture"] < 70
    assert answer.json()["model_version"] == str(said["trained"]["version"])
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "field_id")


def _ready(client):
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_its_algorithm_is_trained_and_served_in_a_family_of_ours(said):
    assert said["joined"]["algorithm"] == "last_days"
    assert said["joined_batch"]["answered"] + said["joined_batch"]["refused"] == 3
    assert "own_model/last_days.py" in said["in_its_bento"]
    assert "own_model-1.0.dist-info/entry_points.txt" in said["in_its_bento"]


def test_its_training_gets_a_deployment_and_its_names_stand_in_the_help(said, world):
    *ours, its = said["deployments"]
    assert ours == yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert (its["name"], its["schedules"][0]["interval"]) == ("train-soil-moisture", 86400)
    assert said["flow"] == "train-soil-moisture"
    for name, words in {"ingest": "or soil.", "train": "or soil-moisture."}.items():
        command_line = [sys.executable, "-m", "agro.main", name, "--help"]
        shown = subprocess.run(command_line, cwd=ROOT, env=world, capture_output=True, text=True).stdout
        assert words in " ".join(shown.split())


def test_the_page_shows_the_very_files():
    text = PAGE.read_text()
    for path in [PACKAGE / "pyproject.toml", *sorted((PACKAGE / "own_model").glob("*.py"))]:
        assert path.read_text().strip() in text, f"{path.name} is not in {PAGE.name} as it is"
