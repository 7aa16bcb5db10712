"""A small Kubernetes API: it checks documents by Istio's own schemas and keeps them; it can be told to fail."""

import importlib
import itertools
import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

TOKEN = "of-the-tests"
_PATH = re.compile(r"/apis/([^/]+)/([^/]+)/namespaces/([^/]+)/(virtualservices|destinationrules)/([^/]+)")


class Kubernetes:
    """What the API holds and what it was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, dict] = {}
        self.owners: dict[str, dict[str, str]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.faults: deque = deque()
        """What happens to the next PATCHes instead: a status, `drop` before or `lose` after it took effect."""
        self.token, self.forbidden, self.installed = TOKEN, False, True
        self.version = itertools.count(10)
        self.lock = threading.Lock()

    def writes(self) -> list[str]:
        """The kinds that were applied, in order."""
        return [path.split("/")[-2] for method, path, _ in self.asked if method == "PATCH"]

    def answer(self, method: str, path: str, asked: dict[str, str], headers, body: bytes) -> tuple[int, object]:
        self.asked.append((method, path, asked))
        if headers.get("Authorization") != f"Bearer {self.token}":
            return fault(401, "Unauthorized")
        found = _PATH.fullmatch(path)
        if not found or not self.installed:
            return 404, "404 page not found"
        if self.forbidden:
            return fault(403, f'{found[4]}.networking.istio.io "{found[5]}" is forbidden')
        if method == "GET":
            return (200, self.objects[path]) if path in self.objects else fault(404, f'"{found[5]}" not found')
        return self.patch(path, asked, headers, body)

    def patch(self, path: str, asked: dict[str, str], headers, body: bytes) -> tuple[int, object]:
        if headers.get("Content-Type") != "application/apply-patch+yaml" or "fieldManager" not in asked:
            return fault(415, "this is no apply")
        document = json.loads(body)
        wrong = faults_of(document, None if asked.get("dryRun") == "All" else self.objects)
        if wrong:
            return fault(422, "; ".join(wrong))
        now = self.objects.get(path)
        read = document["metadata"].pop("resourceVersion", None)
        if read is not None and (now is None or now["metadata"]["resourceVersion"] != read):
            return fault(409, "the object has been modified; please apply your changes to the latest version")
        others = {key: who for key, who in self.owners.get(path, {}).items() if who != asked["fieldManager"]}
        taken = [key for key in document["spec"] if others.get(key, asked["fieldManager"]) != asked["fieldManager"]]
        if taken and asked.get("force") != "true":
            return fault(409, f"Apply failed with 1 conflict: conflict with {others[taken[0]]!r}: .spec.{taken[0]}")
        kept = {key: value for key, value in (now or {}).get("spec", {}).items() if key in others}
        merged = document | {"spec": kept | document["spec"]}
        merged["metadata"] = document["metadata"] | {"resourceVersion": str(next(self.version))}
        if asked.get("dryRun") != "All":
            self.objects[path] = merged
            self.owners[path] = others | dict.fromkeys(document["spec"], asked["fieldManager"])
        return 200, merged

    def by_hand(self, kind: str, name: str, owner: str = "kubectl", **spec: object) -> None:
        """Somebody else changes a document."""
        path = f"/apis/networking.istio.io/v1/namespaces/agrologistic/{kind}/{name}"
        now = self.objects.get(path, {"kind": kind, "metadata": {"name": name}, "spec": {}})
        now = json.loads(json.dumps(now))
        now["spec"] |= spec
        now["metadata"]["resourceVersion"] = str(next(self.version))
        self.objects[path] = now
        self.owners[path] = self.owners.get(path, {}) | dict.fromkeys(spec, owner)

    def spec(self, kind: str, name: str) -> dict:
        return self.objects[f"/apis/networking.istio.io/v1/namespaces/agrologistic/{kind}/{name}"]["spec"]


def fault(code: int, message: str) -> tuple[int, dict]:
    return code, {"kind": "Status", "status": "Failure", "message": message, "code": code}


def faults_of(document: dict, objects: dict[str, dict] | None) -> list[str]:
    """What Istio's schemas and its own checks find wrong."""
    from pydantic import ValidationError

    group, _, version = document["apiVersion"].rpartition("/")
    module = importlib.import_module(f"cloudcoil.models.istio.{group.split('.')[0]}.{version}")
    try:
        getattr(module, document["kind"]).model_validate(document, strict=True, extra="forbid")
    except ValidationError as exc:
        return [f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in exc.errors()]
    return routes_of(document, objects) if document["kind"] == "VirtualService" else []


def routes_of(document: dict, objects: dict[str, dict] | None) -> list[str]:
    """Shares that are no hundred, durations that are none, subsets that no rule names."""
    found = []
    name, space = document["metadata"]["name"], document["metadata"]["namespace"]
    rule = f"/apis/networking.istio.io/v1/namespaces/{space}/destinationrules/{name}"
    known = {row["name"] for row in (objects or {}).get(rule, {"spec": {}})["spec"].get("subsets", [])}
    for route in document["spec"]["http"]:
        if sum(row["weight"] for row in route["route"]) != 100:
            found.append("the weights do not sum to 100")
        if not re.fullmatch(r"\d+(\.\d+)?(ms|s|m|h)", route["timeout"]):
            found.append("timeout is no duration")
        leads = [row["destination"] for row in route["route"]] + ([route["mirror"]] if "mirror" in route else [])
        found += (
            []
            if objects is None
            else [f"subset {row['subset']} is not known" for row in leads if row["subset"] not in known]
        )
    return found


@contextmanager
def serving(api: Kubernetes) -> Iterator[str]:
    """The address at which the API answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            happens = api.faults.popleft() if self.command == "PATCH" and api.faults else None
            if happens == "drop":
                return
            if isinstance(happens, int):
                self.say(*fault(happens, "come back later"))
                return
            if isinstance(happens, float):  # it takes effect late
                time.sleep(happens)
            with api.lock:
                answer = api.answer(self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, body)
            if happens != "lose":
                self.say(*answer)

        do_PATCH = do_GET

        def say(self, status: int, document: object) -> None:
            content = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
