"""What a training's run and version say in MLflow: parameters, metrics, tags and the training set as an input."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from models.evaluation import Evaluation
from registry import card
from registry.packing import document, picture_names, plain
from registry.records import AS_OF, DIGEST, METRICS, NOISE, RECIPE, THREADS, TRAINING, Training, hashes_beside

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Param

_LONGEST_NOTE, _LONGEST_DESCRIPTION, _LONGEST_SOURCE, _LONGEST_TAG = 8000, 5000, 60_000, 5000


class Sourced(Protocol):
    """Whatever learned from a training set."""

    @property
    def name(self) -> str:
        """Registered model."""

    @property
    def dataset(self) -> dict[str, Any]:
        """The training set."""


def run_tags(training: Training, digest: str, who: str) -> dict[str, str]:
    """Tags of the run."""
    data = training.dataset
    contract = data.get("contract") or {}
    tags = {
        **_tags(training, digest),
        TRAINING: training.id,
        "known_at": str(data.get("known_at", "")),
        "contract": card.contract_line(contract) if contract else "not checked",
        "mlflow.user": who,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": f"{training.name}: {training.recipe.algorithm}",
        "mlflow.source.git.commit": training.commit,
    }
    return {key: value[:_LONGEST_TAG] for key, value in tags.items()}


def version_tags(training: Training, digest: str) -> dict[str, str]:
    """Tags of the version: what the registry has to know without looking into the run."""
    noise = training.evaluation.refit_noise
    return _tags(training, digest) | {
        "algorithm": training.recipe.algorithm,
        RECIPE: training.recipe.model_dump_json(),
        METRICS: json.dumps(plain(training.evaluation.metrics)),
        **({NOISE: json.dumps(noise._asdict())} if noise else {}),
    }


def _tags(training: Training, digest: str) -> dict[str, str]:
    return {
        **training.decision.tags(),
        "commit": training.commit,
        DIGEST: digest,
        AS_OF: str(training.dataset.get("as_of", "")),
        **({THREADS: json.dumps(training.threads)} if training.threads else {}),
        **hashes(training.dataset),
    }


def hashes(dataset: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of a training set's snapshots as tags: `snapshot`, and those beside it by their kind, as `catalogue`."""
    return {"snapshot": str(dataset.get("content_hash", ""))} | hashes_beside(dataset)


def params(training: Training) -> "list[Param]":
    """Parameters: the recipe, what its evaluation chose, and the protocol; each value has a name of its own."""
    protocol = dict(training.evaluation.protocol)
    values = {"algorithm": training.recipe.algorithm, **flat(training.recipe.params)}
    values |= {f"chosen.{key}": value for key, value in flat(protocol.pop("chosen", {})).items()}
    return as_params(values | {f"protocol.{key}": value for key, value in flat(protocol).items()})


