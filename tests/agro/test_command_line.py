import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

AGRO = str(Path(sys.executable).parent / "agro")


def agro(*arguments, **environment):
    return subprocess.run(
        [AGRO, *arguments], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def processor_s():
    """What the processes started from here have used of the processor, whoever else computes on this machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_answers_in_under_half_a_second_and_names_every_command():
    took = []
    for _ in range(5):
        before = processor_s()
        answer = agro("--help")
        took.append(processor_s() - before)
    assert min(took) < 0.5
    named = (
        "demo up down doctor ingest train tune evaluate promote rollback models package serve drift backfill config "
        "approve predict reproduce migrate quarantine mesh"
    )
    for command in named.split():
        assert f"\n  {command} " in answer.stdout


@pytest.mark.parametrize(
    "module", ["tensorflow", "mlflow", "prefect", "pandas", "great_expectations", "evidently", "optuna"]
)
def test_help_imports_nothing_heavy(module):
    code = "import sys; sys.argv = ['agro', '--help']\nfrom agro.main import app\ntry: app()\nexcept SystemExit: pass\n"
    code += f"sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_config_shows_every_setting_and_no_secret():
    answer = agro("config", "--json", AGRO_CLICKHOUSE_PASSWORD="hunter2", AGRO_MLFLOW_PORT="5055")
    settings = json.loads(answer.stdout)
    assert settings["AGRO_MLFLOW_PORT"] == 5055
    assert "AGRO_CLICKHOUSE_PASSWORD" in settings
    assert "hunter2" not in answer.stdout + answer.stderr


def test_a_setting_out_of_range_is_named_and_exits_with_2():
    answer = agro("config", AGRO_CLICKHOUSE_PORT="99999")
    assert answer.returncode == 2
    assert "port" in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["models"], ["MLflow", "agro up"]),
        (["train", "recommender"], ["Prefect", "agro up"]),
        (["tune", "recommender"], ["Prefect", "agro up"]),
        (["down"], ["no local platform"]),
    ],
)
def test_an_unreachable_service_is_one_line_with_the_remedy_and_exit_code_3(arguments, words, free_port):
    port = str(free_port)
    answer = agro(*arguments, AGRO_MLFLOW_PORT=port, AGRO_PREFECT_PORT=port)
    assert answer.returncode == 3
    assert len(answer.stderr.strip().splitlines()) == 1
    assert all(word in answer.stderr for word in words)


def test_an_unknown_model_is_told_with_the_choices():
    answer = agro("evaluate", "recomender", "--data", "nowhere.csv")
    assert answer.returncode == 2
    assert "recommender, demand-forecaster, leaf-disease" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--minutes", "-1"], "minutes: -1"), (["--algorithm", "popularity"], "choose one of hybrid, collaborative")],
)
def test_a_search_that_makes_no_sense_is_told_before_anything_is_loaded(arguments, words):
    answer = agro("tune", "recommender", "--data", "nowhere.csv", *arguments)
    assert answer.returncode == 2
    assert words in answer.stderr and "nowhere" not in answer.stderr


def test_a_missing_file_is_told_before_anything_starts():
    answer = agro("evaluate", "recommender", "--data", "nowhere.csv")
    assert answer.returncode == 2
    assert "nowhere.csv does not exist" in answer.stderr


def test_evaluate_needs_no_server_and_prints_one_json_document(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["user_id,item_id,timestamp"]
    for user in range(80):  # four groups of buyers, each with ten items of its own
        own = (user % 4) * 10 + rng.permutation(10)
        rows += [f"u{user},i{item},{1_700_000_000 + place}" for place, item in enumerate(own)]
    (tmp_path / "small.csv").write_text("\n".join(rows))
    answer = agro("evaluate", "recommender", "--data", str(tmp_path / "small.csv"), "--json")
    assert answer.returncode == 0, answer.stderr
    (document,) = json.loads(answer.stdout)
    assert document["n"] == 80
    assert document["metrics"]["ndcg@10"] > document["baselines"]["popularity"]["ndcg@10"]


def test_up_names_a_taken_port_and_the_setting_that_moves_it(free_port):
    import socket

    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", free_port))
        squatter.listen()
        answer = agro("up", AGRO_CLICKHOUSE_PORT=str(free_port))
    assert answer.returncode == 2
    assert f"port {free_port} (clickhouse) is taken" in answer.stderr
    assert "AGRO_CLICKHOUSE_PORT" in answer.stderr


def test_doctor_finds_a_taken_port_and_names_the_setting(free_port):
    import socket

    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", free_port))
        squatter.listen()
        answer = agro("doctor", "--json", AGRO_CLICKHOUSE_PORT=str(free_port))
    found = {row["part"]: row for row in json.loads(answer.stdout)}
    assert answer.returncode == 1
    assert "AGRO_CLICKHOUSE_PORT" in found["clickhouse"]["remedy"]
