"""From a moved `champion` to live traffic, and back where the version is worse."""

import time
from functools import partial
from typing import Any

from prefect import flow

from bentos import package as packaging
from bentos.settings import ServingSettings
from flows import ports, records
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.parameters import FIRST_MODEL, ModelName
from flows.prefect_runs import start_once
from flows.progress import tell
from flows.rollout.promoter import Promoter
from models.families import models
from registry.errors import RegistryUnreachable
from rollout.steps import Step

LOOK_S = 1.0
"""Between two looks at a version in shadow or canary."""
DEPLOYMENT = "promote/promote-champion"


def slot(model: str) -> str:
    """The slot that the promotion of a model holds."""
    return f"promote-{model}"


@flow(name="promote", validate_parameters=True, **ALERTING)
def promote(model: ModelName = FIRST_MODEL) -> dict[str, Any]:
    """Bring the version that carries `champion` to live traffic; goes on with what another run left undone.

    A run ends when nothing is left to do, or when only a person can say how it goes on; the next one looks again.

    Args:
        model: A registered model.
    """
    if (holder := records.holder(slot(model))) is not None and holder.process() is not None:
        tell(1.0, f"{holder} does it")
        return {"model": model, "steps": [], "elsewhere": str(holder)}
    with one_at_a_time(slot(model), lease_s=60):
        promoter = ports.connect_promoter(turn=partial(one_at_a_time, "package"))
        done = run(promoter, model)
        settings = ServingSettings()
        packaging.prune(model, settings, {row.tag for row in promoter.journal.history.serving()})
    return {"model": model, "steps": done}


def run(promoter: Promoter, model: str, look_s: float = LOOK_S) -> list[str]:
    """Do steps while any is due; which they were, looks told once."""
    done: list[str] = []
    while (step := promoter.tick(model)).what != "nothing" and not promoter.waits_for_person(model):
        if done[-1:] != [step.what]:
            done.append(step.what)
            tell(0.5, _said(model, step))
        time.sleep(look_s if step.what == "look" else 0)
    return done


def _said(model: str, step: Step) -> str:
    return f"{model} version {step.version}: {step.what} {step.reason}".strip()


@flow(name="reconcile", **ALERTING)
def reconcile() -> dict[str, Any]:
    """See whether what serves is what was chosen, and start the promotion of each model of which it is not."""
    try:
        promoter = ports.connect_promoter()
    except RegistryUnreachable as exc:  # it is told by `agro doctor`; the next minute looks again
        return {"started": [], "reason": str(exc)}
    if records.holder("package") is not None:  # somebody serves something just now; the next minute looks again
        return {"started": [], "reason": "a version is put in place"}
    due = {name: promoter.next_step(name) for name in models() if records.holder(slot(name)) is None}
    started = [name for name, step in due.items() if step.what != "nothing"]
    for name in started:
        start(name)
    return {"started": started}


def start(model: str) -> None:
    """Start the promotion of a model, and do not wait for it; once a minute."""
    start_once(DEPLOYMENT, {"model": model}, f"reconcile {model} {time.time() // 60:.0f}")
