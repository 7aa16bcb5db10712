"""Whether what should run by itself does: last and next run of every scheduled deployment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

GRACE = timedelta(minutes=2)
"""How long a server that has just started may take to plan runs, and a worker to take up one that is due."""
_WAITS_FOR_A_WORKER = ("Scheduled", "Late")
_MOST_PLANNED = 200


@dataclass(frozen=True)
class Schedule:
    """A scheduled deployment and its runs, times in UTC."""

    name: str
    """Flow and deployment, as `prefect deployment run` takes them."""
    planned_since: datetime
    """When its schedule was last set."""
    last: datetime | None = None
    last_state: str = ""
    next: datetime | None = None
    missed: datetime | None = None
    """When the oldest run was due that no worker has taken up."""

    def fault(self, now: datetime, server_since: datetime) -> str | None:
        """What is wrong with it, where the server has run since then; None: nothing."""
        if self.missed is not None and now - self.missed > GRACE:
            return f"the run due {_told(self.missed)} has not begun"
        if self.next is None and now - max(self.planned_since, server_since) > GRACE:
            return "no next run is planned"
        return None

    def __str__(self) -> str:
        """Last and next run in words."""
        last = f"last {_told(self.last)} {self.last_state}" if self.last else "never ran"
        return f"{last}, next {_told(self.next) if self.next else 'none'}"


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def read(now: datetime | None = None) -> list[Schedule]:
    """Every deployment with an active schedule, by name.

    Raises:
        PrefectUnreachable: The server does not answer.
    """
    from flows.runtime import connect_prefect

    connect_prefect()
    from prefect.client.orchestration import get_client

    now = now or datetime.now(UTC)
    with get_client(sync_client=True) as client:
        flows = {flow.id: flow.name for flow in client.read_flows(limit=_MOST_PLANNED)}
        found = [row for row in client.read_deployments(limit=_MOST_PLANNED) if _runs_by_itself(row)]
        return sorted((_read(client, row, flows[row.flow_id], now) for row in found), key=lambda row: row.name)


def _runs_by_itself(deployment: "DeploymentResponse") -> bool:
    return not deployment.paused and any(schedule.active for schedule in deployment.schedules)


def _read(client: "SyncPrefectClient", deployment: "DeploymentResponse", flow: str, now: datetime) -> Schedule:
    last, planned = _runs(client, deployment)
    due = [run.expected_start_time for run in planned if run.expected_start_time]
    waiting = [run.expected_start_time for run in planned if run.state_name in _WAITS_FOR_A_WORKER]
    return Schedule(
        name=f"{flow}/{deployment.name}",
        planned_since=max(row.updated or now for row in deployment.schedules),
        last=last.start_time if last else None,
        last_state=(last.state_name or "") if last else "",
        next=min((moment for moment in due if moment > now), default=None),
        missed=min((moment for moment in waiting if moment and moment <= now), default=None),
    )


def _runs(
    client: "SyncPrefectClient", deployment: "DeploymentResponse"
) -> tuple["FlowRun | None", Sequence["FlowRun"]]:
    """The run that began last, and those that have not begun."""
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    mine = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
    begun = FlowRunFilterStateType(not_any_=[StateType.SCHEDULED, StateType.PENDING])
    planned = FlowRunFilterStateType(any_=[StateType.SCHEDULED])
    last = client.read_flow_runs(
        deployment_filter=mine,
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=begun)),
        sort=FlowRunSort.START_TIME_DESC,
        limit=1,
    )
    rest = client.read_flow_runs(
        deployment_filter=mine,
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=planned)),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=_MOST_PLANNED,
    )
    return next(iter(last), None), rest
