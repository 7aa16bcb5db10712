"""MLflow's word that an alias was moved, believed only where MLflow signed it a moment ago.

MLflow signs `delivery id.timestamp.body` (https://www.standardwebhooks.com). It tries three times, from memory: what
it says may be lost, and may come twice.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field

SIGNATURE, DELIVERY, TIMESTAMP = "x-mlflow-signature", "x-mlflow-delivery-id", "x-mlflow-timestamp"
EVENT = "model_version_alias.created"
LONGEST_ID = 100


class Unsigned(Exception):
    """The words are not MLflow's, or are old."""


class Moved(BaseModel):
    """Which alias now stands at which version."""

    name: str = Field(min_length=1, max_length=256, description="registered model")
    alias: str = Field(min_length=1, max_length=256, description="the alias that was moved")
    version: str = Field(pattern=r"^[0-9]{1,9}$", description="number of the version, as text")


class Hint(BaseModel):
    """What MLflow says in the body."""

    entity: str = Field(max_length=100, description="kind of thing that changed")
    action: str = Field(max_length=100, description="what was done to it")
    data: Moved


@dataclass(frozen=True)
class Signed:
    """A body that MLflow signed, and the id under which it was sent, the same at each try."""

    delivery: str
    body: bytes


def signature(secret: str, delivery: str, timestamp: str, body: bytes) -> str:
    """How MLflow signs a body.

    >>> signature("s", "1", "2", b"{}")
    'v1,SnYrvqzM9LnSl953cPVWV1AmSWOeDIOs6ZD5pBq4+Ig='
    """
    said = f"{delivery}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()}"


def signed(headers: Mapping[str, str], body: bytes, secret: str, now_s: float, window_s: float) -> Signed:
    """The body, if MLflow signed it within the window.

    Args:
        headers: The request's, found by their names in small letters.
        body: As it came.
        secret: What MLflow and we share.
        now_s: Seconds since 1970.
        window_s: How far MLflow's clock may be from that, either way.

    Raises:
        Unsigned: It did not; the message says what is wrong and nothing of the right signature.
    """
    delivery, timestamp, came = (headers.get(name, "") for name in (DELIVERY, TIMESTAMP, SIGNATURE))
    if not (delivery and timestamp and came) or len(delivery) > LONGEST_ID:
        raise Unsigned(f"{SIGNATURE}, {DELIVERY} and {TIMESTAMP} have to come with it")
    if not hmac.compare_digest(signature(secret, delivery, timestamp, body).encode(), came.encode()):
        raise Unsigned("the signature is not MLflow's")
    if not timestamp.isdecimal() or abs(now_s - int(timestamp)) > window_s:
        raise Unsigned(f"it was signed more than {window_s:g} s ago, or will be")
    return Signed(delivery, body)
