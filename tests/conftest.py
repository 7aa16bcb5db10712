import os
from pathlib import Path

import pytest

from tests import ports

HERE = Path(__file__).parent
collect_ignore = ["own_model"]  # somebody else's package, installed by its test
pytest_plugins = [f"tests.fixtures.{path.stem}" for path in sorted((HERE / "fixtures").glob("[a-z]*.py"))]

os.environ.setdefault("DO_NOT_TRACK", "true")
for library in ("OMP_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):
    os.environ.setdefault(f"{library}_THREADS", "1")  # two processes test at a time: more threads would only wait
for secret in ("CLICKHOUSE_PASSWORD", "MLFLOW_WEBHOOK_SECRET", "MLFLOW_WEBHOOK_KEY", "MLFLOW_ADMIN_PASSWORD"):
    os.environ[f"AGRO_{secret}"] = "of-the-tests"  # each test has a home, and so secrets, of its own


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch, request):
    """No test writes into the checkout's var/ folder."""
    if "AGRO_HOME" not in os.environ:
        monkeypatch.setenv("AGRO_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data sets; tests that use it are skipped where it is absent."""
    folder = Path(os.environ.get("AGRO_SHARED_DATA", HERE.parent.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set AGRO_SHARED_DATA to a folder that has them")
    return folder


@pytest.fixture
def free_port():
    return ports.free_port()


E2E = ("test_readme.py", "test_the_loop.py", "test_processes_that_die.py", "test_promotion.py")
"""The end-to-end files in the order in which they use their one platform up."""


def pytest_collection_modifyitems(items):
    """The longest group first, so that the processes of a run end at about the same time."""
    items.sort(key=lambda item: E2E.index(item.path.name) if item.path.name in E2E else len(E2E))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests that share a platform, served Bentos or a server stay in one process."""
    from xdist.scheduler import LoadScopeScheduling

    class BySharing(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _group(nodeid.split("::")[0])

    return BySharing(config, log)


def _group(path):
    shared = {"e2e": "platform", "bentos": "bentos", "registry": "mlflow", "flows": "mlflow"}
    _, room, *_ = path.split("/")
    return shared.get(room, path) if path.startswith("tests/") else path
