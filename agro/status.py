"""The parts of the local platform: URL and state of each."""

from typing import Any

from agro import console, programs
from agro.mesh import front
from bentos import deploy, deployed, supervised
from bentos.settings import ServingSettings
from bentos.supervised import Condition


def parts() -> list[dict[str, Any]]:
    """A row for each part: name, URL, state."""
    conditions = supervised.conditions()
    servers = programs.servers() + ([front.program()] if front.NAME in conditions else [])
    rows = [_row(server.name, server.url, conditions) for server in servers]
    rows += [_row(name, "", conditions) for name in programs.helpers()]
    settings = ServingSettings()
    for entry in deployed.everything(settings.deployed).values():
        base = deploy.url(settings, entry.port)
        row, refusal = _row(entry.model, base, conditions), deploy.refusal(base)
        rows.append(row | ({"state": f"refuses: {refusal}"} if refusal else {}))
    damaged = deployed.damaged(settings.deployed)
    return rows + [{"part": model, "url": "", "state": f"unknown: {wrong}"} for model, wrong in damaged.items()]


def _row(name: str, url: str, conditions: dict[str, Condition]) -> dict[str, Any]:
    found = conditions.get(name, Condition("ABSENT"))
    return {"part": name, "url": url, "state": f"failing: {found.failing}" if found.failing else found.state}


def show(rows: list[dict[str, Any]]) -> None:
    """The parts as a table."""
    console.table("the platform", ["part", "url", "state"], [[row["part"], row["url"], row["state"]] for row in rows])
