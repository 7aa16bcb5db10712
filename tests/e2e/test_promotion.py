"""From a moved `champion` to live traffic through the front, and back where the version is bad."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from registry import digests, packing
from registry.records import DIGEST
from registry.registry import Registry
from registry.settings import MLflowSettings
from tests.ports import free_port

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]
MODEL = "demand-forecaster"


@pytest.fixture(scope="module")
def front(world, summary):
    """The platform with its front, started anew; the front's address."""
    port = "8080" if world.alone else str(free_port())
    plan = {"AGRO_ROLLOUT_BAKE_S": "2", "AGRO_ROLLOUT_LEAST_REQUESTS": "20"}
    hints = {} if world.alone else {"AGRO_WEBHOOK_PORT": str(free_port())}
    world.environment |= plan | {"AGRO_MESH_PORT": port} | hints
    world.agro("down")
    answer = world.agro("up", "--mesh", "--json")
    assert answer.returncode == 0, answer.stderr[-2000:]
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def registry(world, front):
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AGRO_")]:
            patch.delenv(name)
        for name, value in world.environment.items():
            if name.startswith("AGRO_"):
                patch.setenv(name, value)
        yield Registry.connect(MLflowSettings())


@pytest.fixture(scope="module")
def series(world):
    return world.sql("SELECT any(series_id) FROM agrologistic.daily_demand WHERE series_id != 'spoiled-series'")


class Callers:
    """Ask through the front without end; which versions answered when."""

    def __init__(self, world, front, series):
        self.over, self.seen = threading.Event(), []
        planned = {"known_promo_share": [0.1] * 7, "known_price_usd": [2.0] * 7}
        body = {"series_id": series, "periods": 7, "regressors": planned}
        self.ask = lambda: world.post(f"{front}/api/v1/forecast", body)
        self.thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _ask(self):
        while not self.over.is_set():
            status, answer = self.ask()
            self.seen.append((time.monotonic(), status, answer.get("model_version")))
            time.sleep(0.02)


def like_the_champion(registry, folder, change=lambda files: None):
    """The number of a further version with the champion's files, changed."""
    champion = registry.champion(MODEL)
    files = registry.download(MODEL, champion.number, Path(folder) / packing.MODEL)
    change(files)
    digest = digests.write_manifest(files)
    with registry._mlflow.client() as client:
        known = client.get_model_version(MODEL, str(champion.number))
        run = client.create_run(client.get_run(known.run_id).info.experiment_id)
        client.log_artifacts(run.info.run_id, str(folder), "copy")
        made = client.create_model_version(
            MODEL, f"{run.info.artifact_uri}/copy", run.info.run_id, tags={**known.tags, DIGEST: digest}
        )
    return int(made.version)


def move(registry, number):
    """As a person does in MLflow."""
    with registry._mlflow.client() as client:
        client.set_registered_model_alias(MODEL, "champion", str(number))


def until(true, patience_s=150):
    end = time.monotonic() + patience_s
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


def rollout(world):
    return json.loads(world.agro("rollout", MODEL, "--json").stdout)


def ended(world, version):
    """How the rollout of a version ended; None while it has not."""
    said = rollout(world)
    last = said.get("last") or {}
    return said if not said["under_way"] and last.get("version") == version else None


def test_a_moved_alias_ends_in_new_traffic_without_a_lost_request(world, front, registry, series, tmp_path):
    before = str(registry.champion(MODEL).number)
    number = like_the_champion(registry, tmp_path)
    with Callers(world, front, series) as callers:
        until(lambda: callers.seen)
        moved = time.monotonic()
        move(registry, number)
        first = until(lambda: next((at for at, _, version in callers.seen if version == str(number)), None))
        said = until(lambda: ended(world, number))
        time.sleep(1)
    assert first - moved < 60
    assert said["last"]["event"] == "live" and said["serves"] == number and said["weights"] == {"champion": 100}
    assert {status for _, status, _ in callers.seen} == {200}
    assert {version for _, _, version in callers.seen} == {before, str(number)}
    assert callers.seen[-1][2] == str(number)


def wrong(files):
    """It answers otherwise than it says that it does."""
    golden = json.loads((files / packing.GOLDEN).read_text())
    for pair in golden:
        pair["answer"]["points"] = [{**point, "yhat": point["yhat"] + 1e3} for point in pair["answer"]["points"]]
    (files / packing.GOLDEN).write_text(json.dumps(golden))


def crashing(files):
    """It cannot be loaded."""
    for path in files.glob("*.json"):
        if path.name not in (packing.GOLDEN, digests.MANIFEST):
            path.write_text("{}")


@pytest.mark.parametrize("change", [wrong, crashing])
def test_a_bad_version_is_taken_back_with_a_tag_and_a_mail(world, front, registry, series, tmp_path, change):
    before = registry.champion(MODEL).number
    number = like_the_champion(registry, tmp_path, change)
    with Callers(world, front, series) as callers:
        move(registry, number)
        said = until(lambda: ended(world, number))
    assert said["last"]["event"] == "reject" and said["serves"] == before
    assert {(status, version) for _, status, version in callers.seen} == {(200, str(before))}
    assert registry.champion(MODEL).number == before
    assert next(row for row in registry.versions(MODEL) if row.number == number).rejected == said["last"]["result"]
    mails = [path.read_text() for path in (world.home / "mail").glob("*.eml")]
    assert any(f"{MODEL} version {number} was taken back" in mail for mail in mails)
