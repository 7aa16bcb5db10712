"""Callers known by a token, as a mesh would know them; the issuer is played by this test."""

import asyncio
import base64
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import ValidationError
from starlette.testclient import TestClient

from tests.web.test_middleware import ROUTE, Settings, dressed
from web import jwks
from web.jwks import Jwks, fetched_from, public_keys
from web.openapi import with_problems
from web.problems import Problem
from web.tokens import Tokens

NOW = 1_800_000_000
ISSUER = "https://id.example"
CLAIMS = {"iss": ISSUER, "aud": "recommender", "sub": "ann", "exp": NOW + 300}
RSA = RSAKey.generate_key(2048, {"kid": "first"})
EC = ECKey.generate_key("P-256", {"kid": "second"})
STRANGER = RSAKey.generate_key(2048, {"kid": "first"})


def token(key=RSA, alg="RS256", kid=None, without=(), **claims):
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if name not in without}
    return jwt.encode({"alg": alg, "kid": kid or key.kid}, said, key, algorithms=[alg])


class Issuer:
    """Publishes keys, counts how often they are asked for, may be away."""

    def __init__(self, *keys):
        self.keys, self.asked, self.away, self.now = list(keys), 0, False, 0.0
        self.known = Jwks(self.fetch, lambda: self.now)
        self.tokens = Tokens(self.known, ISSUER, ("recommender", "front"), ("RS256", "ES256"), lambda: NOW)

    async def fetch(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise OSError("nobody answers")
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()

    def subject(self, given):
        headers = {"authorization": f"Bearer {given}"} if given is not None else {}
        return asyncio.run(self.tokens.subject(headers))

    def refusal(self, given):
        with pytest.raises(Problem) as caught:
            self.subject(given)
        return caught.value


@pytest.fixture
def issuer():
    return Issuer(RSA, EC)


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256")])
@pytest.mark.parametrize("audience", ["recommender", ["other", "front"]])
def test_a_good_token_says_who_asks(issuer, key, alg, audience):
    assert issuer.subject(token(key, alg, aud=audience)) == "ann"


def none_signed():
    body = token().split(".")[1]
    return f"eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ.{body}."


def changed():
    head, _, signature = token().split(".")
    return f"{head}.{token(sub='eve').split('.')[1]}.{signature}"


def signed_with_the_public_key():
    """The RS256 key taken for a secret: the classic confusion."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"first"}').decode().rstrip("=")
    text = f"{head}.{token().split('.')[1]}"
    mac = hmac.digest(RSA.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


BAD = {
    "none came": (lambda: None, "send Authorization"),
    "an empty one": (lambda: " ", "send Authorization"),
    "garbage": (lambda: "a.b.c", "no signed token"),
    "one part": (lambda: "abc", "no signed token"),
    "not ASCII": (lambda: "é.é.é", "no signed token"),
    "a very long one": (lambda: "x" * 9000, "over 8192 characters"),
    "unsigned": (none_signed, "signature"),
    "changed": (changed, "signature"),
    "of a stranger under a known name": (lambda: token(STRANGER), "signature"),
    "signed with the public key": (signed_with_the_public_key, "signature"),
    "an algorithm that is not allowed": (lambda: token(alg="PS256"), "signature"),
    "expired": (lambda: token(exp=NOW - 31), "expired"),
    "not yet valid": (lambda: token(nbf=NOW + 31), "nbf"),
    "of another issuer": (lambda: token(iss="https://evil.example"), "iss"),
    "without an end": (lambda: token(without=["exp"]), "exp"),
    "without a subject": (lambda: token(without=["sub"]), "sub"),
    "without an issuer": (lambda: token(without=["iss"]), "iss"),
    "a subject that is a number": (lambda: token(sub=7), "sub"),
    "an end that is no number": (lambda: token(exp="soon"), "exp"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_token_that_proves_nothing_is_401_and_says_why(issuer, name):
    make, why = BAD[name]
    problem = issuer.refusal(make())
    assert (problem.status, problem.slug) == (401, "unknown-caller")
    assert why in problem.detail and problem.errors[0].field == "Authorization"
    assert problem.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("claims", [{"aud": "billing"}, {"aud": ["a", "b"]}, {"without": ["aud"]}])
def test_a_token_for_another_service_is_403_as_in_a_mesh(issuer, claims):
    assert (issuer.refusal(token(**claims)).status, issuer.asked) == (403, 1)


def test_clocks_may_be_half_a_minute_apart(issuer):
    assert issuer.subject(token(exp=NOW - 29, nbf=NOW + 29)) == "ann"


def test_keys_are_kept_and_a_new_one_is_found_when_it_is_used():
    issuer = Issuer(RSA)
    for _ in range(5):
        issuer.subject(token())
    assert issuer.asked == 1
    issuer.keys, issuer.now = [RSA, EC], jwks.PAUSE_S
    assert (issuer.subject(token(EC, "ES256")), issuer.asked) == ("ann", 2)


def test_names_of_keys_that_nobody_knows_do_not_drive_the_issuer(issuer):
    for number in range(50):
        assert issuer.refusal(token(kid=f"k{number}")).status == 401
    assert issuer.asked == 1
    issuer.now = jwks.PAUSE_S
    issuer.refusal(token(kid="again"))
    assert issuer.asked == 2


def test_callers_who_come_together_ask_for_the_keys_once(issuer):
    async def crowd():
        headers = {"authorization": f"Bearer {token()}"}
        return await asyncio.gather(*(issuer.tokens.subject(headers) for _ in range(20)))

    assert (asyncio.run(crowd()), issuer.asked) == (["ann"] * 20, 1)


def test_a_key_that_was_withdrawn_is_good_for_an_hour_at_most(issuer):
    issuer.subject(token())
    issuer.keys, issuer.now = [EC], jwks.REFRESH_S
    assert issuer.refusal(token()).status == 401


def test_known_keys_outlive_an_issuer_that_is_away(issuer):
    issuer.subject(token())
    issuer.away, issuer.now = True, 10 * jwks.REFRESH_S
    assert issuer.subject(token()) == "ann"


def test_without_any_keys_nobody_is_let_in_and_it_is_not_the_callers_fault(issuer):
    issuer.away = True
    problem = issuer.refusal(token())
    assert (problem.status, problem.headers["Retry-After"]) == (503, "10")


def test_shared_secrets_keys_for_encryption_and_strange_kinds_are_left_out():
    strange = [{"kty": "AKP", "kid": "pq"}, {"kty": "RSA", "kid": "broken"}, {"kty": "RSA"}, 7]
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "s"}
    enciphers = RSA.as_dict(private=False) | {"use": "enc", "kid": "e"}
    found = public_keys(json.dumps({"keys": [*strange, secret, enciphers, RSA.as_dict(private=False)]}).encode())
    assert set(found) == {"first"}


class Keys(BaseHTTPRequestHandler):
    document = b""

    def do_GET(self):
        self.send_response(200 if self.path == "/keys" else 302)
        self.send_header("Location", "/keys")
        self.send_header("Content-Length", str(len(self.document)))
        self.end_headers()
        self.wfile.write(self.document)

    def log_message(self, *_):
        pass


@pytest.fixture
def address():
    server = HTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_keys_are_read_within_bounds_and_from_nowhere_else(address):
    Keys.document = b'{"keys": []}'
    assert asyncio.run(fetched_from(f"{address}/keys")()) == Keys.document
    with pytest.raises(Exception, match="302"):
        asyncio.run(fetched_from(f"{address}/elsewhere")())
    Keys.document = b" " * (jwks.MOST_BYTES + 1)
    with pytest.raises(ValueError, match="over"):
        asyncio.run(fetched_from(f"{address}/keys")())


def test_a_service_asks_for_tokens_where_a_setting_says_so(address):
    Keys.document = json.dumps({"keys": [RSA.as_dict(private=False)]}).encode()
    app = dressed(jwks_url=f"{address}/keys", jwt_issuer=ISSUER, jwt_audiences="recommender")
    app.identities.tokens._now = lambda: NOW
    with TestClient(app, "http://127.0.0.1") as client:
        assert client.get("/healthz").status_code == client.get("/metrics?status=200").status_code == 200
        refused = client.post(ROUTE)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.post(ROUTE, headers={"Authorization": f"Bearer {token()}"}).status_code == 200
        assert client.post(ROUTE, headers={"Authorization": f"Bearer {token(aud='x')}"}).status_code == 403


def test_settings_without_issuer_or_audience_or_with_a_shared_secret_are_refused():
    with pytest.raises(ValidationError, match="AGRO_TEST_JWT_ISSUER and AGRO_TEST_JWT_AUDIENCES"):
        Settings(jwks_url="http://127.0.0.1/keys", jwt_issuer=ISSUER)
    with pytest.raises(ValidationError, match="jwt_algorithms"):
        Settings(jwt_algorithms=("HS256",))


def test_the_description_says_that_a_token_is_wanted_and_what_is_answered_without():
    settings = Settings(jwks_url="http://127.0.0.1/k", jwt_issuer=ISSUER, jwt_audiences="a", requests_per_minute=60)
    spec = {"paths": {"/ask": {"get": {"responses": {"200": {}}}}}}
    told = with_problems(spec, settings)
    assert set(told["paths"]["/ask"]["get"]["responses"]) == {"200", "401", "403", "429", "500", "503"}
    assert told["security"] == [{"token": []}] and "token" in told["components"]["securitySchemes"]
