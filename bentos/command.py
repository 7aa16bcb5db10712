"""How the process that serves a Bento is started: command and environment, for whoever starts it."""

import os
import sys

from base import sockets
from bentos.bento import Bento
from bentos.errors import PortTaken
from bentos.settings import ServingSettings

_THREAD_BOUNDS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def command(port: int, settings: ServingSettings) -> list[str]:
    """The command that serves a Bento on a port; it is run in the Bento's own code, `Bento.source`."""
    listen = ["--listen", f"{settings.host}:{port}"]
    return [sys.executable, "-m", "bentos.process", *listen, "--patience", str(settings.stop_timeout_s)]


def environment(bento: Bento, settings: ServingSettings, arm: str = "champion") -> dict[str, str]:
    """What the served process needs besides the caller's environment.

    The artifact's digest is pinned here, by whoever knows which version was promoted, so that a Bento whose files and
    `manifest.json` were both changed is refused as well.
    """
    return {
        "BENTOML_HOME": str(settings.home.absolute()),
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "true",
        "AGRO_SERVING_ARM": arm,
        "AGRO_SERVING_DIGEST": bento.digest,
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
