"""Who a caller is, and whether it may ask now; both off until a setting turns them on."""

from math import ceil

from starlette.datastructures import Headers
from starlette.types import Scope

from web.jwks import Jwks, fetched_from
from web.problems import too_many
from web.rates import Rates, by_address
from web.settings import HttpSettings
from web.tokens import Tokens


class Identities:
    """Admits callers that are known, as often as each may ask."""

    def __init__(self, settings: HttpSettings) -> None:
        self._header = settings.caller_header.lower()
        self.tokens = _tokens(settings) if settings.jwks_url else None
        a_minute = settings.requests_per_minute
        self.rates = Rates(a_minute, settings.requests_at_once) if a_minute else None

    async def admit(self, scope: Scope) -> None:
        """Let a request pass.

        Raises:
            Problem: 401 or 403 where the caller is not known, 429 where it asks too often.
        """
        headers = Headers(scope=scope)
        subject = await self.tokens.subject(headers) if self.tokens else ""
        if self.rates is None:
            return
        if wait_s := self.rates.wait_s(f"sub {subject}" if subject else self._address(scope, headers)):
            raise too_many("one caller asks more than its share; ask less often", ceil(wait_s))

    def _address(self, scope: Scope, headers: Headers) -> str:
        told = headers.get(self._header, "").rpartition(",")[2].strip() if self._header else ""
        return by_address(told or (scope.get("client") or ("",))[0])


def _tokens(settings: HttpSettings) -> Tokens:
    keys = Jwks(fetched_from(settings.jwks_url))
    return Tokens(keys, settings.jwt_issuer, settings.jwt_audiences, settings.jwt_algorithms)
