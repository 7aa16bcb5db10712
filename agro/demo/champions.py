"""Trains the models that the demo has data for, promotes the first champions, and serves them."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from agro import console, runs
from agro.demo.source import Source
from agro.errors import DemoFailed
from features.kinds import find
from models.families import models, registered

BY_WORKER = "leaf-disease"
"""Its training takes longest: a worker begins it while the rest is loaded and trained here."""


def trained_here(chosen: Source) -> list[str]:
    """The other models that the demo has data for."""
    having = [name for name, record in models().items() if find(record.kind).input in chosen.history]
    return [name for name in having if name != BY_WORKER]


def train(chosen: Source) -> dict[str, dict[str, Any]]:
    """Train what is trained here by its flow, in this process.

    A demo run again on the same data, with the same code, shows the versions it trained before.
    """
    outcomes = {}
    for name in trained_here(chosen):
        outcomes[name] = runs.train(name, None, None, chosen.as_of, reuse=True)[0]
        runs.show_training(outcomes[name], stderr=True)
    return outcomes


class WorkersTraining:
    """A training in the worker, started as `prefect deployment run` starts it."""

    def __init__(self) -> None:
        from flows.runtime import connect_prefect

        connect_prefect()
        from prefect.deployments import run_deployment

        record = registered(BY_WORKER)
        self.flow = record.flow
        self.run = run_deployment(f"{record.flow}/{record.slot}", parameters={"reuse": True}, timeout=0)

    def wait(self) -> dict[str, dict[str, Any]]:
        """The outcome by model once the run is done.

        Raises:
            DemoFailed: It failed or took too long.
        """
        outcome = self._outcome()
        runs.show_training(outcome, stderr=True)
        return {outcome["model"]: outcome}

    def _outcome(self, timeout_s: float = 900) -> dict[str, Any]:
        from prefect.client.orchestration import get_client

        end = time.monotonic() + timeout_s
        with get_client(sync_client=True) as client, console.console().status(f"the worker runs {self.flow}"):
            while True:
                found = client.read_flow_run(self.run.id)
                if found.state is not None and found.state.is_final():
                    break
                if time.monotonic() > end:
                    raise DemoFailed(f"{self.flow} did not end within {timedelta(seconds=timeout_s)}")
                time.sleep(0.5)
        if not found.state.is_completed():
            raise DemoFailed(f"{self.flow} ended {found.state.name}: {found.state.message}")
        return json.loads(Path(found.state.data.storage_key).read_text())  # the flow keeps its outcome as JSON


def serve_champions(models: dict[str, dict[str, Any]]) -> None:
    """Promote the first version of each model that has no champion yet, then package and serve the champions.

    A first version that the gate could not tell is promoted as well, and said so: without one there is no loop to see.
    Later versions wait as challenger: moving `champion` is a person's decision.

    Raises:
        DemoFailed: A first version did not pass its gate.
    """
    from flows.ports import connect_champions

    champions = connect_champions()
    for name, outcome in models.items():
        if champions.observe(name) is None:
            gate = outcome["gate"]
            if gate["outcome"] == "failed":
                raise DemoFailed(f"the first {name} did not pass its gate: {'; '.join(gate['reasons'])}")
            champions.promote(name, outcome["version"])
            unsure = "" if gate["passed"] else ", although its gate cannot tell: a person would have to decide"
            console.say(f"  {name}: version {outcome['version']} is the first champion{unsure}")
        served = runs.package(name, None, deploy=True)
        outcome["champion"], outcome["service"] = served["version"], served["url"]
        console.say(f"  {served['tag']} serves at {served['url']}")
