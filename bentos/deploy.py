"""Puts a built Bento in the place of the one that serves, under the local platform's supervisor.

The new version starts beside the one that serves, on a socket of its own. Once it is ready, and was checked, it takes
the port over; the old one answers what it has, and ends.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bentos import command, processes, readiness, standing, supervised
from bentos.bento import Bento
from bentos.errors import BentoUnready
from bentos.places import Place
from bentos.readiness import Said
from bentos.settings import ServingSettings
from bentos.supervised import Section
from web.draining import DRAINING

TAKE_OVER_S = 20.0
"""A holder that has not handed its port on by then hangs, and is ended."""
RETIRE_S = 1.0
"""Longest wait for an old version to end; one that still has callers ends by itself, a few seconds later."""


@dataclass(frozen=True)
class Newcomer:
    """A version that runs beside the one that serves; nobody but us reaches it."""

    bento: Bento
    place: Place
    program: str
    settings: ServingSettings
    beside: tuple[Bento, ...] = ()
    """What its service's other models answer with: one process answers for all of them."""
    ready_s: float = 0.0
    """What it took to get ready."""

    @property
    def port(self) -> int:
        """The port that it is to take over."""
        return self.settings.port(self.bento.model, self.place.arm)

    @property
    def socket(self) -> Path:
        """Where it answers until then."""
        return self.place.socket(self.program)

    def section(self) -> Section:
        """What the supervisor is told."""
        told = command.command(self.port, self.settings, self.place, self.program)
        known = command.environment(self.bento, self.settings, self.place.arm, self.beside)
        return Section(self.program, told, known, self.bento.source, log=self.place.name, may_end=True)


def deploy(bento: Bento, settings: ServingSettings | None = None, arm: str = "champion") -> None:
    """Serve a Bento on its place's port; until it is ready, what serves goes on.

    Raises:
        NoPlatform: No supervised platform runs here.
        PortTaken: Something that is not ours listens on the port.
        BentoUnready: It did not become ready, or did not get the port; what served serves.
    """
    with trial(bento, settings, arm):
        pass


@contextmanager
def trial(
    bento: Bento,
    settings: ServingSettings | None = None,
    arm: str = "champion",
    beside: Iterable[Bento] = (),
) -> Iterator[Newcomer]:
    """Start a Bento as `start` does; it takes the port over at the block's end, and is stopped where that fails.

    Raises:
        NoPlatform: As `start`.
        PortTaken: As `start`.
        BentoUnready: As `start` or `take_over`.
    """
    newcomer = start(bento, settings, arm, beside)
    try:
        yield newcomer
    except BaseException:
        discard(newcomer)
        raise
    take_over(newcomer)


def start(
    bento: Bento,
    settings: ServingSettings | None = None,
    arm: str = "champion",
    beside: Iterable[Bento] = (),
) -> Newcomer:
    """Start a Bento beside the one that serves, and wait until it is ready.

    Args:
        bento: The version.
        settings: The host's; from the environment by default.
        arm: The part of the traffic that it is for.
        beside: What the other models of its service answer with.

    Raises:
        NoPlatform: No supervised platform runs here.
        PortTaken: Something that is not ours listens on the port.
        BentoUnready: It did not become ready, or never will; it was stopped.
    """
    settings, where = settings or ServingSettings(), standing.place(bento.model, arm)
    newcomer = Newcomer(bento, where, _free_name(where), settings, tuple(beside))
    if not _is_held(where, newcomer.port):
        command.check_port(bento, newcomer.port, settings)
    began = time.monotonic()
    supervised.swap(newcomer.section())
    wait_ready(newcomer)
    return replace(newcomer, ready_s=time.monotonic() - began)


def wait_ready(newcomer: Newcomer) -> None:
    """Wait until a newcomer says on its own socket that it answers with its version.

    Raises:
        BentoUnready: It does not in time, says that it never will, or dies again and again; it was stopped.
    """
    patience_s = newcomer.settings.start_timeout_s
    end = time.monotonic() + patience_s
    while not _is_ready(newcomer, said := readiness.at_socket(newcomer.socket)):
        late = f"not ready after {patience_s:g} s" if time.monotonic() > end else ""
        if why := _hopeless(newcomer, said) or late:
            supervised.remove(newcomer.program)
            raise BentoUnready(f"{newcomer.bento.tag} does not serve: {why}")
        time.sleep(0.1)


