"""The parts of the local platform: URL and state of each."""

from typing import Any

from agro import console, programs, served
from agro.mesh import front
from bentos import supervised
from bentos.supervised import Condition


def parts() -> list[dict[str, Any]]:
    """A row for each part: name, URL, state."""
    conditions = supervised.conditions()
    servers = programs.servers() + ([front.program()] if front.NAME in conditions else [])
    rows = [_row(server.name, server.url, conditions) for server in servers]
    rows += [_row(name, "", conditions) for name in programs.helpers()]
    return rows + served.parts()


def _row(name: str, url: str, conditions: dict[str, Condition]) -> dict[str, Any]:
    found = conditions.get(name, Condition("ABSENT"))
    return {"part": name, "url": url, "state": f"failing: {found.failing}" if found.failing else found.state}


def show(rows: list[dict[str, Any]]) -> None:
    """The parts as a table."""
    console.table("the platform", ["part", "url", "state"], [[row["part"], row["url"], row["state"]] for row in rows])
