"""The Prefect server as `prefect server start` runs it, behind a guard that other pages of a browser do not pass.

python -m flows.server [--host HOST] [--port PORT]
"""

import argparse
import os

from flows.callers import OwnCallersOnly, origins
from flows.settings import PrefectSettings

SETTING = "AGRO_PREFECT_ALLOWED_HOSTS"


def own_hosts(settings: PrefectSettings) -> list[str]:
    """Every `name:port` that this server is called by."""
    names = ["127.0.0.1", "localhost", "[::1]", settings.host]
    return list(dict.fromkeys([*(f"{name}:{settings.port}" for name in names), *settings.allowed_hosts]))


def guarded(settings: PrefectSettings) -> OwnCallersOnly:
    """Prefect's whole application, services included, behind the guard."""
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = ",".join(origins(own_hosts(settings)))
    os.environ.setdefault("PREFECT_UI_API_URL", "/api")  # the page calls whatever name it was opened by
    os.environ.setdefault("PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT", "false")
    from prefect.server.api.server import create_app

    return OwnCallersOnly(create_app(final=True), own_hosts(settings), SETTING)


def main() -> None:
    """Serve until told to stop."""
    import uvicorn

    settings = PrefectSettings()
    parser = argparse.ArgumentParser(prog="python -m flows.server", description=__doc__)
    parser.add_argument("--host", default=settings.host)
    parser.add_argument("--port", type=int, default=settings.port)
    asked = parser.parse_args()
    settings = settings.model_copy(update={"host": asked.host, "port": asked.port})
    uvicorn.run(guarded(settings), host=settings.host, port=settings.port, log_level="warning")


if __name__ == "__main__":
    main()
