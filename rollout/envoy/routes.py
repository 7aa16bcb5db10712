"""The routes that Envoy reads: by a service's paths to the clusters of its arms, and the splits they were made from.

One file holds all of it, so it is the old state or the new one, whoever dies in between.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rollout.envoy import clusters
from rollout.envoy.bootstrap import USER
from rollout.envoy.settings import MeshSettings
from rollout.target import Split

_FILTER = "envoy.filters.http.transform"
_TYPE = "type.googleapis.com/envoy.extensions.filters.http"
KEY = "agrologistic"


def document(
    splits: Mapping[str, Split], paths: Mapping[str, Sequence[str]], settings: MeshSettings
) -> list[dict[str, Any]]:
    """The one route configuration.

    Args:
        splits: By service; one that has no paths is kept, and led to by none.
        paths: The paths that lead to each service.
        settings: The front's.
    """
    led = [_route(path, name, splits[name], settings) for path, name in _led(splits, paths)]
    kept = {name: split.document() for name, split in sorted(splits.items())}
    return [
        {
            "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            "name": "front",
            "virtual_hosts": [{"name": "front", "domains": ["*"], "routes": [_ready(), *led]}],
            "metadata": {"filter_metadata": {KEY: {"splits": kept}}},
        }
    ]


def _led(splits: Mapping[str, Split], paths: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Paths and where they lead, the longest first: Envoy takes the first that fits."""
    found = [(path, name) for name in splits for path in paths.get(name, ())]
    return sorted(found, key=lambda row: (-len(row[0]), row))


def _ready() -> dict[str, Any]:
    return {"match": {"path": "/readyz"}, "direct_response": {"status": 200, "body": {"inline_string": "ready\n"}}}


def _route(path: str, service: str, split: Split, settings: MeshSettings) -> dict[str, Any]:
    route = {"match": {"path_separated_prefix": path.rstrip("/")}, "route": _action(service, split, settings)}
    return route | ({"typed_per_filter_config": {_FILTER: _reads_the_user()}} if split.sticky else {})


def _action(service: str, split: Split, settings: MeshSettings) -> dict[str, Any]:
    arms: dict[str, Any] = {"clusters": [_weighted(service, arm, split) for arm in split.answering]}
    action: dict[str, Any] = {
        "weighted_clusters": arms,
        "timeout": f"{settings.request_timeout_s:g}s",
        "retry_policy": _retries(settings),
    }
    if split.sticky:
        arms["use_hash_policy"] = True
        action["hash_policy"] = [_salted(USER, split.salt), _salted("x-user-id", split.salt)]
    if split.mirror:
        action["request_mirror_policies"] = [_mirrored(service, split.mirror, split)]
    return action


def _weighted(service: str, arm: Any, split: Split) -> dict[str, Any]:
    said = [_header("x-arm", arm)]
    return {
        "name": clusters.name(service, split.where[arm]),
        "weight": split.weights[arm],
        "request_headers_to_add": said,
        "response_headers_to_add": said,
    }


def _mirrored(service: str, arm: Any, split: Split) -> dict[str, Any]:
    """The copy keeps its `Host`, which the service checks, and says what it is."""
    said = [{"append": _header("x-arm", arm)}, {"append": _header("x-shadow", "true")}]
    return {
        "cluster": clusters.name(service, split.where[arm]),
        "disable_shadow_host_suffix_append": True,
        "request_headers_mutations": said,
    }


def _retries(settings: MeshSettings) -> dict[str, Any]:
    """Only what no service has seen is tried again, so that nothing is ever done twice."""
    return {
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": settings.retries,
        "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"},
    }


def _salted(header: str, salt: str) -> dict[str, Any]:
    """A hash of salt and user; where the header is there, no later policy changes it."""
    rewrite = {"pattern": {"regex": "^.*$"}, "substitution": f"{_literal(salt)}:\\0"}
    return {"header": {"header_name": header, "regex_rewrite": rewrite}, "terminal": True}


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\")


def _reads_the_user() -> dict[str, Any]:
    """The user whom the body of a request names goes into a header, and the arm is chosen with it."""
    user = {"append": _header(USER, "%REQUEST_BODY(user_id)%")}
    return {
        "@type": f"{_TYPE}.transform.v3.TransformConfig",
        "request_transformation": {"headers_mutations": [user]},
        "clear_route_cache": True,
    }


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
