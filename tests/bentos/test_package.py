import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer

import pytest

import bentos.check as checking
import bentos.package as packaging
from bentos import command, loading
from bentos.bento import find
from bentos.check import check, differences
from bentos.errors import BentoNotFound, BentoRefused, BentoUnready, BuildFailed, PortTaken
from bentos.manifest import Manifest
from bentos.package import package, prune
from bentos.predictor import Predictor
from bentos.settings import ServingSettings
from web.client import client_of
from web.problems import not_ready

TRAINING_ONLY = (
    "tensorflow",
    "keras",
    "evidently",
    "prefect",
    "great_expectations",
    "mlflow",
    "sklearn",
    "chdb",
    "onnx",
)


def test_the_services_start_without_any_training_library(artifacts):
    """Imports of the three services, and loading the three models, with every training library forbidden."""
    code = f"""
import sys
class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {TRAINING_ONLY!r}:
            raise ModuleNotFoundError(f'training library {{name}}', name=name)
sys.meta_path.insert(0, Forbidden())
from pathlib import Path
import bentos.services.recommender, bentos.services.forecaster, bentos.services.leaf_disease, features.prediction_log
from models import families
for name, folder in {[(name, str(row[0])) for name, row in artifacts.items()]!r}:
    families.family(name).load(Path(folder))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_bento_names_its_version_and_digest(bentos, artifacts):
    for name, bento in bentos.items():
        assert bento.tag == f"{name}:7-{artifacts[name][1].removeprefix('sha256:')[:8]}"
        assert find(bento.tag, bento.path.parents[2]) == bento


def test_a_bento_holds_what_serving_needs_and_nothing_of_the_rest(bentos):
    source = bentos["recommender"].source
    assert {path.name for path in source.iterdir() if path.is_dir()} == {
        "artifact", "base", "bentos", "features", "models", "registry", "web",
    }  # fmt: skip
    assert sorted(path.name for path in (source / "registry").glob("*.py")) == [
        "__init__.py",
        "digests.py",
        "errors.py",
    ]
    assert not list(source.rglob("*.pkl")) and not list(source.rglob("__pycache__"))


def test_the_same_version_is_built_once(bentos, artifacts, serving_settings, monkeypatch):
    monkeypatch.setattr(packaging, "_code_digest", lambda model: Manifest.read(bentos["recommender"].source).code)
    before = (bentos["recommender"].path / "bento.yaml").stat().st_mtime_ns
    monkeypatch.setattr(packaging, "_build", None)  # a build would fail
    again = package("recommender", 7, *artifacts["recommender"], serving_settings)
    assert again == bentos["recommender"]
    assert (again.path / "bento.yaml").stat().st_mtime_ns == before


def test_the_build_writes_no_index_address(bentos):
    """A Bento's requirements come from the lock; nothing of the machine it was built on is in it."""
    for path in bentos["recommender"].path.rglob("*"):
        if path.is_file() and path.suffix in {".txt", ".lock", ".yaml"}:
            text = path.read_text()
            assert "index-url" not in text and "--find-links" not in text, path


def test_a_corrupted_artifact_is_refused_before_anything_is_built(artifacts, serving_settings, tmp_path):
    """Guards P30."""
    folder, digest = artifacts["recommender"]
    damaged = tmp_path / "artifact"
    shutil.copytree(folder, damaged)
    _flip_a_byte(damaged / "model.json")
    with pytest.raises(BentoRefused, match="refused"):
        package("recommender", 8, damaged, digest, serving_settings)
    assert not (serving_settings.home / "bentos" / "recommender" / f"8-{digest[:8]}").exists()


def test_golden_requests_are_answered_as_the_model_did(bentos, serving_settings, say):
    report = check(bentos["recommender"], serving_settings)
    say(f"checked in {report.ready_s:.1f} s + {report.latency_ms} ms")
    assert report.differences == []
    assert report.passed and report.asked >= 3


