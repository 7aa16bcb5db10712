"""Brings prefect.yaml to the server: pool, concurrency slots, deployments."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from flows.errors import FlowsError
from flows.locks import TRAINING_SLOTS, TUNING_SLOTS, create_slots
from flows.runtime import connect_prefect
from flows.settings import PrefectSettings


class DeployFailed(FlowsError):
    """Prefect refused the work pool or a deployment."""


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
    state = hashlib.sha256(file.read_bytes() + str(file.absolute()).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return False
    _deploy(file)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state)
    return True


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
