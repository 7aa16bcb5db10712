"""How a built Bento is served: the command and environment for whoever supervises it."""

import os
import sys
from pathlib import Path

from base import sockets
from bentos.bento import Bento
from bentos.errors import PortTaken
from bentos.settings import ServingSettings

_THREAD_BOUNDS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def command(bento: Bento, port: int, settings: ServingSettings) -> list[str]:
    """The command that serves a Bento on a port.

    It names the Bento's folder, not its tag: BentoML wipes its home's metrics folder at each start, so that every
    served process gets a home of its own (see `environment`).
    """
    bounds = ["--timeout", str(int(settings.request_timeout_s) + 10)]
    bounds += ["--timeout-graceful-shutdown", str(settings.stop_timeout_s)]
    where = ["--host", settings.host, "--port", str(port)]
    return [sys.executable, "-m", "bentoml", "serve", str(bento.path), *where, *bounds]


def environment(bento: Bento, port: int, settings: ServingSettings, arm: str = "champion") -> dict[str, str]:
    """What the served process needs besides the caller's environment.

    The artifact's digest is pinned here, by whoever knows which version was promoted, so that a Bento whose files and
    `manifest.json` were both changed is refused as well.
    """
    return {
        "BENTOML_HOME": str(settings.run.absolute() / f"bento-{bento.model}-{port}"),
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "true",
        "AGRO_SERVING_ARM": arm,
        "AGRO_SERVING_DIGEST": bento.digest,
        "AGRO_SERVING_SPOOL": str(settings.spool.absolute()),
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(_THREAD_BOUNDS, str(settings.compute_threads)),
    }


def prepare(bento: Bento, port: int, settings: ServingSettings) -> None:
    """Make the folders that a served process writes to, and see that its port is free.

    Raises:
        PortTaken: Something listens there.
    """
    Path(environment(bento, port, settings)["BENTOML_HOME"]).mkdir(parents=True, exist_ok=True)
    if not sockets.is_free(settings.host, port):
        variable = settings.port_variable(bento.model)
        raise PortTaken(f"port {port} of {bento.model} is taken; free it or set {variable}")


def inherited(bento: Bento, port: int, settings: ServingSettings, arm: str = "champion") -> dict[str, str]:
    """This process's environment with `environment` on top, without the search path of the checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, **environment(bento, port, settings, arm)}
