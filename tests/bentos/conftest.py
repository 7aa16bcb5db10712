"""Three small real models, their Bentos built once, and each served once for the whole session."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest

from bentos import command
from bentos.bento import Bento
from bentos.package import package
from bentos.settings import ServingSettings
from features.store import Store
from models import families
from models.evaluation import Recipe
from registry import digests

collect_ignore = ["described_hooks.py"]  # Schemathesis's own
MODELS = ("recommender", "demand-forecaster", "leaf-disease")


@dataclass
class Running:
    """A served Bento: its process, its log and how to ask it."""

    bento: Bento
    process: subprocess.Popen
    base: str
    log_path: Path
    settings: ServingSettings
    ready_s: float = 0.0
    client: httpx.Client = field(init=False)

    def __post_init__(self):
        self.client = httpx.Client(base_url=self.base, timeout=30)

    @property
    def route(self) -> str:
        return families.registered(self.bento.model).route

    def ask(self, request=None, **how) -> httpx.Response:
        return self.client.post(self.route, **({"json": request} if request is not None else how))

    def stop(self) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def start(bento: Bento, port: int, home: Path, clickhouse, name: str, **settings) -> Running:
    """Start a Bento as the platform does, its predictions going to `clickhouse`."""
    known = ServingSettings(spool=home / f"spool-{name}", home=home / "bentoml", **settings)
    environment = command.inherited(bento, known) | {
        "AGRO_HOME": str(home),
        "AGRO_CLICKHOUSE_HOST": clickhouse.host,
        "AGRO_CLICKHOUSE_PORT": str(clickhouse.port),
        "AGRO_CLICKHOUSE_DATABASE": clickhouse.database,
    }
    log_path = home / f"{name}.log"
    with log_path.open("wb") as output:
        process = subprocess.Popen(
            command.command(port, known), env=environment, cwd=bento.source, stdout=output, stderr=subprocess.STDOUT
        )
    running = Running(bento, process, f"http://127.0.0.1:{port}", log_path, known)
    began = time.perf_counter()
    while process.poll() is None and time.perf_counter() - began < 90:
        try:
            if running.client.get("/readyz").status_code == 200:
                running.ready_s = time.perf_counter() - began
                return running
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    running.stop()
    raise RuntimeError(f"{name} did not get ready: {log_path.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def starter(serving_home):
    """Starts Bentos; stops what a test left running."""
    running = []

    def begin(bento, clickhouse, name, **settings):
        from tests.ports import free_port

        running.append(start(bento, free_port(), serving_home, clickhouse, name, **settings))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


@pytest.fixture(scope="session")
def serving_home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("serving")


@pytest.fixture(scope="session")
def serving_database(clickhouse):
    """The database that the served Bentos of this session write their predictions to."""
    settings = clickhouse.settings(database="serving")
    with Store.connect(settings) as store:
        store.migrate()
    return settings


@pytest.fixture(scope="session")
def photographs() -> list[tuple[str, bytes]]:
    """Drawn leaves of two classes, labelled."""
    from features.synthetic_leaves import photograph

    labels = ("bean__healthy", "corn__rust")
    return [(label, photograph(label, 96, np.random.default_rng(seed))) for label in labels for seed in range(30)]


@pytest.fixture(scope="session")
def fitted(photographs) -> dict:
    """A small fitted model of each family with its golden requests."""
    return {"recommender": _recommender(), "demand-forecaster": _forecaster(), "leaf-disease": _leaf(photographs)}


@pytest.fixture(scope="session")
def artifacts(fitted, serving_home) -> dict[str, tuple[Path, str]]:
    """The saved models: folder with golden requests, and digest."""
    found = {}
    for name, (model, golden) in fitted.items():
        folder = serving_home / "artifacts" / name
        folder.mkdir(parents=True)
        model.save(folder)
        (folder / "golden.json").write_text(json.dumps(golden))
        found[name] = (folder, digests.write_manifest(folder))
    return found


@pytest.fixture(scope="session")
def serving_settings(serving_home) -> ServingSettings:
    return ServingSettings(home=serving_home / "bentoml", spool=serving_home / "spool", kept_bentos=2)


FIGURES = []


@pytest.fixture(scope="session")
def say():
    """Keeps a figure that a person may want to see but no test asserts, for the end of the run."""
    return FIGURES.append


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("serving, as measured")
        for line in FIGURES:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def bentos(artifacts, serving_settings, say) -> dict[str, Bento]:
    """The three Bentos, version 7 each."""
    began = time.perf_counter()
    built = {name: package(name, 7, *artifacts[name], serving_settings) for name in artifacts}
    say(f"three Bentos built in {time.perf_counter() - began:.1f} s")
    return built


@pytest.fixture(scope="session")
def served(bentos, starter, serving_database, say) -> dict[str, Running]:
    """The three Bentos, each in a process of its own."""
    with ThreadPoolExecutor(2) as pool:
        began = list(pool.map(lambda name: starter(bentos[name], serving_database, name), bentos))
    running = {one.bento.model: one for one in began}
    say(f"ready after { {name: round(one.ready_s, 1) for name, one in running.items()} } s")
    return running


def _recommender():
    from features.synthetic import Market, items, purchases
    from models.recommendation.data import RecommenderData

    market = Market(users=80, items=40, purchases_per_user=25)
    family = families.family("recommender")
    data = RecommenderData(purchases(market).to_pandas(), items(market).to_pandas())
    model = family.fit(data, family.default_recipe())
    return model, family.golden(model, data)


def _forecaster():
    from features.synthetic import Harvest, daily_demand

    family = families.family("demand-forecaster")
    frame = daily_demand(Harvest(series=2, days=200)).to_pandas()
    frame["ds"] = frame["ds"].dt.tz_localize(None)
    model = family.fit(frame, family.default_recipe())
    return model, family.golden(model, frame)


def _leaf(photographs):
    """The serving model around a graph small enough to fit here: a linear map of the mean colour."""
    from models.disease.imaging import photograph
    from models.disease.novelty import fit_novelty
    from models.disease.runtime import LeafModel

    side, labels = 64, sorted({label for label, _ in photographs})
    colour = np.array([photograph(data, side).mean(axis=(0, 1)) for _, data in photographs])
    truth = np.array([labels.index(label) for label, _ in photographs])
    design = np.column_stack([colour, np.ones(len(colour))])
    weights = np.linalg.lstsq(design, np.eye(len(labels))[truth], rcond=None)[0].astype(np.float32)
    model = LeafModel(
        onnx=_linear_graph(weights, side),
        labels={label: int((truth == at).sum()) for at, label in enumerate(labels)},
        side=side,
        temperature=0.2,
        threshold=0.4,
        novelty=fit_novelty(colour, truth, len(labels), colour),
        colour=np.zeros((10, len(labels))),
        recipe=Recipe(algorithm="cnn", params={}).model_dump(),
        training={},
    )
    import base64

    requests = [{"image_base64": base64.b64encode(data).decode()} for _, data in photographs[::20]]
    return model, [{"request": request, "answer": model.answer(request)} for request in requests]


def _linear_graph(weights: np.ndarray, side: int) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, side, side, 3])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, weights.shape[1]])
    colour = helper.make_tensor_value_info("colour", TensorProto.FLOAT, [1, 3])
    constants = [
        numpy_helper.from_array(np.array([1, 2], dtype=np.int64), "axes"),
        numpy_helper.from_array(weights[:3], "w"),
        numpy_helper.from_array(weights[3], "b"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["colour"], keepdims=0),
        helper.make_node("Gemm", ["colour", "w", "b"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "linear", [image], [logits, colour], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


@pytest.fixture(scope="session")
def gif() -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (64, 64), "green").save(buffer, "GIF")
    return buffer.getvalue()