def flat(values: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """Values by one name each: MLflow draws and compares what has a name of its own.

    >>> flat({"reg": 3, "profile": {"one": 0.5, "rel": {"far": 2}}, "none": {}})
    {'reg': 3, 'profile.one': 0.5, 'profile.rel.far': 2, 'none': {}}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        full = f"{within}{name}"
        found |= flat(value, f"{full}.") if isinstance(value, Mapping) and value else {full: value}
    return found


def as_params(values: Mapping[str, Any]) -> "list[Param]":
    """Values as parameters of a run, at most as many as MLflow takes at once."""
    from mlflow.entities import Param

    return [Param(key_of(key), _text(value)) for key, value in values.items()][:100]


def as_metrics(values: Mapping[str, float], step: int = 0) -> "list[Metric]":
    """Values as metrics of a run at this moment."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(key_of(key), float(value), now, step) for key, value in values.items()]


def metrics(training: Training, model_id: str, run_id: str) -> "list[Metric]":
    """Metrics, those of the baselines under `baseline/metric`, gains and slices likewise."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    name, digest = dataset_name(training)
    values = {key_of(key): float(value) for key, value in figures(training).items()}
    return [
        Metric(key, value, now, 0, model_id=model_id, dataset_name=name, dataset_digest=digest, run_id=run_id)
        for key, value in values.items()
    ][:1000]


def figures(training: Training) -> dict[str, float]:
    """Every figure of a training by its name in MLflow, before characters are replaced."""
    found = training.evaluation
    values = dict(found.metrics)
    values |= {f"{who}/{key}": value for who, scores in found.baselines.items() for key, value in scores.items()}
    for who, gain in training.decision.comparisons.items():
        values |= {f"gain_over_{who}/{part}": value for part, value in gain._asdict().items()}
    values |= {f"slice/{name}": value for name, value in _parts(found).items()}
    values |= {"refit_sd": found.refit_noise.sd} if found.refit_noise else {}
    return values | {"n": float(found.n), "evaluation_seconds": found.seconds, "training_seconds": training.seconds}


def _parts(found: Evaluation) -> dict[str, float]:
    """Figures of slices and notes, by paths."""
    told: dict[str, Any] = {}
    for one in found.slices:
        own = {"n": one.n, found.primary: one.score, "baselines": one.baselines}
        told |= {f"{one.name.replace(': ', '/')}/{key.replace('.', '/')}": part for key, part in flat(own).items()}
    told |= {name.replace(".", "/"): part for name, part in flat(found.notes).items()}
    return {name: part for name, part in told.items() if isinstance(part, int | float)}


def key_of(name: str) -> str:
    """A name that MLflow accepts as a key.

    >>> key_of("ndcg@10")
    'ndcg_at_10'
    """
    kept = "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name.replace("@", "_at_"))
    return kept[:250]


def dataset_name(training: Sourced) -> tuple[str, str]:
    """Name and digest of the training set as MLflow shows them."""
    return str(training.dataset.get("kind") or training.name), str(training.dataset.get("content_hash", "unknown"))[:36]


def dataset_input(training: Sourced) -> "DatasetInput":
    """The training set as an input of the run: where from, as of when, how many rows, which contract."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data = training.dataset
    name, digest = dataset_name(training)
    source = {key: value for key, value in data.items() if key not in ("contract", "extra", "columns")}
    text = document(source)
    if len(text) > _LONGEST_SOURCE:
        text = document({key: value for key, value in source.items() if key != "query"} | {"query": "see dataset.json"})
    columns = [{"type": "any", "name": str(column), "required": True} for column in data.get("columns") or []]
    profile = {"num_rows": data.get("rows"), "num_elements": (data.get("rows") or 0) * max(len(columns), 1)}
    contract = data.get("contract") or {}
    tags = {"mlflow.data.context": "training", "content_hash": str(data.get("content_hash", ""))}
    tags |= {key: str(data[key]) for key in ("as_of", "known_at", "rows") if data.get(key) is not None}
    tags |= {"contract": card.contract_line(contract)} if contract else {}
    dataset = Dataset(
        name, digest, "clickhouse", text, json.dumps({"mlflow_colspec": columns}), json.dumps(profile)
    )  # fmt: skip
    return DatasetInput(dataset, [InputTag(key, value[:500]) for key, value in tags.items()])


def notes(training: Training, run_id: str) -> tuple[str, str]:
    """The card as MLflow's pages show it: on the run, and as the version's description."""
    addresses = {
        name: f"get-artifact?path={quote(f'pictures/{name}', safe='')}&run_uuid={run_id}"
        for name in picture_names(training)
    }
    text = card.summary(training, addresses)
    return _shortened(text, _LONGEST_NOTE), _shortened(text, _LONGEST_DESCRIPTION)


def _shortened(text: str, longest: int) -> str:
    tail = "\n\n(the whole card is the run's artifact `card/model-card.html`)"
    return text if len(text) <= longest else text[: longest - len(tail)].rsplit("\n", 1)[0] + tail


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
