"""The parts of the local platform: URL and state of each."""

from typing import Any

from agro import console, programs
from bentos import deploy, deployed, supervised
from bentos.settings import ServingSettings


def parts() -> list[dict[str, Any]]:
    """A row for each part: name, URL, state."""
    states = supervised.states()
    rows = [{"part": server.name, "url": server.url, "state": states.get(server.name)} for server in programs.servers()]
    rows.append({"part": "worker", "url": "", "state": states.get("worker")})
    settings = ServingSettings()
    for row in deployed.everything(settings.deployed).values():
        rows.append({"part": row.model, "url": deploy.url(settings, row.port), "state": states.get(row.model)})
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """The parts as a table."""
    console.table("the platform", ["part", "url", "state"], [[row["part"], row["url"], row["state"]] for row in rows])
