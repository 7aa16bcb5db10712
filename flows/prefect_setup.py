"""Brings prefect.yaml to the server: pool, concurrency slots, deployments."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from flows.catalogue import FLOWS
from flows.errors import FlowsError
from flows.locks import TRAINING_SLOTS, TUNING_SLOTS, create_slots
from flows.runtime import connect_prefect
from flows.settings import PrefectSettings


class DeployFailed(FlowsError):
    """Prefect refused the work pool or a deployment."""


FORMER_NAME = "local"
"""What every deployment was called before each had a name of its own; a server may still have those."""


def apply(file: Path, settings: PrefectSettings | None = None) -> bool:
    """Create the work pool and slots, and deploy every flow of `file` unless the server already has just that.

    Returns:
        Whether anything was deployed.

    Raises:
        PrefectUnreachable: The server does not answer.
        DeployFailed: Prefect refused.
    """
    settings = settings or PrefectSettings()
    connect_prefect(settings)
    create_pool(settings.pool)
    create_slots([*TRAINING_SLOTS, *TUNING_SLOTS, "package", "ingest", "predict"])
    stamp = settings.home / "deployed"
    state = _state(file)
    if stamp.exists() and stamp.read_text() == state:
        return False
    _deploy(file)
    _remove(FORMER_NAME)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state)
    return True


def _state(file: Path) -> str:
    """A hash of all that a deployment is made of: the file, and the code that says which parameters a flow takes."""
    code = [path for room in ("flows", "models") for path in sorted((file.parent / room).rglob("*.py"))]
    found = hashlib.sha256(str(file.absolute()).encode())
    for path in [file, *code]:
        found.update(path.read_bytes())
    return found.hexdigest()


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


def _deploy(file: Path) -> None:
    prefect = Path(sys.executable).parent / "prefect"
    environment = {**os.environ, "PWD": str(file.parent), "PYTHONPATH": str(file.parent)}
    answer = subprocess.run(
        [str(prefect), "--no-prompt", "deploy", "--all", "--prefect-file", str(file)],
        cwd=file.parent, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if answer.returncode:
        raise DeployFailed(f"prefect deploy failed: {(answer.stderr or answer.stdout).strip()[-400:]}")
