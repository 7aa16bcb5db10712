"""Who asks, proven by a JSON Web Token, where no mesh verifies it."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from web.jwks import Jwks
from web.problems import bad_token, wrong_audience

LEEWAY_S = 30
"""How far the clocks of the issuer and the service may be apart."""
LONGEST = 8192
"""Characters of a token."""


class Tokens:
    """Verifies the bearer tokens of one issuer.

    A token needs `kid`, `iss`, `sub`, `exp` and `aud`, as in a mesh: what is missing, expired, not yet valid or of
    another issuer is 401; a good token that is meant for another service is 403.

    Args:
        keys: The issuer's.
        issuer: What `iss` must be.
        audiences: What `aud` must name one of.
        algorithms: How a token may be signed; the token's own word is not taken for it.
        now: Seconds since 1970.

    Source: RFC 7519, JSON Web Token; RFC 8725, its best current practices; RFC 6750, s.3, for the answers.
    """

    def __init__(
        self,
        keys: Jwks,
        issuer: str,
        audiences: Iterable[str],
        algorithms: Iterable[str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self.issuer = issuer
        self.audiences = frozenset(audiences)
        self.algorithms = tuple(algorithms)
        self._now = now

    async def subject(self, headers: Mapping[str, str]) -> str:
        """Whom a request is from: `sub` of its token.

        Raises:
            Problem: 401, 403, or 503 where the issuer's keys cannot be had.
        """
        token = _bearer(headers.get("authorization", ""))
        claims = self._claims(token, await self.keys.key(_kid(token)))
        self._meant_for_us(claims.get("aud"))
        return str(claims["sub"])

    def _claims(self, token: str, key: Any) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        needed = {name: jwt.ClaimsOption(essential=True) for name in ("sub", "exp")}
        rules = jwt.JWTClaimsRegistry(
            lambda: int(self._now()), LEEWAY_S, iss=jwt.ClaimsOption(essential=True, value=self.issuer), **needed
        )
        try:
            claims = jwt.decode(token, key, algorithms=self.algorithms).claims
            rules.validate(claims)
        except (JoseError, ValueError) as exc:
            raise bad_token(_why(exc)) from exc
        return claims

    def _meant_for_us(self, audience: Any) -> None:
        named = [audience] if isinstance(audience, str) else audience
        if not isinstance(named, list) or self.audiences.isdisjoint(one for one in named if isinstance(one, str)):
            raise wrong_audience()


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise bad_token("send Authorization: Bearer and a token", given=False)
    if len(token) > LONGEST:
        raise bad_token(f"the token is over {LONGEST} characters")
    return token.strip()


def _kid(token: str) -> str:
    """The name of the key that a token says it is signed with."""
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError) as exc:
        raise bad_token("it is no signed token") from exc
    if not isinstance(kid, str) or not kid:
        raise bad_token("the token names no key (kid)")
    return kid


def _why(exc: Exception) -> str:
    """What is wrong with a token; a claim is named, nothing of its content told."""
    from joserfc.errors import ClaimError, ExpiredTokenError

    if isinstance(exc, ExpiredTokenError):
        return "the token has expired; get a new one"
    return f"the token's {exc.claim} is missing or wrong" if isinstance(exc, ClaimError) else "its signature is wrong"