def test_a_service_whose_files_were_damaged_says_so_and_answers_nothing(artifacts, tmp_path):
    """Guards P30: the digest is checked at each start."""
    folder, digest = artifacts["recommender"]
    shutil.copytree(folder, tmp_path / "artifact")
    Manifest("recommender", "7", digest).write(tmp_path)
    _flip_a_byte(tmp_path / "artifact" / "model.json")
    predictor = Predictor(
        "recommender", "recommender", 1, ServingSettings(folders={"recommender": tmp_path}, log_predictions=False)
    )
    assert predictor.loaded is None
    assert predictor.status()["ready"] is False
    assert "model.json changed" in predictor.status()["reason"]


def test_a_check_gives_up_at_once_on_a_service_that_is_not_ready(tmp_path):
    """Guards P30: what is not ready now will not be later, since its files are what they are."""
    answer = not_ready("recommender version 7 is refused: model.json changed").response("1")
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        told = pytest.raises(BentoUnready, match="is refused")
        with answering(tmp_path, answer.status_code, answer.body) as there, told:
            checking._wait_until_ready(there, process, tmp_path / "log", 30)
    finally:
        process.kill()
        process.wait()


def test_a_check_gives_up_on_a_process_that_ended(tmp_path):
    (tmp_path / "log").write_text("its last words")
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    process.wait()
    with pytest.raises(BentoUnready, match="ended with code 3: its last words"):
        checking._wait_until_ready(tmp_path / "nobody", process, tmp_path / "log", 30)


def test_a_golden_request_that_is_refused_is_a_difference(tmp_path):
    with answering(tmp_path, 422, b'{"detail": "user_id: too long"}') as there, client_of(there) as asking:
        found, _ = checking._replayed(asking, "/", [{"request": {"user_id": "u"}, "answer": {}}])
    assert found == ["request 0: status: 422 instead of 200 (user_id: too long)"]


