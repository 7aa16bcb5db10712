"""A split as Istio's documents, and back."""

import re
from collections.abc import Iterable
from typing import Any

from rollout.errors import TargetDamaged, WeightsRefused
from rollout.istio.settings import KubernetesSettings
from rollout.target import ARMS, Arm, Split

Document = dict[str, Any]
VERSION = "networking.istio.io/v1"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_RETRY_ON = "connect-failure,refused-stream,reset-before-request"


def check(split: Split) -> Split:
    """The split, if a VirtualService can hold it.

    Raises:
        WeightsRefused: An address is no label of a version, or users would have to stay with their side.
    """
    wrong = [f"{arm} at {at!r}" for arm, at in split.where.items() if not _LABEL.fullmatch(at)]
    if wrong:
        raise WeightsRefused(f"where: {', '.join(wrong)}; give the label of a version, such as v12")
    if split.sticky:
        raise WeightsRefused("weights: a VirtualService splits by chance and keeps no user with one side; "
                             "run the experiment behind Envoy, or take challenger out")  # fmt: skip
    return split


def virtual_service(service: str, host: str, split: Split, settings: KubernetesSettings) -> Document:
    """What leads to the arms; those without traffic are in it too, so that it says where each arm is."""
    route: Document = {
        "name": "weights",
        "route": [_destination(host, arm, split) for arm in ARMS if arm in split.where],
        "timeout": f"{settings.request_timeout_s:g}s",
        "retries": {"attempts": settings.retries, "retryOn": _RETRY_ON},
    }
    if split.mirror:
        route["mirror"] = {"host": host, "subset": split.where[split.mirror]}
        route["mirrorPercentage"] = {"value": 100.0}
    return _document("VirtualService", service, settings, {"hosts": [host], "http": [route]})


def destination_rule(service: str, host: str, subsets: Iterable[str], settings: KubernetesSettings) -> Document:
    """The subsets of a service, one a version."""
    named = [{"name": label, "labels": {"version": label}} for label in sorted({*subsets})]
    return _document("DestinationRule", service, settings, {"host": host, "subsets": named})


def split_of(document: Document) -> Split:
    """The split that a VirtualService holds, whoever wrote it.

    Raises:
        TargetDamaged: It holds none: other hands changed it.
    """
    try:
        (route,) = document["spec"]["http"]
        rows = {_arm(row): (row["weight"], row["destination"]["subset"]) for row in route["route"]}
        where = {arm: subset for arm, (_, subset) in rows.items()}
        copied = route.get("mirror", {}).get("subset")
        mirror = next((arm for arm, subset in where.items() if subset == copied), None)
        return Split({arm: weight for arm, (weight, _) in rows.items() if weight}, where, mirror)
    except (KeyError, TypeError, ValueError, AttributeError, WeightsRefused) as exc:
        name = document.get("metadata", {}).get("name")
        raise TargetDamaged(f"VirtualService {name} holds no split ({exc}); set the weights anew") from exc


def subsets_of(document: Document) -> set[str]:
    """The subsets that a VirtualService leads to, as far as can be read."""
    found: set[str] = set()
    for route in document.get("spec", {}).get("http") or []:
        leads = [row.get("destination", {}) for row in route.get("route") or []] + [route.get("mirror") or {}]
        found |= {row["subset"] for row in leads if row.get("subset")}
    return found


def named(rule: Document) -> set[str]:
    """The subsets that a DestinationRule names."""
    return {str(row.get("name")) for row in rule.get("spec", {}).get("subsets") or []}


def _destination(host: str, arm: Arm, split: Split) -> Document:
    said = {"set": {"x-arm": arm}}
    return {
        "destination": {"host": host, "subset": split.where[arm]},
        "weight": split.weights.get(arm, 0),
        "headers": {"request": said, "response": said},
    }


def _arm(row: Document) -> Any:
    return row["headers"]["request"]["set"]["x-arm"]


def _document(kind: str, name: str, settings: KubernetesSettings, spec: Document) -> Document:
    labels = {"app.kubernetes.io/managed-by": "agro-rollout"}
    metadata = {"name": name, "namespace": settings.namespace, "labels": labels}
    return {"apiVersion": VERSION, "kind": kind, "metadata": metadata, "spec": spec}
