"""A model's rollout as the command line shows it, and what people say to it."""

import time
from typing import Any

from agro import console
from agro.errors import AgroError
from models.families import family
from registry.connection import account
from rollout.row import ENDS, Event, Row
from rollout.steps import Rollout, stands, under_way

LOOK_S = 0.5


class NothingUnderWay(AgroError):
    """The model has no rollout that somebody could say something to."""


def pause(model: str) -> None:
    """Take no further step."""
    _say(model, Event.PAUSE, "paused by a person")


def resume(model: str) -> None:
    """Go on."""
    _say(model, Event.RESUME, "resumed by a person")


def abort(model: str) -> None:
    """Take the version back; when this returns no request reaches it any more."""
    from flows.ports import connect_promoter

    _say(model, Event.ABORT, "taken back by a person")
    connect_promoter().tick(model)


def _say(model: str, event: Event, result: str) -> None:
    from flows.ports import connect_history

    family(model)
    history = connect_history()
    going = under_way(history.rows(model))
    if going is None:
        raise NothingUnderWay(f"{model} has no rollout under way; `agro history {model}` shows what was")
    history.append(Row(model, event, going.version, before=going.before, who=account(), result=result))


def document(model: str) -> dict[str, Any]:
    """How far a model's rollout is: its version, step, weights and what was decided last."""
    from flows.ports import connect_history

    family(model)
    rows = connect_history().rows(model)
    going, serving = under_way(rows), stands(rows)
    said: dict[str, Any] = {"model": model, "serves": serving.version if serving else None, "under_way": bool(going)}
    return said | (_going(going) if going else {"last": _last(rows)}) | {"weights": _weights(model)}


def _going(going: Rollout) -> dict[str, Any]:
    state = going.state
    paused = bool(state and state.paused) or any(row.event == "pause" for row in going.words[-1:])
    return {
        "version": going.version,
        "before": going.before,
        "since": going.rows[0].at.isoformat(timespec="seconds"),
        "step": going.plan.name(state.step) if state else going.rows[-1].event,
        "steps": [going.plan.name(number) for number in range(going.plan.live + 1)] if not going.at_once else [],
        "paused": paused,
        "answered": state.total.answered if state else 0,
        "said": going.rows[-1].result,
    }


def _last(rows: list[Row]) -> dict[str, Any] | None:
    """How the last rollout ended."""
    ended = next((row for row in reversed(rows) if row.event in ENDS), None)
    return {key: ended.to_json()[key] for key in ("event", "version", "at", "result")} if ended else None


def _weights(model: str) -> dict[str, int]:
    from flows.ports import connect_target

    split = connect_target().get(model)
    return {str(arm): share for arm, share in split.weights.items()} if split else {}


def show(model: str) -> None:
    """How far it is, once."""
    console.say(_words(document(model)))


def watch(model: str) -> None:
    """How far it is, until it ends or somebody stops watching."""
    from rich.live import Live

    said = document(model)
    with Live(_words(said), console=console.console(stderr=False), refresh_per_second=4) as live:
        while said["under_way"]:
            time.sleep(LOOK_S)
            said = document(model)
            live.update(_words(said))


def _words(said: dict[str, Any]) -> str:
    weights = ", ".join(f"{arm} {share} %" for arm, share in said["weights"].items()) or "all of it to one version"
    head = f"{said['model']} serves version {said['serves']}; traffic: {weights}"
    return f"{head}\n{_on_its_way(said) if said['under_way'] else _over(said['last'])}"


def _over(last: dict[str, Any] | None) -> str:
    ended = f"; the last: version {last['version']}, {last['event']}: {last['result']}" if last else ""
    return f"no rollout under way{ended}"


def _on_its_way(said: dict[str, Any]) -> str:
    steps = " > ".join(f"[{step}]" if step == said["step"] else step for step in said["steps"]) or said["step"]
    paused = " (paused)" if said["paused"] else ""
    last = f"{said['answered']:,} requests; {said['said']}"
    return f"version {said['version']} since {said['since']}{paused}: {steps}\n{last}"
