"""What stands in front of MLflow's application: no page of another site reaches it, and what runs programs is closed.

MLflow takes every page of this machine for one of its own (any port of localhost), answers `/graphql` and `/gateway` to
anybody's page, and brings an assistant whose tool is a shell. Its own check of `Host` stands behind this one.

`mlflow server --app-name agrologistic` finds it (entry point `mlflow.app` in `pyproject.toml`).
"""

import os
import re
from typing import Any

from base.browsers import Callers
from registry.asgi import say
from registry.login import ADMIN, configure
from registry.moves import Noted
from registry.page import Page
from registry.roles import Promoters
from registry.settings import MLflowSettings
from registry.webhooks import fernet_key

_CLOSED = re.compile(
    r"/gateway/|/(ajax-)?api/\d\.\d/(mlflow/)?"
    r"(assistant|gateway|gateway-proxy|jobs|prompt-optimization|runs/create-promptlab-run"
    r"|(scorer|issues|genai/evaluate)/invoke)(/|$)"
)
"""Paths that start programs or pass requests on to other machines; nothing here uses them."""
_CALLERS = Callers(is_named=lambda host: True)
"""MLflow looks at `Host` itself."""


class Front:
    """ASGI middleware around MLflow's application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request through, or refuse it before its body is read."""
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await say(send, *refusal)
        elif scope["type"] == "websocket":  # MLflow has none
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.app(scope, receive, send)


def _refusal(scope: Any) -> tuple[int, str] | None:
    """Status and words of the refusal; None where there is no reason for one."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if _CALLERS.refusal(scope["method"], scope["path"], headers):
        return 403, "another site's page asked for this; open MLflow itself"
    if _CLOSED.match(scope["path"]):
        return 404, "closed on this platform: it starts programs or passes requests on to other machines"
    return None


def application() -> Front:
    """MLflow's application behind its front; with its authentication, where that is asked for."""
    settings = MLflowSettings()
    os.environ.setdefault("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", fernet_key(settings.webhook_key))
    return Front(Page(Noted(_guarded(settings) if settings.auth else _open())))


def _open() -> Any:
    from mlflow.server.fastapi_app import app

    return app


def _guarded(settings: MLflowSettings) -> Promoters:
    configure(settings)
    from mlflow.server.auth import create_app

    return Promoters(create_app(), {ADMIN, *settings.promoters})