def take_over(newcomer: Newcomer) -> None:
    """Let a newcomer have the port; the one that served answers what it has, and ends.

    Raises:
        BentoUnready: It did not get the port; it was stopped, and what served serves.
    """
    place, before = newcomer.place, newcomer.place.holder()
    place.give(newcomer.program)
    if not _until(lambda: _listens(newcomer), TAKE_OVER_S) and before:
        supervised.remove(before)  # it hangs
    if not _until(lambda: _listens(newcomer), TAKE_OVER_S):
        place.give(before)
        supervised.remove(newcomer.program)
        raise BentoUnready(f"{newcomer.bento.tag} did not get port {newcomer.port}")
    if before and _until(lambda: not supervised.condition(before).pid, RETIRE_S):
        supervised.remove(before)


def serves(bento: Bento, settings: ServingSettings, arm: str = "champion") -> bool:
    """Whether this very build is what serves: it was checked when it was put there."""
    now = standing.of(bento.model, settings, arm)
    if not now.serves(bento.digest) or now.version != int(bento.version):
        return False
    return (bento.path / "bento.yaml").stat().st_mtime < processes.Process(now.condition.pid).create_time()


def wait_serves(model: str, digest: str, settings: ServingSettings, arm: str = "champion") -> None:
    """Wait until a model's arm serves the artifact of that digest.

    Raises:
        BentoUnready: It does not in time, says that it never will, or dies again and again.
    """
    end = time.monotonic() + settings.start_timeout_s
    while not (now := standing.of(model, settings, arm)).serves(digest):
        if now.wrong or time.monotonic() > end:
            raise BentoUnready(f"{now.url}: {now.wrong or f'not ready after {settings.start_timeout_s:g} s'}")
        time.sleep(0.1)


def discard(newcomer: Newcomer) -> None:
    """Stop a newcomer that is not wanted."""
    supervised.remove(newcomer.program)


def again(bento: Bento, settings: ServingSettings, arm: str = "champion", beside: Iterable[Bento] = ()) -> Section:
    """What a supervisor that starts is told of a Bento that served before; it gets the port."""
    where = standing.place(bento.model, arm)
    newcomer = Newcomer(bento, where, where.program(1), settings, tuple(beside))
    where.give(newcomer.program)
    return newcomer.section()


def sweep(where: Place) -> None:
    """Stop what never got a place's port, or ended; one that still answers what it has ends by itself."""
    for name, condition in supervised.conditions().items():
        if where.numbered(name) and name != where.holder() and not (condition.pid and _is_leaving(where, name)):
            supervised.remove(name)


def _free_name(where: Place) -> str:
    """A name that no program of the place has."""
    sweep(where)
    taken = supervised.conditions()
    return next(name for number in range(1, 100) if (name := where.program(number)) not in taken)


def _is_leaving(where: Place, name: str) -> bool:
    """Whether a program only answers what it has."""
    return readiness.at_socket(where.socket(name)).get("detail") == DRAINING


def _is_held(where: Place, port: int) -> bool:
    """Whether a program of the place has the port."""
    programs = supervised.conditions().items()
    return any(where.numbered(name) and condition.listens(port) for name, condition in programs)


def _is_ready(newcomer: Newcomer, said: Said) -> bool:
    """Whether it answers for every model that it was given."""
    return all(readiness.is_ready(said, one.model, one.digest) for one in (newcomer.bento, *newcomer.beside))


def _hopeless(newcomer: Newcomer, said: Said) -> str:
    """Why a newcomer will not get ready by waiting; empty where it may."""
    if reason := readiness.refusal(said):
        return f"it refuses: {reason}"
    condition = supervised.condition(newcomer.program)
    return f"{condition.failing}: {supervised.last_line(newcomer.place.name)}" if condition.failing else ""


def _listens(newcomer: Newcomer) -> bool:
    return supervised.condition(newcomer.program).listens(newcomer.port)


def _until(true: Callable[[], bool], patience_s: float) -> bool:
    """Wait until something is so; whether it is."""
    end = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
