"""The addresses that Envoy knows: a cluster each, named by the address, so that no name ever means another process."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from rollout.envoy.settings import MeshSettings
from rollout.errors import WeightsRefused
from rollout.target import Split


def name(service: str, address: str) -> str:
    """The cluster of an address.

    >>> name("recommender", "127.0.0.1:3001")
    'recommender_127-0-0-1_3001'
    """
    host, _, port = address.rpartition(":")
    return f"{service}_{host.strip('[]').replace('.', '-').replace(':', '-')}_{port}"


def check(split: Split) -> Split:
    """The split, if each of its addresses is one that can be asked without a name server.

    Raises:
        WeightsRefused: An address is not `IP:PORT`.
    """
    for arm, address in split.where.items():
        _parts(arm, address)
    return split


def document(splits: Iterable[Mapping[str, Split]], settings: MeshSettings) -> list[dict[str, Any]]:
    """A cluster for each address of some splits by service, sorted by name."""
    found = {
        name(service, address): _cluster(service, arm, address, settings)
        for one in splits
        for service, split in one.items()
        for arm, address in split.where.items()
    }
    return [found[key] for key in sorted(found)]


def _cluster(service: str, arm: str, address: str, settings: MeshSettings) -> dict[str, Any]:
    host, port = _parts(arm, address)
    endpoint = {"address": {"socket_address": {"address": host, "port_value": port}}}
    most = settings.max_connections
    limits = {"max_connections": most, "max_pending_requests": most, "max_requests": most, "max_retries": most}
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name(service, address),
        "type": "STATIC",
        "connect_timeout": f"{settings.connect_timeout_s:g}s",
        "per_connection_buffer_limit_bytes": settings.buffer_bytes,
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": _http(),
        "load_assignment": {
            "cluster_name": name(service, address),
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }


def _http() -> dict[str, Any]:
    """Connections are closed by us, and before the service would: the last request on one is not lost."""
    kind = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = {
        "@type": kind,
        "common_http_protocol_options": {"idle_timeout": "2s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}


def _parts(arm: str, address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    try:
        found, number = str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        found, number = "", 0
    if not found or not 0 < number < 65536:
        raise WeightsRefused(f"where: {arm} at {address!r}; give IP:PORT, such as 127.0.0.1:3001")
    return found, number
