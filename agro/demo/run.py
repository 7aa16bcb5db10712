"""Turns the loop once: events, features, models, endpoints, a shifted week, a mail."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agro import console, platform, runs, schema
from agro.demo import champions, drift, endpoints, folder, source, summary
from agro.demo.source import Source
from base.home import home
from bentos import supervised
from features.kinds import find
from models.families import registered


@dataclass
class Story:
    """What has happened so far in this demo."""

    started: float = field(default_factory=time.monotonic)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    drift: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step of the demo, timed and announced."""
        console.console().print(f"[bold green]{title}[/]  [dim]{time.monotonic() - self.started:.0f} s[/]")
        began = time.monotonic()
        yield
        self.steps[title] = round(time.monotonic() - began, 1)


def demo(data: Path | None, keep: bool, as_json: bool) -> dict[str, Any]:
    """Run the demo and write `var/demo/summary.json`.

    Args:
        data: Folder of the caller's data, None for the packaged data.
        keep: Leave the platform running.
        as_json: Print the summary as JSON instead of tables.

    Returns:
        The summary.
    """
    story = Story()
    ran_before = supervised.running()
    with story.step("Read the input"):
        chosen = source.prepare(data, home() / "cache" / "demo", datetime.now(UTC).date(), console.say)
        folder.make_room(chosen, console.say)
    try:
        document = _turn(story, chosen)
    finally:
        if not keep and not ran_before and supervised.running():
            platform.stop()
    path = home() / "demo" / "summary.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(console.plain(document), indent=2))
    if as_json:
        console.print_json(document)
    else:
        summary.show(document, path, running=keep or ran_before)
    return document


def _turn(story: Story, chosen: Source) -> dict[str, Any]:
    """The loop itself."""
    with story.step("Start the platform: ClickHouse, MLflow, Prefect, SMTP, a worker"):
        servers = platform.launch()
        source.draw_leaves(chosen, console.say)
        platform.wait_ready(servers, console.say)
        schema.bring_up(console.say)
        platform.prepare_prefect()
    with story.step("Load events, catalogue, demand and photographs; each row once"):
        first = find(registered(champions.BY_WORKER).kind).input
        rows = _load(chosen, [first])
        workers = champions.WorkersTraining()  # it goes on while the rest is done here
        rows |= _load(chosen, [kind for kind in chosen.history if kind != first])
    here = " and ".join(champions.trained_here(chosen))
    with story.step(f"Train: {champions.BY_WORKER} by a worker, {here} here"):
        story.models = champions.train(chosen)
    with story.step("Promote first champions, build their Bentos, check and serve them"):
        champions.serve_champions(story.models)
        trained = workers.wait()
        champions.serve_champions(trained)
        story.models |= trained
    with story.step("Call every endpoint as an app would"):
        endpoints.call_all(story.models, chosen)
    with story.step("A quiet week, then a shifted one: drift checks, report, mail"):
        story.drift = drift.watch(chosen)
    return summary.document(story.models, story.drift, story.steps, rows, chosen, time.monotonic() - story.started)


def _load(chosen: Source, kinds: Sequence[str]) -> dict[str, Any]:
    """Load everything of these kinds but the last week, by the ingest flow."""
    outcomes = {}
    for kind in kinds:
        path = chosen.history[kind]
        shift = chosen.shift_weeks if kind in chosen.last_week else 0
        outcome = runs.run_flow("ingest", f"ingest {kind}", kind=kind, path=str(path), shift_weeks=shift)
        outcomes[kind] = outcome["files"][0]
        loaded = outcomes[kind]
        console.say(
            f"  {kind}: {loaded['inserted']:,} new, {loaded['duplicates']:,} known, {loaded['rejected']:,} rejected"
        )
    return outcomes
