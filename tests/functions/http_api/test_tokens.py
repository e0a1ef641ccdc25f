"""A thousand altered access tokens, through the verification that stands before the API locally, and through the API.

On AWS the gateway verifies by itself; what it lets through is held against the same rules in ``viewer.py``.
"""

import asyncio
import base64
import binascii
import hmac
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from ministack.services import apigateway

from tests.builders import OWNER
from tests.functions.http_api.world import World

POOL, CLIENT = "us-east-1_Abc123", "client-of-the-api"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
AUTHORIZER = {
    "identitySource": ["$request.header.Authorization"],
    "jwtConfiguration": {"issuer": ISSUER, "audience": [CLIENT]},
}
COUNT = 1_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def plain(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Pool:
    """A user pool's key, and tokens signed with it."""

    def __init__(self, kid: str = "key-1") -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.kid = kid

    @property
    def jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        n, e = (b64(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e))
        return {"kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e}

    @property
    def pem(self) -> bytes:
        """The public key, which an attacker has, too."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)

    def token(self, head: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        told = {
            "sub": OWNER,
            "token_use": "access",
            "iss": ISSUER,
            "client_id": CLIENT,
            "scope": "aws.cognito.signin.user.admin",
            "iat": now - 60,
            "exp": now + 3_000,
            **claims,
        }
        signed = ".".join(
            b64(json.dumps(part).encode())
            for part in (
                {"alg": "RS256", "kid": self.kid, **(head or {})},
                {k: v for k, v in told.items() if v is not None},
            )
        )
        return f"{signed}.{b64(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool()


@pytest.fixture
def verification(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    address = asyncio.get_event_loop().run_until_complete(apigateway._resolve_jwks_url(AUTHORIZER))
    kept = {"jwks": {"keys": [pool.jwk, {**Pool("key-2").jwk, "n": ""}]}, "expiresAt": time.time() + 3600}
    monkeypatch.setitem(apigateway._jwks_cache, address, kept)


def forged(pool: Pool) -> Iterator[str]:
    """What is known to have fooled somebody, or would be a hole here."""
    good = pool.token()
    head, payload, signature = good.split(".")
    stranger = Pool()
    now = int(time.time())
    for alg in ("none", "None", "NONE", "nOnE", ""):
        bare = b64(json.dumps({"alg": alg, "kid": pool.kid}).encode())
        yield from (f"{bare}.{payload}.", f"{bare}.{payload}.{signature}", f"{bare}.{payload}")
    for alg in ("HS256", "RS256"):  # the public key as a secret
        text = f"{b64(json.dumps({'alg': alg, 'kid': pool.kid}).encode())}.{payload}"
        for secret in (pool.pem, pool.pem.strip(), pool.jwk["n"].encode(), b""):
            yield f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"
    yield stranger.token()
    yield stranger.token({"jwk": stranger.jwk})
    yield stranger.token({"jku": "https://example.com/jwks.json", "x5u": "https://example.com/cert"})
    for kid in ("key-2", "", "../../../dev/null", "' OR 1=1", None, 0, ["key-1"], {"kid": "key-1"}):
        yield pool.token({"kid": kid})
        yield stranger.token({"kid": kid})
    wrong: tuple[dict[str, Any], ...] = (
        {"exp": now - 1},
        {"exp": now - 10**6},
        {"exp": 0},
        {"nbf": now + 600},
        {"iat": now + 600},
        {"iss": ISSUER + "x"},
        {"iss": ISSUER.upper()},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"},
        {"iss": None},
        {"client_id": "another-client"},
        {"client_id": None},
        {"aud": "another-client"},
        {"aud": [], "client_id": None},
        {"token_use": "id", "aud": CLIENT},
        {"token_use": "refresh"},
        {"token_use": None},
        {"token_use": ["access"]},
        {"sub": ""},
        {"sub": None},
    )
    for claims in wrong:
        yield pool.token(**claims)
    yield from (head, f"{head}.{payload}", f"{head}.{payload}.{signature}.{signature}", f".{payload}.{signature}")
    yield from (f"{head}..{signature}", f"{head}.{payload}.", f"{payload}.{head}.{signature}", "..", "a.b.c", " ")


def altered(token: str, chance: random.Random) -> str:
    """The token with one to three changes anywhere."""
    text = list(token)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(text))
        match chance.randrange(4):
            case 0:
                text[place] = chance.choice(ALPHABET)
            case 1:
                del text[place]
            case 2:
                text.insert(place, chance.choice(ALPHABET))
            case _:
                other = chance.randrange(len(text))
                text[place], text[other] = text[other], text[place]
    return "".join(text)


def says_the_same(one: str, other: str) -> bool:
    """Whether two tokens differ in nothing but bits that base64 does not use."""
    ones, others = one.split("."), other.split(".")
    try:
        return ones[:2] == others[:2] and len(others) == 3 and plain(ones[2]) == plain(others[2])
    except binascii.Error:
        return False


def status(world: World, token: str) -> int:
    """What a request with that token is answered, by the verification or, where it lets it pass, by the API."""
    headers = {"Authorization": f"Bearer {token}"}
    verifying = apigateway._validate_jwt_authorizer({}, AUTHORIZER, headers, {})
    claims, _, refused = asyncio.get_event_loop().run_until_complete(verifying)
    if refused is not None:
        return int(refused[0])
    told = {name: apigateway._jwt_claim_to_string(value) for name, value in (claims or {}).items()}
    return world.as_(told.pop("sub", None), **{"token_use": None, **told}).get("/v1/projects").status_code


@pytest.mark.usefixtures("verification")
def test_a_thousand_altered_tokens_open_nothing(world: World, pool: Pool) -> None:
    good = pool.token()
    assert status(world, good) == 200, "the token itself is good, or nothing is proved"
    chance = random.Random(7)
    tokens = dict.fromkeys(token for token in forged(pool))
    while len(tokens) < COUNT:
        token = altered(good, chance)
        if not says_the_same(good, token):
            tokens[token] = None
    opened = [token for token in tokens if status(world, token) != 401]
    assert (len(tokens), opened) == (COUNT, [])
