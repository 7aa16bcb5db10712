"""What serves on this machine by the table of what served, and how it really stands."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bentos import deploy, standing, supervised
from bentos.bento import Bento, find
from bentos.errors import BentoNotFound, BentoRefused, BentoUnready
from bentos.places import Place
from bentos.settings import ServingSettings
from bentos.supervised import Section
from rollout.errors import RolloutError

if TYPE_CHECKING:
    from rollout.row import Row


def rows() -> "list[Row]":
    """What serves, a row for each model's arm.

    Raises:
        RolloutError: The table cannot be read; the message says what to do.
    """
    from flows.ports import connect_history

    return connect_history().serving()


def sections() -> list[Section]:
    """What a supervisor that starts is told of what served last; what is no longer built is left out."""
    settings = ServingSettings()
    try:
        standing_there = list(_by_place(rows(), settings))
    except RolloutError:  # told by `wait`
        return []
    return [deploy.again(first, settings, where.arm, others) for where, (first, *others) in standing_there]


def _by_place(served: "list[Row]", settings: ServingSettings) -> Iterator[tuple[Place, list[Bento]]]:
    """The Bentos of each place, the newest first: its code answers for the models of one service."""
    found: dict[Place, list[Bento]] = {}
    for row in sorted(served, key=lambda row: row.at, reverse=True):
        try:
            found.setdefault(standing.place(row.model, row.arm), []).append(find(row.tag, settings.home))
        except (BentoNotFound, BentoRefused):
            continue
    yield from ((where, bentos) for where, bentos in found.items() if bentos)


def wait(tell: Callable[[str], None]) -> None:
    """Wait until what served last serves again; what will not is told, and holds nothing up."""
    settings = ServingSettings()
    try:
        served = rows()
    except RolloutError as exc:
        tell(f"nothing serves: {exc}")
        return
    for row in served:
        try:
            find(row.tag, settings.home)
            deploy.wait_serves(row.model, row.digest, settings, row.arm)
            tell(f"{row.tag} ready at {standing.url(row.model, settings, row.arm)}")
        except (BentoNotFound, BentoRefused, BentoUnready) as exc:
            tell(f"{row.tag} does not serve: {exc}; `agro serve {row.model}` builds it anew")


def parts() -> list[dict[str, str]]:
    """Name, address and state of what serves, as `agro up` shows them."""
    try:
        return [_part(row) for row in rows()]
    except RolloutError as exc:
        return [{"part": "history", "url": "", "state": f"unknown: {exc}"}]


def _part(row: "Row") -> dict[str, str]:
    now = standing.of(row.model, arm=row.arm)
    name = row.model if row.arm == "champion" else f"{row.model} {row.arm}"
    return {"part": name, "url": now.url, "state": now.wrong or now.condition.state}


def stands(row: "Row") -> tuple[bool, str, str]:
    """Whether all is well with what should serve, what was found, and what to do."""
    if not supervised.running():
        return True, f"{row.tag} stopped", ""
    now = standing.of(row.model, arm=row.arm)
    if now.serves(row.digest) and not now.condition.failing:
        return True, f"{row.tag} ready", ""
    if now.starting:
        return False, f"{row.tag} is starting", "wait a moment, and look again"
    remedy = f"serve it anew: `agro serve {row.model}`; log: {supervised.log(now.log)}"
    return False, f"{row.tag} does not serve: {now.wrong or _otherwise(now)}", remedy


def _otherwise(now: standing.Standing) -> str:
    """What answers in its place."""
    if not now.program:
        return "nothing was started for it"
    if not now.said:
        return now.condition.state
    told = f"{now.said.get('model', 'something')} {now.said.get('model_version', '')}"
    return f"{told} {'' if now.listens else 'of another process '}answers on its port"
