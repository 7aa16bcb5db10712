"""Telling MLflow whom to tell when an alias is moved."""

import base64
import hashlib
from typing import TYPE_CHECKING

from pydantic import SecretStr

from registry.connection import Connected
from registry.hints import EVENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.webhook import Webhook

NAME = "agrologistic-champion"


def fernet_key(secret: SecretStr) -> str:
    """The key that MLflow encrypts the secrets of its webhooks with; without one they die with its process."""
    return base64.urlsafe_b64encode(hashlib.sha256(secret.get_secret_value().encode()).digest()).decode()


class Webhooks(Connected):
    """Whom MLflow tells."""

    def tell(self, url: str, secret: str) -> None:
        """Let MLflow tell `url`, and no other address of ours, of each alias that is moved; doing it again is nothing.

        Args:
            url: Where the receiver listens.
            secret: What MLflow signs with; it replaces the one of before.

        Raises:
            RegistryError: MLflow refused, as one without the leave to call loopback does.
        """
        with self._mlflow.client() as client:
            first, *others = _ours(client) or [None]
            for double in others:  # two who started at once
                client.delete_webhook(double.webhook_id)
            if first is None:
                client.create_webhook(NAME, url, [EVENT], "starts the rollout of a new champion", secret)
            else:
                client.update_webhook(first.webhook_id, url=url, events=[EVENT], secret=secret, status="ACTIVE")


def _ours(client: "MlflowClient") -> "list[Webhook]":
    found, token = [], None
    while True:
        page = client.list_webhooks(page_token=token)
        found += [webhook for webhook in page if webhook.name == NAME]
        token = page.token
        if not token:
            return found
