"""Links of the CDN, secrets, time and ids: adapters whose other side is arithmetic, or one call."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from spheroseg.adapters import aws as clients
from spheroseg.adapters import secrets as secrets_adapter
from spheroseg.adapters.cdn import CdnDownloadLinks
from spheroseg.adapters.secrets import DatabaseCredentials, secret_text
from spheroseg.adapters.system import RandomIds, SystemClock
from spheroseg.errors import SecretUnavailableError
from spheroseg.ports import Clock, DownloadLinks, IdSource
from tests.builders import an_id
from tests.fakes import InMemoryClock, InMemoryIds


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def cloudfront_base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"))


def test_a_link_of_the_cdn_is_signed_for_one_object_until_one_moment() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    clock = InMemoryClock()
    links: DownloadLinks = CdnDownloadLinks("d111.cloudfront.net", "K2JCJMDEHXQW5F", pem_of(key), clock)
    url = links.link("results/1/1/a b.jpg", timedelta(minutes=5))
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    expires = int((clock.now() + timedelta(minutes=5)).timestamp())
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://d111.cloudfront.net/results/1/1/a%20b.jpg"
    assert (query["Key-Pair-Id"], query["Expires"]) == (["K2JCJMDEHXQW5F"], [str(expires)])
    # The canned policy as CloudFront builds it anew from the request before it checks the signature.
    policy = (
        '{"Statement":[{"Resource":"https://d111.cloudfront.net/results/1/1/a%20b.jpg",'
        f'"Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}'
    )
    signature = cloudfront_base64(query["Signature"][0])
    key.public_key().verify(signature, policy.encode(), padding.PKCS1v15(), hashes.SHA1())


def test_another_kind_of_key_is_refused_at_the_start() -> None:
    key = pem_of(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(TypeError, match="RSA"):
        CdnDownloadLinks("d111.cloudfront.net", "K2JCJMDEHXQW5F", key, InMemoryClock())


def a_secret(text: str) -> str:
    return boto3.client("secretsmanager").create_secret(Name=f"secret-{an_id()}", SecretString=text)["ARN"]


def test_credentials_are_read_once_and_anew_after_a_rotation(
    aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = a_secret(json.dumps({"username": "spheroseg", "password": "first", "engine": "postgres"}))
    credentials = DatabaseCredentials(clients.secrets_client(), arn)
    assert (credentials().username, credentials().password) == ("spheroseg", "first")
    rotated = json.dumps({"username": "spheroseg", "password": "second"})
    boto3.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=rotated)
    assert credentials().password == "first"
    monkeypatch.setattr(secrets_adapter, "monotonic", lambda: float("inf"))
    assert credentials().password == "second"
    assert "second" not in repr(credentials())


@pytest.mark.parametrize("text", ["no JSON", "{}", '["username"]'])
def test_a_secret_without_credentials_is_unusable(aws: Mapping[str, str], text: str) -> None:
    with pytest.raises(SecretUnavailableError):
        DatabaseCredentials(clients.secrets_client(), a_secret(text))()


def test_an_absent_secret_is_unavailable(aws: Mapping[str, str]) -> None:
    with pytest.raises(SecretUnavailableError):
        secret_text(clients.secrets_client(), "arn:aws:secretsmanager:us-east-1:000000000000:secret:absent")


@pytest.mark.parametrize("clock", [InMemoryClock(), SystemClock()])
def test_a_clock_tells_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now() >= datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("ids", [InMemoryIds(), RandomIds()])
def test_no_id_is_given_twice(ids: IdSource) -> None:
    assert len({ids.new() for _ in range(10_000)}) == 10_000


def test_ids_of_a_later_millisecond_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    for millisecond in (1, 2, 1_795_000_000_000):
        monkeypatch.setattr("time.time_ns", lambda at=millisecond: at * 1_000_000)
        given.append(RandomIds().new())
    assert given == sorted(given)
    assert {(id_.version, id_.variant) for id_ in given} == {(7, "specified in RFC 4122")}
