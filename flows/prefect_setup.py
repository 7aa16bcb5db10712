"""Brings prefect.yaml to the server: pool, concurrency slots, deployments."""

import hashlib
import os
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from base.files import write_whole
from flows.catalogue import FLOWS
from flows.errors import FlowsError
from flows.locks import PROMOTION_SLOTS, TRAINING_SLOTS, TUNING_SLOTS, create_slots
from flows.runtime import connect_prefect
from flows.settings import PrefectSettings
from models import algorithm, families
from models.families import OWN, RegisteredModel, models

GROUPS = (families.GROUP, algorithm.GROUP)
FIRST_NIGHT = "2026-01-04T03:45:00+00:00"
"""A Sunday night, from which the schedules of other packages' models are counted."""


class DeployFailed(FlowsError):
    """Prefect refused the work pool or a deployment."""


FORMER_NAME = "local"
"""What every deployment was called before each had a name of its own; a server may still have those."""


def apply(file: Path, settings: PrefectSettings | None = None) -> bool:
    """Create the work pool and slots, and deploy every flow of `file` unless the server already has just that.

    A model of another package, of which `file` knows nothing, is given a deployment of its training, too.

    Returns:
        Whether anything was deployed.

    Raises:
        PrefectUnreachable: The server does not answer.
        DeployFailed: Prefect refused.
    """
    settings = settings or PrefectSettings()
    connect_prefect(settings)
    create_pool(settings.pool)
    create_slots([*TRAINING_SLOTS, *TUNING_SLOTS, *PROMOTION_SLOTS, "package", "ingest", "predict"])
    stamp, state = settings.home / "deployed", _state(file)
    if stamp.exists() and stamp.read_text() == state:
        return False
    whole = settings.home / "prefect.yaml"
    write_whole(whole, completed(file.read_text(), settings.pool).encode())
    _deploy(whole, file.parent)
    _remove(FORMER_NAME)
    write_whole(stamp, state.encode())
    return True


def completed(text: str, pool: str) -> str:
    """The deployments of a `prefect.yaml`, and one for each model of another package that none of them trains."""
    import yaml

    project = yaml.safe_load(text)
    known = {row["entrypoint"] for row in project["deployments"]}
    others = [record for record in models().values() if record not in OWN and entry_point(record) not in known]
    project["deployments"] += [_deployment(record, pool) for record in others]
    return yaml.safe_dump(project, sort_keys=False)


def entry_point(record: RegisteredModel) -> str:
    """Where Prefect finds the training flow of a model."""
    module, attribute = FLOWS[record.flow]
    return f"{module.replace('.', '/')}.py:{attribute}"


def _deployment(record: RegisteredModel, pool: str) -> dict[str, Any]:
    every = {"interval": 86_400 * record.every_days, "anchor_date": FIRST_NIGHT, "timezone": "UTC"}
    return {
        "name": record.slot,
        "description": f"A new {record.name} on everything known until now.",
        "entrypoint": entry_point(record),
        "tags": ["training", record.name],
        "parameters": {},
        "schedules": [every],
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "work_pool": {"name": pool},
    }


def _state(file: Path) -> str:
    """A hash of all that a deployment is made of: the file, and the code that says which parameters a flow takes."""
    rooms = [file.parent / room for room in ("flows", "models")]
    code = [path for room in [*rooms, *_folders()] for path in sorted(room.rglob("*.py"))]
    found = hashlib.sha256(str(file.absolute()).encode())
    for path in [file, *code]:
        found.update(path.read_bytes())
    return found.hexdigest()


def _folders() -> list[Path]:
    """Where the code of other packages is that add a model or an algorithm."""
    points = [point for group in GROUPS for point in entry_points(group=group)]
    found = [find_spec(point.module) for point in points]
    return sorted({Path(spec.origin).parent for spec in found if spec and spec.origin})


def _remove(name: str) -> None:
    """Remove the deployments of our flows that have this name, and with them their scheduled runs."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, FlowFilter, FlowFilterName

    with get_client(sync_client=True) as client:
        found = client.read_deployments(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[name])),
        )
        for deployment in found:
            client.delete_deployment(deployment.id)


def create_pool(name: str) -> None:
    """Create a process work pool of that name where there is none."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client:
        if name not in {pool.name for pool in client.read_work_pools(limit=200)}:
            try:
                client.create_work_pool(WorkPoolCreate(name=name, type="process"))
            except ObjectAlreadyExists:
                return


def _deploy(file: Path, root: Path) -> None:
    """Deploy what a file says, from the folder that its entry points lie in."""
    prefect = Path(sys.executable).parent / "prefect"
    environment = {**os.environ, "PWD": str(root), "PYTHONPATH": str(root)}
    answer = subprocess.run(
        [str(prefect), "--no-prompt", "deploy", "--all", "--prefect-file", str(file)],
        cwd=root, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if answer.returncode:
        raise DeployFailed(f"prefect deploy failed: {(answer.stderr or answer.stdout).strip()[-400:]}")
