"""The Kubernetes API, as much of it as a rollout needs: read a document, apply one; its errors in our words."""

import json
import ssl
from pathlib import Path
from typing import Protocol

import httpx

from base.files import write_whole
from rollout.errors import TargetConflict, TargetDamaged, TargetForbidden, TargetRefused, TargetUnreachable
from rollout.istio.documents import VERSION, Document
from rollout.istio.settings import KubernetesSettings

MANAGER = "agro-rollout"
"""Who we are to the API: it remembers which fields are ours."""
_PLURAL = {"VirtualService": "virtualservices", "DestinationRule": "destinationrules"}


class Api(Protocol):
    """Where documents are kept."""

    def read(self, kind: str, name: str) -> Document | None:
        """A document as it is; None where there is none."""
        ...

    def apply(self, document: Document) -> None:
        """Make our fields of a document what this one says."""
        ...


class Cluster:
    """The API of a cluster. Each call is one request; whoever calls decides what is tried again."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self.settings = settings
        own = settings.ca_file if settings.ca_file.exists() else None
        trusted = ssl.create_default_context(cafile=own)
        self._client = httpx.Client(base_url=settings.server, timeout=settings.timeout_s, verify=trusted)

    def read(self, kind: str, name: str) -> Document | None:
        """A document as it is; None where there is none.

        Raises:
            TargetForbidden: We are not known there, or may not read it.
            TargetUnreachable: No answer, or a passing fault.
        """
        answer = self._ask("GET", kind, name)
        if answer.status_code == 404:
            return None
        return self._checked(answer, kind, name)

    def apply(self, document: Document) -> None:
        """Apply a document on the server's side: our fields become what it says, others' stay.

        Raises:
            TargetConflict: It was changed since the version that the document names was read.
            TargetRefused: The cluster finds it wrong, or knows no such kind.
            TargetForbidden: We are not known there, or may not write it.
            TargetUnreachable: No answer, or a passing fault; it may have been applied.
        """
        kind, name = document["kind"], document["metadata"]["name"]
        asked = {"fieldManager": MANAGER, "force": "true"} | ({"dryRun": "All"} if self.settings.dry_run else {})
        headers = {"Content-Type": "application/apply-patch+yaml"}  # JSON is YAML
        answer = self._ask("PATCH", kind, name, params=asked, content=json.dumps(document), headers=headers)
        self._checked(answer, kind, name)

    def _ask(self, method: str, kind: str, name: str, **more: object) -> httpx.Response:
        path = f"/apis/{VERSION}/namespaces/{self.settings.namespace}/{_PLURAL[kind]}/{name}"
        request = self._client.build_request(method, path, **more)  # type: ignore[arg-type]
        if token := self._token():
            request.headers["Authorization"] = f"Bearer {token}"
        try:
            return self._client.send(request)
        except httpx.HTTPError as exc:
            raise TargetUnreachable(f"the cluster at {self.settings.server} does not answer ({exc})") from exc

    def _token(self) -> str:
        if self.settings.token:
            return self.settings.token.get_secret_value()
        return self.settings.token_file.read_text().strip() if self.settings.token_file.exists() else ""

    def _checked(self, answer: httpx.Response, kind: str, name: str) -> Document:
        """The document in an answer, or its fault in our words."""
        status, what = answer.status_code, f"{kind} {self.settings.namespace}/{name}"
        if status == 401:
            raise TargetForbidden("the cluster does not know us: renew AGRO_KUBERNETES_TOKEN or _TOKEN_FILE")
        if status == 403:
            verbs = f"give our service account get, create and patch on {_PLURAL[kind]}.networking.istio.io"
            raise TargetForbidden(f"we may not touch {what}: {verbs}")
        if status == 404:
            raise TargetRefused(f"the cluster knows no {kind} in {self.settings.namespace}: install Istio there")
        if status == 409:
            raise TargetConflict(f"{what} was changed by others meanwhile: {_words(answer)}")
        if status == 429 or status >= 500:
            raise TargetUnreachable(f"the cluster has no answer about {what} now ({status}): {_words(answer)}")
        if status >= 300:
            raise TargetRefused(f"the cluster finds {what} wrong ({status}): {_words(answer)}")
        return _parsed(answer, what)


class Folder:
    """No cluster: documents are files that somebody may apply."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, kind: str, name: str) -> Document | None:
        """A document as it was written last; None where there is none."""
        path = self._path(kind, name)
        document: Document | None = json.loads(path.read_text()) if path.exists() else None
        return document

    def apply(self, document: Document) -> None:
        """Write a document whole."""
        path = self._path(document["kind"], document["metadata"]["name"])
        write_whole(path, json.dumps(document, indent=2).encode())

    def _path(self, kind: str, name: str) -> Path:
        return self.folder / f"{name}.{kind.lower()}.json"


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return answer.text[:300] or answer.reason_phrase


def _parsed(answer: httpx.Response, what: str) -> Document:
    try:
        document: Document = answer.json()
    except ValueError as exc:
        raise TargetDamaged(f"what the cluster says of {what} is no JSON; is AGRO_KUBERNETES_SERVER its API?") from exc
    return document
