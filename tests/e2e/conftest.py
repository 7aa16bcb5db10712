"""One world for all end-to-end tests: the demo on a small market, and its platform started again.

Where the machine lets one make a network namespace they all run in one of their own: nothing reaches outside, and the
default ports are free, so that the README's commands run as they stand.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e import small_market
from tests.e2e.network import own_network
from tests.ports import free_port

BIN = Path(sys.executable).parent
PORTS = (
    "AGRO_CLICKHOUSE_PORT AGRO_MLFLOW_PORT AGRO_PREFECT_PORT AGRO_SMTP_PORT AGRO_WEBHOOK_PORT "
    "AGRO_SERVING_RECOMMENDER_PORT AGRO_SERVING_FORECASTER_PORT AGRO_SERVING_LEAF_DISEASE_PORT"
).split()


class World:
    """A platform in a folder of its own."""

    def __init__(self, folder: Path, alone: bool) -> None:
        self.folder, self.alone = folder, alone
        self.home = folder / "home"
        own = {} if alone else {name: str(free_port()) for name in PORTS}
        self.environment = os.environ | own | {"AGRO_HOME": str(self.home)}
        for secret in ("CLICKHOUSE_PASSWORD", "MLFLOW_WEBHOOK_SECRET", "MLFLOW_WEBHOOK_KEY", "MLFLOW_ADMIN_PASSWORD"):
            self.environment.pop(f"AGRO_{secret}", None)  # the platform makes its own

    def agro(self, *arguments: str, timeout: float = 900, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "agro"), *arguments],
            env=self.environment | environment, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip

    def sql(self, text: str) -> str:
        known = {"X-ClickHouse-Key": (self.home / "secrets" / "clickhouse").read_text().strip()}
        url = f"http://127.0.0.1:{self.environment.get('AGRO_CLICKHOUSE_PORT', '8123')}/"
        request = urllib.request.Request(url, text.encode(), known)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode().strip()

    def post(self, url: str, body: object) -> tuple[int, dict]:
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as exc:
            return exc.code, json.load(exc)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with own_network() as alone:
        made = World(tmp_path_factory.mktemp("world"), alone)
        yield made
        made.agro("down")


@pytest.fixture(scope="session")
def summary(world):
    """The demo; it stops the platform at its end."""
    data = small_market.write(world.folder / "data")
    answer = world.agro("demo", "--data", str(data), "--json")
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert "Traceback" not in answer.stderr
    assert "Error logging to API" not in answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture(scope="session")
def platform(world, summary):
    """The platform of the demo, started again: a row a part."""
    answer = world.agro("up", "--json")
    assert answer.returncode == 0, answer.stderr[-2000:]
    return {row["part"]: row for row in json.loads(answer.stdout)}
