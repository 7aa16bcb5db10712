import subprocess
import time
from contextlib import contextmanager

import pytest

from agro.mesh import front as mesh
from rollout.envoy import MeshSettings
from rollout.envoy.target import EnvoyTarget
from tests import ports
from tests.programs import started

PATHS = {"recommender": ["/api/v1/recommendations"], "leaf-disease": ["/api/v1/disease-detection"]}


class Front:
    """A real Envoy in a folder of its own; it can be killed and started again."""

    def __init__(self, folder, **settings):
        self.settings = MeshSettings(folder=folder / "mesh", port=ports.free_port(), **settings)
        self.target = EnvoyTarget(PATHS, self.settings)
        self.log = folder / "front.log"
        self.target.prepare({})

    @contextmanager
    def running(self):
        with started(mesh.command(self.settings), {}, self.log, self.settings.folder) as process:
            self.wait(process)
            yield process

    def wait(self, process: subprocess.Popen) -> None:
        end = time.monotonic() + 20
        while not (self.target.admin.runs() and self.values(r"listener_manager\.workers_started").popitem()[1]):
            assert process.poll() is None and time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)

    def values(self, names):
        return self.target.admin.values(names)


@pytest.fixture
def stopped_front(tmp_path):
    return Front(tmp_path)


@pytest.fixture
def front(stopped_front):
    with stopped_front.running():
        yield stopped_front
