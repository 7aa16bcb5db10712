import doctest
import http.server
import importlib
import os
import socket
import subprocess
import sys
import threading
import time
from uuid import uuid4

import pytest
import requests

from registry import server
from registry.errors import RegistryUnreachable
from registry.registry import Registry
from registry.settings import MLflowSettings


def test_a_server_that_is_not_there_is_known_at_once_with_address_and_remedy(free_port):
    started = time.monotonic()
    with pytest.raises(
        RegistryUnreachable, match=rf"http://127\.0\.0\.1:{free_port}; start the platform with `agro up`"
    ):
        Registry.connect(MLflowSettings(port=free_port))
    assert time.monotonic() - started < 2


def test_a_server_that_accepts_and_says_nothing_is_given_up_after_the_ping_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = MLflowSettings(port=silent.getsockname()[1], ping_timeout_s=0.3)
        with pytest.raises(RegistryUnreachable):
            Registry.connect(settings)


def test_another_program_on_the_port_is_not_taken_for_mlflow():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(RegistryUnreachable, match=r"no MLflow server .*status 404"):
            Registry.connect(MLflowSettings(port=other.server_address[1]))
        other.shutdown()


def test_a_server_that_goes_away_after_the_connection_is_told_the_same_way(mlflow_settings, monkeypatch, free_port):
    registry = Registry.connect(mlflow_settings)
    monkeypatch.setattr(registry._mlflow, "uri", f"http://127.0.0.1:{free_port}")
    started = time.monotonic()
    with pytest.raises(RegistryUnreachable, match="does not answer"):
        registry.champion("m")
    assert time.monotonic() - started < 15


def test_asking_an_absent_server_does_not_even_import_mlflow(free_port):
    code = (
        "import sys; from registry.registry import Registry; from registry.settings import MLflowSettings\n"
        f"try: Registry.connect(MLflowSettings(port={free_port}))\n"
        "except Exception as exc: print(type(exc).__name__, 'mlflow' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["RegistryUnreachable", "False", "False"], done.stderr


def test_waiting_for_a_server_whose_process_ended_ends_at_once(free_port):
    with pytest.raises(RegistryUnreachable, match="ended before it answered"):
        server.wait_ready(MLflowSettings(port=free_port), 30, alive=lambda: False)
    with pytest.raises(RegistryUnreachable, match="did not answer in"):
        server.wait_ready(MLflowSettings(port=free_port), 0.1)


def test_the_server_answers_its_own_address_and_no_foreign_host_name(mlflow_settings):
    url = f"{mlflow_settings.uri}/api/2.0/mlflow/experiments/search?max_results=1"
    assert requests.get(url, timeout=10).status_code == 200
    assert requests.get(url, headers={"Host": "evil.example"}, timeout=10).status_code == 403


FOREIGN = [{"Origin": "http://localhost:8888"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_program_on_this_machine_reads_and_changes_nothing(mlflow_settings, headers):
    """MLflow itself takes any port of localhost for its own."""
    read = f"{mlflow_settings.uri}/api/2.0/mlflow/experiments/search?max_results=1"
    write = f"{mlflow_settings.uri}/api/2.0/mlflow-artifacts/artifacts/evil/{uuid4().hex}.html"
    graph = f"{mlflow_settings.uri}/graphql"
    for method, url in (("GET", read), ("PUT", write), ("POST", graph), ("OPTIONS", read)):
        answer = requests.request(method, url, headers=headers, data="{}", timeout=10)
        assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (403, None)
    assert requests.get(write, timeout=10).status_code == 404


def test_its_own_page_and_a_link_to_it_are_answered(mlflow_settings):
    own = {"Origin": mlflow_settings.uri, "Sec-Fetch-Site": "same-origin"}
    search = f"{mlflow_settings.uri}/ajax-api/2.0/mlflow/experiments/search"
    assert requests.post(search, json={"max_results": 1}, headers=own, timeout=10).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert requests.get(mlflow_settings.uri, headers=link, timeout=10).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "ajax-api/3.0/mlflow/assistant/message",
        "gateway/x/mlflow/invocations",
        "ajax-api/2.0/mlflow/gateway-proxy",
        "ajax-api/3.0/mlflow/gateway/secrets/create",
        "ajax-api/3.0/jobs/",
        "ajax-api/3.0/mlflow/scorer/invoke",
        "ajax-api/2.0/mlflow/runs/create-promptlab-run",
    ],
)
def test_what_starts_programs_or_passes_requests_on_is_closed_to_everybody(mlflow_settings, path):
    answer = requests.post(f"{mlflow_settings.uri}/{path}", json={}, timeout=10)
    assert (answer.status_code, answer.text[:6]) == (404, "closed")


def test_artifacts_are_stored_under_any_name_never_outside_and_run_no_script(mlflow_settings):
    root = f"{mlflow_settings.uri}/api/2.0/mlflow-artifacts/artifacts"
    for name in ("jobs/1.html", "gateway/assistant.html"):
        assert requests.put(f"{root}/{name}", data="<script>1</script>", timeout=10).status_code == 200
        page = requests.get(f"{root}/{name}", timeout=10).headers
        assert page["Content-Disposition"].startswith("attachment") and page["X-Content-Type-Options"] == "nosniff"
    for climb in ("..%2f..%2fmlflow.db", "%2e%2e/mlflow.db", "a/%2e%2e/%2e%2e/mlflow.db", "%252e%252e%252fmlflow.db"):
        assert requests.get(f"{root}/{climb}", timeout=10).status_code == 400
        assert requests.put(f"{root}/{climb}", data="x", timeout=10).status_code == 400


def test_the_local_server_keeps_everything_in_its_home_and_sends_nothing(tmp_path):
    settings = MLflowSettings(port=5055, home=tmp_path / "deep" / "mlflow", allowed_hosts=("mlflow.example",))
    command, environment = server.command(settings), server.environment(settings)
    assert f"sqlite:///{tmp_path}/deep/mlflow/mlflow.db" in command
    assert command[command.index("--port") + 1] == "5055"
    assert "mlflow.example" in command[command.index("--allowed-hosts") + 1].split(",")
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == environment["DO_NOT_TRACK"] == "true"
    assert settings.home.is_dir()


def test_telemetry_and_pickle_are_off_for_whoever_imports_the_room():
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AGRO_HOME", str(tmp_path))
    monkeypatch.setenv("AGRO_MLFLOW_TRACKING_URI", "https://mlflow.example/")
    assert MLflowSettings().uri == "https://mlflow.example"
    assert MLflowSettings().home == tmp_path / "mlflow"


@pytest.mark.parametrize("module", ["gate", "runs"])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(importlib.import_module(f"registry.{module}")).failed == 0


def test_the_page_opens_on_model_training_and_not_on_traces_of_language_models(mlflow_settings):
    """MLflow's page begins with the other of its two halves, where an experiment of trainings is empty."""
    plain = requests.get(mlflow_settings.uri + "/", timeout=10)
    assert plain.status_code == 200
    assert "['mlflow.workflowType_v1','\"machine_learning\"']" in plain.text
    assert "autoOpenedOnFirstLoad_v1','true']" in plain.text  # the panel of an assistant that is closed here
    assert plain.text.rstrip().endswith("</html>")
    again = requests.get(mlflow_settings.uri + "/", headers={"If-None-Match": "*"}, timeout=10)
    assert again.text == plain.text
    assert requests.get(mlflow_settings.uri + "/", headers={"Host": "evil.example"}, timeout=10).status_code == 403
