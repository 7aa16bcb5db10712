"""What a trained recommender is asked again: answers in advance for everybody, and to be trained once more.

On a real store and registry; what a retraining must not notice arrives in between.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prefect import Flow, Task

from features import batches, synthetic
from features.contracts import ContractResult
from features.snapshot import Snapshot
from features.store import Store
from flows import predict, reproduce, threads, train, training, training_set
from flows.lineage_data import NotReproducible
from models.errors import MissingRegressor, UnknownModel
from models.families import family
from registry.errors import NoChampion, VersionNotFound
from registry.registry import Registry
from tests.fixtures import rows

USERS = 48
REQUESTS = 2 * USERS
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MARKET = synthetic.Market(users=USERS, items=36, days=200, start=MIDNIGHT - timedelta(days=300))


@dataclass
class World:
    """The clients of one trained, promoted recommender, where its snapshots lie, and what its training told."""

    store: Store
    registry: Registry
    home: Path
    outcome: dict[str, Any]
    fetched: list[str]

    def count(self, what: str, batch_id: str) -> int:
        sql = f"SELECT {what} FROM batch_predictions WHERE batch_id = {{batch:String}}"
        return int(self.store.command(sql, {"batch": batch_id}))


def as_plain_functions(patch, *modules):
    """Flows and tasks without their server: what they do, but no retries and no slots."""
    for module in modules:
        for name, value in list(vars(module).items()):
            if isinstance(value, Task | Flow):
                patch.setattr(module, name, value.fn)
        patch.setattr(module, "one_at_a_time", lambda *slot: nullcontext(), raising=False)


@pytest.fixture(scope="module")
def world(clickhouse, mlflow_settings, registry, tmp_path_factory):
    """A recommender trained by its flow. Its contract is taken as held: what checks it takes long to import."""
    home, settings = tmp_path_factory.mktemp("home"), clickhouse.settings(database="trained_versions")
    with pytest.MonkeyPatch.context() as patch, Store.connect(settings) as store:
        patch.setenv("AGRO_HOME", str(home))
        patch.setenv("AGRO_CLICKHOUSE_PORT", str(settings.port))
        patch.setenv("AGRO_CLICKHOUSE_DATABASE", settings.database)
        patch.setenv("AGRO_MLFLOW_PORT", str(mlflow_settings.port))
        as_plain_functions(patch, predict, reproduce, train, training, training_set)
        held = ContractResult("interactions", (), 1, 0.0)
        patch.setattr(training_set, "check_contract", lambda kind, snapshot: held)
        patch.setattr(training, "commit", lambda: "c0ffee" * 6)
        store.migrate()
        yesterday = MIDNIGHT - timedelta(days=1)
        store.insert("product_events", rows.product_events(synthetic.purchases(MARKET), yesterday))
        store.insert("items", rows.items(synthetic.items(MARKET), yesterday))
        patch.setenv("OMP_NUM_THREADS", "1")
        outcome, fetched = trained_watching_downloads()
        patch.setenv("OMP_NUM_THREADS", "2")  # what comes after is asked in a process of another default
        registry.promote("recommender", outcome["version"], force=True)
        yield World(store, registry, home, outcome, fetched)


def trained_watching_downloads():
    """What a training tells, and which files of its run it fetched from MLflow on the way."""
    from mlflow import MlflowClient

    fetched, download = [], MlflowClient.download_artifacts

    def watched(client, run_id, path, to=None):
        fetched.append(path)
        return download(client, run_id, path, to)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, "download_artifacts", watched)
        return train.flow_of("recommender").fn(as_of=MIDNIGHT), fetched


def test_a_training_tells_what_it_logged_without_fetching_it_again(world):
    run_id = world.registry.version("recommender", world.outcome["version"]).run_id
    evaluation, gate = (world.registry.document(run_id, name) for name in ("evaluation", "gate"))
    assert {key: world.outcome[key] for key in evaluation} | {"seconds": evaluation["seconds"]} == evaluation
    assert world.outcome["gate"] == {key: gate[key] for key in ("passed", "outcome", "reasons", "warnings")}
    assert world.fetched == []


def test_a_training_that_was_done_before_is_told_as_it_was_and_not_done_again(world):
    lineage = world.registry.lineage("recommender", world.outcome["version"])
    snapshot = SimpleNamespace(**{key: lineage.dataset[key] for key in ("content_hash", "rows")})
    same = SimpleNamespace(snapshot=snapshot, lineage=lambda: lineage.dataset)
    told = training.train(SimpleNamespace(registry=world.registry), "recommender", lineage.recipe, same, reuse=True)
    assert told == world.outcome | {"reused": True, "seconds": told["seconds"]}


def test_everybody_is_answered_once_as_the_version_answers_and_a_second_run_adds_nothing(world, tmp_path):
    (first,) = predict.predict("recommender")["batches"]
    assert first["batch_id"] == f"recommender-{first['version']}-{MIDNIGHT:%Y-%m-%d}"
    assert (first["requests"], first["answered"], first["known"], first["refused"]) == (REQUESTS, REQUESTS, 0, 0)
    (second,) = predict.predict("recommender")["batches"]
    assert (second["answered"], second["known"]) == (0, REQUESTS)
    assert world.count("count()", first["batch_id"]) == REQUESTS
    model = family("recommender").load(world.registry.download("recommender", first["version"], tmp_path / "model"))
    for user in model.users["user_id"].iloc[[0, 17]]:
        for mode in ("discover", "again"):
            wanted = model.answer({"user_id": user, "n_recommendations": 20, "mode": mode})["recommendations"]
            assert recommended(world.store, first["batch_id"], user, mode) == wanted


def recommended(store, batch_id, user, mode):
    sql = """
    SELECT product_id, score, reason FROM batch_recommendations
    WHERE batch_id = {batch:String} AND user_id = {user:String} AND mode = {mode:String} ORDER BY rank
    """
    return store.arrow(sql, {"batch": batch_id, "user": user, "mode": mode}).to_pylist()


def test_a_run_that_broke_off_goes_on_with_what_is_missing(world, monkeypatch):
    insert, chunks = batches.insert, []

    def breaks_at_the_third_chunk(*given):
        chunks.append(insert(*given) if len(chunks) < 2 else None)
        if chunks[-1] is None:
            raise RuntimeError("power cut")
        return chunks[-1]

    monkeypatch.setattr(predict, "CHUNK", 20)
    monkeypatch.setattr(batches, "insert", breaks_at_the_third_chunk)
    with pytest.raises(RuntimeError, match="power cut"):
        predict.predict("recommender", batch_id="broken")
    assert world.count("count()", "broken") == 40
    monkeypatch.setattr(batches, "insert", insert)
    (outcome,) = predict.predict("recommender", batch_id="broken")["batches"]
    assert (outcome["answered"], outcome["known"]) == (REQUESTS - 40, 40)
    assert world.count("count()", "broken") == world.count("uniqExact(request)", "broken") == REQUESTS


def test_what_cannot_be_predicted_is_refused_by_name_with_a_remedy(world):
    for asked, error, words in (
        ({"model": "weather"}, UnknownModel, "'weather' is not known; choose one of recommender"),
        ({"model": "leaf-disease"}, predict.NoBatch, "leaf-disease .* `agro serve leaf-disease`"),
        ({"model": "demand-forecaster"}, NoChampion, "demand-forecaster has no champion; .* `agro promote"),
        ({"model": "recommender", "version": 99}, VersionNotFound, "no version 99; it has: 1"),
        ({"model": "recommender", "as_of": MIDNIGHT}, NoChampion, "had no champion by .* 00:00 UTC"),
    ):
        with pytest.raises(error, match=words):
            predict.predict(**asked)


class Refusing:
    """A model of two series that needs what a batch request cannot bring."""

    members = ("a", "b")
    calendar = SimpleNamespace(horizon=14)

    def answer(self, request):
        raise MissingRegressor("regressors", "known_price_usd missing")


def test_a_model_that_refuses_its_whole_batch_is_an_error_with_its_words(world):
    batch = batches.Batch("refused", "demand-forecaster", "1", MIDNIGHT, "series_id")
    with pytest.raises(predict.NothingAnswered, match=r"none of 2 requests .* known_price_usd missing"):
        predict.fill(world.store, batch, Refusing())


def test_without_a_model_every_champion_that_can_is_asked(world):
    assert [row["model"] for row in predict.predict(batch_id="all")["batches"]] == ["recommender"]


def test_the_same_snapshots_give_the_same_version_whatever_arrived_since(world, monkeypatch):
    again = reproduce.again
    later = synthetic.purchases(MARKET.model_copy(update={"seed": 1}))
    world.store.insert("product_events", rows.product_events(later, datetime.now(UTC)))
    described = synthetic.items(MARKET)
    renamed = described.set_column(6, "title", pa.array(["Renamed"] * described.num_rows))
    world.store.insert("items", rows.items(renamed, datetime.now(UTC)))
    limits = []
    monkeypatch.setattr(reproduce, "again", lambda *given: limits.append(threads.current()) or again(*given))
    outcome = reproduce.reproduce("recommender")
    assert outcome["threads"]["blas"] == limits[0]["blas"] == 1
    assert outcome["differ"] == []
    assert outcome["same"]
    ndcg = outcome["metrics"]["metrics.ndcg@10"]
    assert ndcg["then"] > 0
    assert ndcg["now"] == pytest.approx(ndcg["then"], abs=1e-9)
    assert {"arrays.npz", "golden.json", "items.parquet", "model.json", "users.parquet"} == set(outcome["files"])
    assert all(pair["then"] == pair["now"] for pair in outcome["files"].values())


def test_another_catalogue_is_another_training_set(world):
    """The last test of this version: it changes the catalogue that the version learned from."""
    said = world.registry.lineage("recommender", 1).dataset["catalogue"]
    catalogue = Snapshot.load(Path(said["path"]))
    table = catalogue.table.set_column(6, "title", pa.array(["Renamed"] * catalogue.rows))
    pq.write_table(table, catalogue.path)
    with pytest.raises(NotReproducible, match=r"recommender version 1 is not reproducible: .* changed after it was"):
        reproduce.reproduce("recommender", 1)
