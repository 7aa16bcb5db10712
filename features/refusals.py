"""What ClickHouse's driver raises, said in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.exceptions import DatabaseError, Error, InterfaceError, OperationalError
from urllib3.exceptions import HTTPError

from features.errors import DiskFull, StoreRefused, StoreUnreachable
from features.settings import ClickHouseSettings

_NOT_ENOUGH_SPACE = 243
_AUTHENTICATION_FAILED = 516
_FULL = ("No space left on device", "NOT_ENOUGH_SPACE", "errno: 28")


@contextmanager
def translated(settings: ClickHouseSettings) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (OperationalError, InterfaceError, HTTPError, OSError) as exc:
        raise _failure(exc, settings) from exc
    except DatabaseError as exc:
        raise _refusal(exc) from exc
    except Error as exc:
        raise StoreRefused(_line(exc)) from exc


def _failure(exc: Exception, settings: ClickHouseSettings) -> Exception:
    if getattr(exc, "code", None) or "Code: " in str(exc):
        return _refusal(exc)
    return StoreUnreachable(
        f"ClickHouse at {settings.host}:{settings.port} does not answer: "
        "start it with `agro up`, or set AGRO_CLICKHOUSE_HOST and AGRO_CLICKHOUSE_PORT"
    )


def _refusal(exc: Exception) -> Exception:
    code = getattr(exc, "code", None)
    text = _line(exc)
    if code == _AUTHENTICATION_FAILED:
        return StoreRefused(
            "ClickHouse refuses user or password: set AGRO_HOME to the folder of the platform that you mean, "
            "or AGRO_CLICKHOUSE_USER and AGRO_CLICKHOUSE_PASSWORD",
            code,
        )
    if code == _NOT_ENOUGH_SPACE or any(sign in text for sign in _FULL):
        return DiskFull(
            "The disk of ClickHouse is full: free some space and run this again; nothing is lost or doubled"
        )
    return StoreRefused(text, code)


def _line(exc: Exception) -> str:
    text = str(exc)
    start = text.find("DB::Exception: ")
    return " ".join((text[start + 15 :] if start >= 0 else text).split())[:1000]