@contextmanager
def answering(folder, status, body):
    """A server on a socket that says the same to everybody."""

    class Same(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingUnixStreamServer(str(folder / "sock"), Same)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder / "sock"
    server.shutdown()
    server.server_close()


def test_a_manifest_whose_files_and_digest_were_both_changed_is_refused(artifacts, tmp_path):
    """Guards P30: who starts a Bento pins the digest that was promoted."""
    folder, digest = artifacts["recommender"]
    shutil.copytree(folder, tmp_path / "artifact")
    Manifest("recommender", "7", digest).write(tmp_path)
    with pytest.raises(BentoRefused, match="was asked for"):
        loading.load(tmp_path, "recommender", digest="f" * 64)
    assert loading.load(tmp_path, "recommender", digest).manifest.version == "7"


def test_another_models_manifest_is_refused(artifacts, tmp_path):
    Manifest("leaf-disease", "7", artifacts["recommender"][1]).write(tmp_path)
    with pytest.raises(BentoRefused, match="holds leaf-disease, not recommender"):
        loading.load(tmp_path, "recommender")


def test_a_bento_of_an_earlier_version_is_named_as_one(tmp_path):
    built = tmp_path / "bentos" / "recommender" / "1-abcd1234"
    built.mkdir(parents=True)
    (built / "bento.yaml").write_text("{}")
    with pytest.raises(BentoRefused, match="one that an earlier version built"):
        find("recommender:1-abcd1234", tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": "recommender"}', '{"other": 1}'])
def test_a_manifest_file_that_says_nothing_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(BentoRefused, match="is no manifest of a Bento"):
        Manifest.read(tmp_path)


def test_a_golden_answer_that_changed_is_told(bentos, serving_settings):
    wanted = bentos["recommender"].golden()[0]["answer"]
    changed = json.loads(json.dumps(wanted))
    changed["recommendations"][0]["product_id"] = "another"
    found = differences(wanted, changed)
    assert len(found) == 1
    assert found[0].startswith("recommendations.0.product_id: 'another' instead of ")


@pytest.mark.parametrize(
    ("wanted", "came", "found"),
    [
        ({"a": 1.0}, {"a": 1.0 + 1e-9, "id": 5}, []),
        ({"a": 1}, {"a": 2}, ["a: 2 instead of 1"]),
        ({"a": 1}, {}, ["a: missing"]),
        ([1, 2], [1], ["length: 1 instead of 2"]),
        ({"a": True}, {"a": 1.5}, ["a: 1.5 instead of True"]),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, ["a.0.b: 'y' instead of 'x'"]),
        ({"a": 1.0}, {"a": None}, ["a: None instead of 1.0"]),
        ({"a": float("nan")}, {"a": 1.0}, ["a: 1.0 instead of nan"]),
    ],
)
def test_answers_are_compared_with_a_tolerance_for_floats_alone(wanted, came, found):
    assert differences(wanted, came) == found


def test_old_bentos_are_pruned_but_never_one_that_serves(serving_settings):
    folder = serving_settings.home / "bentos" / "demand-forecaster"
    made = []
    for number in range(100, 105):
        path = folder / f"{number}-aaaaaaaa"
        path.mkdir(parents=True)
        (path / "bento.yaml").write_text("{}")
        os.utime(path / "bento.yaml", (number, number))
        made.append(f"demand-forecaster:{path.name}")
    built = [path.parent.name for path in folder.glob("*/bento.yaml")]
    gone = prune("demand-forecaster", serving_settings, {made[0]})
    kept = [path.parent.name for path in folder.glob("*/bento.yaml")]
    assert made[0] not in gone and "100-aaaaaaaa" in kept
    assert len(kept) == serving_settings.kept_bentos + 1
    assert len(gone) == len(built) - len(kept)
    for tag in set(made) - set(gone):
        shutil.rmtree(folder / tag.partition(":")[2])


def test_a_bento_that_was_never_built_says_how_to_build_it(tmp_path):
    with pytest.raises(BentoNotFound, match="agro package recommender"):
        find("recommender:9-ffffffff", tmp_path)


def test_a_build_that_fails_says_why_and_leaves_nothing(artifacts, serving_settings, tmp_path, monkeypatch):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no service of that name >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(BuildFailed, match="no service of that name"):
        package("recommender", 9, *artifacts["recommender"], serving_settings)
    assert not list((serving_settings.home / "bentos" / "recommender").glob("9-*"))


def test_a_taken_port_is_named_with_the_setting_that_moves_it(bentos, serving_settings):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTaken, match="AGRO_SERVING_RECOMMENDER_PORT"):
            command.check_port(bentos["recommender"], taken.getsockname()[1], serving_settings)


def test_served_processes_have_bounded_threads_and_no_tracking(bentos, serving_settings):
    """Guards P33: loopback by default, and no more threads than were given."""
    known = command.environment(bentos["recommender"], serving_settings)
    assert known["OMP_NUM_THREADS"] == "2"
    assert known["BENTOML_DO_NOT_TRACK"] == "True"
    told = command.command(3001, serving_settings)
    assert told[told.index("--listen") + 1] == "127.0.0.1:3001"


def test_a_process_is_given_the_versions_of_all_models_of_its_service(bentos, serving_settings):
    """Guards P30: the digest of each is pinned by whoever starts it."""
    one, other = bentos["recommender"], bentos["demand-forecaster"]
    known = command.environment(one, serving_settings, "canary", [other])
    settings = ServingSettings(
        **{name: json.loads(known[f"AGRO_SERVING_{name.upper()}"]) for name in ("digests", "folders")}
    )
    assert settings.digests == {one.model: one.digest, other.model: other.digest}
    assert settings.folders == {other.model: other.source.absolute()}
    assert loading.load(settings.folders[other.model], other.model, other.digest).manifest.version == "7"


def _flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
