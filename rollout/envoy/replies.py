"""What the front says itself where no service answered: the same problem documents as the services'."""

from typing import Any

_BUSY = (503, "busy", "Service Unavailable")
_NOT_READY = (503, "not-ready", "Service Unavailable")


def config() -> dict[str, Any]:
    """Envoy's `local_reply_config`; the first mapper that fits speaks."""
    return {
        "mappers": [
            _mapper(_flags("UO", "OM"), *_BUSY, "more requests at a time than the front passes on", retry_after_s=1),
            _mapper(_flags("UT", "SI", "DT"), *_BUSY, "the request took too long", retry_after_s=1),
            _mapper(_status("EQ", 503), *_NOT_READY, "no service answers for this path at the moment", retry_after_s=2),
            _mapper(_status("EQ", 404), 404, "no-such-path", "Not Found", "the front leads to no service by this path"),
            _mapper(
                _status("EQ", 413), 413, "too-large", "Content Too Large", "the body is longer than the front buffers"
            ),
            _mapper(_status("EQ", 408), 408, "too-slow", "Request Timeout", "the request did not arrive in time"),
            _mapper(
                _status("EQ", 400), 400, "refused", "Bad Request", "this is no HTTP request that the front passes on"
            ),
            _mapper(_status("GE", 400), None, "refused", "Refused", "the front could not pass the request on"),
        ]
    }


def _mapper(
    which: dict[str, Any], status: int | None, slug: str, title: str, detail: str, retry_after_s: int = 0
) -> dict[str, Any]:
    mapper: dict[str, Any] = {
        "filter": which,
        "body_format_override": _format(status or "%RESPONSE_CODE%", slug, title, detail),
    }
    if status:
        mapper["status_code"] = status
    if retry_after_s:
        header = {"key": "Retry-After", "value": str(retry_after_s)}
        mapper["headers_to_add"] = [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]
    return mapper


def _format(status: int | str, slug: str, title: str, detail: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:agrologistic:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": [],
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    return {"json_format": body, "content_type": "application/problem+json"}


def _flags(*flags: str) -> dict[str, Any]:
    return {"response_flag_filter": {"flags": list(flags)}}


def _status(op: str, code: int) -> dict[str, Any]:
    value = {"default_value": code, "runtime_key": f"front.status.{code}"}
    return {"status_code_filter": {"comparison": {"op": op, "value": value}}}
