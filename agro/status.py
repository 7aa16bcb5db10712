"""The parts of the local platform: URL and state of each."""

from typing import Any

from agro import console, programs
from bentos import deployed, supervised


def parts() -> list[dict[str, Any]]:
    """A row for each part: name, URL, state."""
    states = supervised.states()
    rows = [{"part": server.name, "url": server.url, "state": states.get(server.name)} for server in programs.servers()]
    rows.append({"part": "worker", "url": "", "state": states.get("worker")})
    for row in deployed.current():
        rows.append({"part": row.model, "url": row.url, "state": states.get(row.model)})
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """The parts as a table."""
    console.table("the platform", ["part", "url", "state"], [[row["part"], row["url"], row["state"]] for row in rows])
