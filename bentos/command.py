"""How the process that serves a Bento is started: command and environment, for whoever starts it."""

import json
import os
import sys
from collections.abc import Iterable

from base import sockets
from bentos.bento import Bento
from bentos.errors import PortTaken
from bentos.places import Place
from bentos.settings import ServingSettings

_THREAD_BOUNDS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def command(port: int, settings: ServingSettings, place: Place | None = None, program: str = "") -> list[str]:
    """The command that serves a Bento; it is run in the Bento's own code, `Bento.source`.

    Args:
        port: Where it answers.
        settings: The host's.
        place: Where it stands, if it shares the port with other versions.
        program: Its name there.
    """
    listen = ["--listen", f"{settings.host}:{port}", "--patience", str(settings.stop_timeout_s)]
    there = ["--place", str(place.folder), "--service", place.service, "--arm", place.arm] if place else []
    return [sys.executable, "-m", "bentos.process", *listen, *there, *(["--program", program] if place else [])]


def environment(
    bento: Bento, settings: ServingSettings, arm: str = "champion", beside: Iterable[Bento] = ()
) -> dict[str, str]:
    """What the served process needs besides the caller's environment.

    The artifacts' digests are pinned here, by whoever knows which versions were promoted, so that a Bento whose files
    and `manifest.json` were both changed is refused as well.

    Args:
        bento: The version whose code is run.
        settings: The host's.
        arm: The part of the traffic that it answers.
        beside: What the other models of its service answer with.
    """
    others = list(beside)
    return {
        "BENTOML_HOME": str(settings.home.absolute()),
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "true",
        "AGRO_SERVING_ARM": arm,
        "AGRO_SERVING_DIGESTS": json.dumps({one.model: one.digest for one in (bento, *others)}),
        "AGRO_SERVING_FOLDERS": _json({one.model: str(one.source.absolute()) for one in others}),
        "AGRO_SERVING_SPOOL": str(settings.spool.absolute()),
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(_THREAD_BOUNDS, str(settings.compute_threads)),
    }


def check_port(bento: Bento, port: int, settings: ServingSettings) -> None:
    """See that a port is free.

    Raises:
        PortTaken: Something listens there.
    """
    if not sockets.is_free(settings.host, port):
        variable = settings.port_variable(bento.model)
        raise PortTaken(f"port {port} of {bento.model} is taken; free it or set {variable}")


def inherited(bento: Bento, settings: ServingSettings, arm: str = "champion") -> dict[str, str]:
    """This process's environment with `environment` on top, without the search path of the checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, **environment(bento, settings, arm)}


def _json(value: dict[str, str]) -> str:
    """JSON without an apostrophe, which supervisord could not be told."""
    return json.dumps(value).replace("'", "\\u0027")
