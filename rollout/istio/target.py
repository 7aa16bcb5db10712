"""The target of a cluster: weights in the VirtualService of each service."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from rollout.errors import TargetConflict, TargetUnreachable, UnknownService
from rollout.istio import documents
from rollout.istio.api import Api, Cluster, Folder
from rollout.istio.documents import Document
from rollout.istio.settings import KubernetesSettings
from rollout.target import Address, Arm, Split

Found = TypeVar("Found")
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)


class VirtualServiceTarget:
    """Splits the traffic of services in a mesh.

    Subsets come before any route leads to them, and leave a change later; the step between is one document. It is
    applied to the version that was just read: an apply that was given up as lost, and arrives late, meets a newer
    version and is turned away. That is why repeating one is safe.
    """

    def __init__(
        self, hosts: Mapping[str, str], settings: KubernetesSettings | None = None, api: Api | None = None
    ) -> None:
        """Take what does not change.

        Args:
            hosts: The host in the mesh of each service.
            settings: The cluster's.
            api: Where documents are kept; by default the cluster, or files where there is none.
        """
        self.hosts, self.settings = hosts, settings or KubernetesSettings()
        self.api = api or (Cluster(self.settings) if self.settings.server else Folder(self.settings.manifests))

    def get(self, service: str) -> Split | None:
        """The split of a service; None where none was ever set.

        Raises:
            UnknownService: It has no host in the mesh.
            TargetDamaged: Other hands changed it into what is no split.
            TargetForbidden: We may not read it.
            TargetUnreachable: The cluster does not answer.
        """
        self._host(service)
        document = self._patiently(lambda: self.api.read("VirtualService", service))
        return documents.split_of(document) if document else None

    def set(
        self,
        service: str,
        weights: Mapping[Arm, int],
        where: Mapping[Arm, Address],
        mirror: Arm | None = None,
        salt: str = "",
    ) -> None:
        """Divide the traffic of a service from now on; the mesh's proxies follow the cluster within about a second.

        Raises:
            WeightsRefused: The split is not sound, or not one for a VirtualService; nothing was changed.
            UnknownService: The service has no host in the mesh.
            TargetRefused: The cluster finds it wrong; the split before holds.
            TargetForbidden: We may not write it.
            TargetConflict: Others write at the same time, again and again.
            TargetUnreachable: The cluster does not answer; the old split holds or the new one does.
        """
        host = self._host(service)
        split = documents.check(Split(dict(weights), dict(where), mirror, salt))
        self._patiently(lambda: self._bring(service, host, split))

    def _bring(self, service: str, host: str, split: Split) -> None:
        current = self.api.read("VirtualService", service)
        rule = self.api.read("DestinationRule", service)
        wanted = documents.virtual_service(service, host, split, self.settings)
        subsets = {*split.where.values()}
        if current and rule and _holds(current, wanted) and subsets <= documents.named(rule):
            return
        subsets |= documents.subsets_of(current or {})
        self.api.apply(_on(rule, documents.destination_rule(service, host, subsets, self.settings)))
        self.api.apply(_on(current, wanted))

    def _patiently(self, step: Callable[[], Found]) -> Found:
        """The step's outcome; where others were quicker, or nobody answered, it begins again from what is there."""
        for attempt in range(self.settings.attempts - 1):
            with suppress(TargetConflict, TargetUnreachable):
                return step()
            time.sleep(_PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])
        return step()

    def _host(self, service: str) -> str:
        if service not in self.hosts:
            raise UnknownService(f"{service!r} has no host in the mesh; there are {', '.join(sorted(self.hosts))}")
        return self.hosts[service]


def _on(current: Document | None, wanted: Document) -> Document:
    """The document, to be applied to the version that was read and to no other."""
    version = (current or {}).get("metadata", {}).get("resourceVersion")
    return wanted | {"metadata": wanted["metadata"] | ({"resourceVersion": version} if version else {})}


def _holds(current: Document, wanted: Document) -> bool:
    """Whether a document says already what it should."""
    return all(current.get("spec", {}).get(key) == value for key, value in wanted["spec"].items())
