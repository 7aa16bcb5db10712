"""What Envoy is started with: one listener, whose routes and clusters it reads from files that it watches."""

from pathlib import Path
from typing import Any

from rollout.envoy import replies
from rollout.envoy.settings import MeshSettings

ADMIN = "admin.sock"
"""Its admin interface, in its folder: a unix socket, which no page in a browser reaches."""
ROUTES, CLUSTERS = "routes.json", "clusters.json"
USER = "x-agro-user"
"""Set by the front: the user that a request is about, as its body says."""
OURS = ("x-arm", "x-shadow", USER)
"""Headers that the front alone sets."""
BUCKETS_MS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500]
BUCKETS_MS += [600, 800, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000]
_TYPE = "type.googleapis.com/envoy.extensions"


def document(settings: MeshSettings) -> dict[str, Any]:
    """Envoy's bootstrap configuration."""
    admin = {"address": {"pipe": {"path": ADMIN, "mode": 0o600}}}
    buckets = {"match": {"prefix": "cluster."}, "buckets": BUCKETS_MS}
    return {
        "node": {"id": "front", "cluster": "agrologistic"},
        "admin": admin,
        "stats_flush_interval": "1s",
        "stats_config": {"histogram_bucket_settings": [buckets]},
        "dynamic_resources": {"cds_config": _file(settings.folder / CLUSTERS)},
        "static_resources": {"listeners": [_listener(settings)]},
        "overload_manager": {"resource_monitors": [_connections(settings.max_connections)]},
    }


def _file(path: Path) -> dict[str, Any]:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path.absolute())}}


def _listener(settings: MeshSettings) -> dict[str, Any]:
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager(settings)}
    return {
        "name": "front",
        "address": {"socket_address": {"address": settings.host, "port_value": settings.port}},
        "per_connection_buffer_limit_bytes": settings.buffer_bytes,
        "filter_chains": [{"filters": [manager]}],
    }


def _manager(settings: MeshSettings) -> dict[str, Any]:
    return {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "rds": {"route_config_name": "front", "config_source": _file(settings.folder / ROUTES)},
        "http_filters": _filters(),
        "local_reply_config": replies.config(),
        "access_log": [_access_log()] if settings.access_log else [],
        **_identity(),
        **_paths(),
        **_patience(settings),
    }


def _identity() -> dict[str, Any]:
    """A request keeps the id and the trace that it came with; what only the front may say of it is taken off."""
    ids = {"@type": f"{_TYPE}.request_id.uuid.v3.UuidRequestIdConfig", "pack_trace_reason": False}
    ours = {"mutations": [{"remove": name} for name in OURS]}
    early = {"@type": f"{_TYPE}.http.early_header_mutation.header_mutation.v3.HeaderMutation", **ours}
    return {
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {"typed_config": ids},
        "early_header_mutation_extensions": [{"name": "ours", "typed_config": early}],
        "server_header_transformation": "PASS_THROUGH",
    }


def _paths() -> dict[str, Any]:
    """No second way of writing a path leads past a rule about it."""
    return {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": {
            "headers_with_underscores_action": "REJECT_REQUEST",
            "idle_timeout": "60s",
            "max_headers_count": 100,
        },
    }


def _patience(settings: MeshSettings) -> dict[str, Any]:
    return {
        "request_headers_timeout": "10s",
        "request_timeout": "30s",
        "stream_idle_timeout": f"{settings.request_timeout_s + 5:g}s",
    }


def _filters() -> list[dict[str, Any]]:
    """The user is read from the body only where a route has an experiment and says so."""
    transform = {"@type": f"{_TYPE}.filters.http.transform.v3.TransformConfig"}
    router = {"@type": f"{_TYPE}.filters.http.router.v3.Router", "suppress_envoy_headers": True}
    return [
        {"name": "envoy.filters.http.transform", "disabled": True, "typed_config": transform},
        {"name": "envoy.filters.http.router", "typed_config": router},
    ]


def _access_log() -> dict[str, Any]:
    line = {
        "time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ)%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "arm": "%REQ(X-ARM)%",
        "upstream": "%UPSTREAM_HOST%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "received_bytes": "%BYTES_RECEIVED%",
        "sent_bytes": "%BYTES_SENT%",
        "ms": "%DURATION%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "traceparent": "%REQ(TRACEPARENT)%",
    }
    stdout = f"{_TYPE}.access_loggers.stream.v3.StdoutAccessLog"
    return {"name": "log", "typed_config": {"@type": stdout, "log_format": {"json_format": line}}}


def _connections(limit: int) -> dict[str, Any]:
    kind = f"{_TYPE}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    limits = {"@type": kind, "max_active_downstream_connections": limit}
    return {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": limits}
