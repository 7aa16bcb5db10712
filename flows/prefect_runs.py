"""Starting a deployment over Prefect's API, without importing Prefect."""

from typing import Any

from flows.errors import FlowsError
from flows.settings import PrefectSettings
from web.client import client

_TIMEOUT_S = 10.0


class Missing(FlowsError):
    """Prefect knows no such deployment, or refuses it what it is given."""


def start_once(deployment: str, parameters: dict[str, Any], key: str) -> bool:
    """Plan a run for now, unless one was planned under the same key.

    Args:
        deployment: As `flow/deployment`.
        parameters: What the flow is given; the rest is as in the deployment.
        key: Whoever comes again with it gets the run of before.

    Returns:
        Whether this is a new run.

    Raises:
        Missing: There is no such deployment, or it does not take the parameters.
        httpx.HTTPError: Prefect does not answer.
    """
    api = PrefectSettings().url
    found = client().get(f"{api}/deployments/name/{deployment}", timeout=_TIMEOUT_S)
    if found.status_code == 404:
        raise Missing(f"Prefect has no deployment {deployment}; `agro up` brings it there")
    made = client().post(
        f"{api}/deployments/{found.raise_for_status().json()['id']}/create_flow_run",
        json={"parameters": parameters, "idempotency_key": key},
        timeout=_TIMEOUT_S,
    )
    if made.status_code in (409, 422):
        raise Missing(f"{deployment} does not take {parameters}: {made.text[:300]}")
    return made.raise_for_status().status_code == 201
