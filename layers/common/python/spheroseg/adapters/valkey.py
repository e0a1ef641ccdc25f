"""The cache server, Valkey or whatever speaks its protocol: the only file that connects to it and catches its errors.

Every command works on one key, so that a cluster serves it as one server does. A server that fails is left alone for a
while: whoever asks meanwhile hears at once that it is not there.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson
import valkey
from botocore.model import ServiceId
from botocore.session import get_session
from botocore.signers import RequestSigner
from valkey.backoff import NoBackoff
from valkey.retry import Retry

from spheroseg.adapters.secrets import secret_text
from spheroseg.domain.rate_limit import MICROSECONDS, Allowance, Charge
from spheroseg.errors import CacheUnavailableError, SecretUnavailableError
from spheroseg.settings import CacheSettings

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

TIMEOUT_S = 0.25
"""An answer takes under a millisecond; whoever waits longer had better ask the database."""
REST_S = 5.0
"""How long a server that failed is left alone."""
IDLE_CHECK_S = 30
"""A connection that was idle for so long is tried before it is used: a function may have been frozen."""
TOKEN_LIFETIME_S = 900
"""Source: Amazon ElastiCache user guide, «Authenticating with IAM»: a token is good for 15 minutes."""

# The generic cell rate algorithm as ``domain/rate_limit.py`` has it, by the server's clock.
TAKE = """
local unit, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local before = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local capacity = burst * unit
local after = before + math.min(cost, burst) * unit
local wait = after - capacity - now
local granted = wait <= 0.5
local stands = granted and after or before
if granted then
  redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.ceil((after - now) / 1000) + 1)
end
local left = math.max(math.floor((capacity - (stands - now) + 0.5) / unit), 0)
return {granted and 1 or 0, left, string.format('%.3f', granted and 0 or wait), string.format('%.3f', stands - now)}
"""

Outcome = TypeVar("Outcome")
Client = valkey.Valkey
Connect = Callable[[], Client]


class ValkeyServer:
    """A connection to the server; nothing is opened before it is needed.

    Args:
        connect: Makes the client.
        prefix: Before every key, so that stages and kinds of keys cannot meet.
    """

    def __init__(self, connect: Connect, prefix: str, *, rest_s: float = REST_S) -> None:
        self._connect = connect
        self._prefix = prefix
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._rests_until = 0.0

    def key(self, name: str) -> str:
        """The server's key for one of ours."""
        return f"{self._prefix}:{name}"

    def ask(self, question: Callable[[Client], Outcome]) -> Outcome:
        """What the server answers, or raise ``CacheUnavailableError``."""
        if monotonic() < self._rests_until:
            raise CacheUnavailableError("The cache server did not answer a moment ago")
        try:
            return question(self._connected())
        except (valkey.ValkeyError, SecretUnavailableError, OSError) as error:
            self._rests_until = monotonic() + self._rest_s
            raise CacheUnavailableError("The cache server does not answer") from error

    def ping(self) -> None:
        """Return when the server answers now, or raise ``CacheUnavailableError``."""
        self._rests_until = 0.0
        self.ask(lambda client: client.ping())

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()  # type: ignore[no-untyped-call]
                self._client = None

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client


class ValkeyCache:
    """Bytes by key on the server."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server

    def get(self, key: str) -> bytes | None:
        """What was put there last, or None; raises ``CacheUnavailableError`` when nobody can tell."""
        name = self._server.key(key)
        return self._server.ask(lambda client: cast("bytes | None", client.get(name)))

    def put(self, key: str, value: bytes, lifetime_s: int) -> None:
        """Keep for so long at most, or raise ``CacheUnavailableError``."""
        name = self._server.key(key)
        self._server.ask(lambda client: client.set(name, value, ex=lifetime_s))


class ValkeyRateLimiter:
    """Budgets on the server, by its clock: all processes take from the same."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server

    def take(self, charges: Sequence[Charge]) -> Sequence[Allowance]:
        """What becomes of each charge, in their order, in one round trip; each stands alone."""

        def ask(client: Client) -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for charge in charges:
                key = self._server.key(charge.budget)
                pipeline.eval(TAKE, 1, key, str(charge.limit.unit_us), str(charge.limit.burst), str(charge.cost))
            answers: list[Any] = pipeline.execute()  # type: ignore[no-untyped-call]
            return answers

        return [
            Allowance(
                is_granted=bool(granted),
                left=left,
                retry_after_s=float(wait_us) / MICROSECONDS,
                full_after_s=float(stands_us) / MICROSECONDS,
            )
            for granted, left, wait_us, stands_us in self._server.ask(ask)
        ]


def client_of(host: str, port: int, *, tls: bool, credentials: valkey.CredentialProvider | None = None) -> Client:
    """A client with short patience; one that finds its connection closed opens another one, once.

    Args:
        credentials: Who we are there; None: nobody in particular.
    """
    return valkey.Valkey(
        host=host,
        port=port,
        ssl=tls,
        credential_provider=credentials,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        health_check_interval=IDLE_CHECK_S,
        # Telling its name is refused to who is not signed in, and the library then calls itself until the stack ends.
        lib_name=None,
        lib_version=None,
        retry=Retry(NoBackoff(), 1, supported_errors=(valkey.ConnectionError,)),
    )


def server_of(settings: CacheSettings, secrets: "SecretsManagerClient", prefix: str) -> ValkeyServer | None:
    """The server that the settings name, or None where they name none; nothing is asked yet."""
    host = settings.cache_host
    if not host:
        return None
    credentials: valkey.CredentialProvider | None = None
    if settings.cache_name and settings.cache_user:
        credentials = IamCredentials(settings.cache_name, settings.cache_user)
    elif settings.cache_secret_arn:
        credentials = PasswordCredentials(secrets, settings.cache_secret_arn)
    tls = settings.cache_tls == "require"
    return ValkeyServer(lambda: client_of(host, settings.cache_port, tls=tls, credentials=credentials), prefix)


class PasswordCredentials(valkey.CredentialProvider):
    """A password by a secret with ``password`` as JSON; read when a connection is opened."""

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def get_credentials(self) -> tuple[str]:
        """The password; raises ``SecretUnavailableError`` when it cannot be read."""
        try:
            return (str(orjson.loads(secret_text(self._client, self._arn))["password"]),)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise SecretUnavailableError("The cache server's secret has no password") from error


class IamCredentials(valkey.CredentialProvider):
    """A token of IAM, made for each connection; nothing is sent for it.

    Args:
        cache: Name of the serverless cache.
        user: Name of its user, the same as its id.

    Source: Amazon ElastiCache user guide, «Authenticating with IAM».
    """

    def __init__(self, cache: str, user: str) -> None:
        self._session = get_session()
        self._cache = cache
        self._user = user

    def get_credentials(self) -> tuple[str, str]:
        """Our name and the token."""
        region = self._session.get_config_variable("region")
        events = self._session.get_component("event_emitter")
        service, credentials = ServiceId("elasticache"), self._session.get_credentials()
        if credentials is None:
            raise SecretUnavailableError("This process has no credentials to sign in to the cache with")
        signer = RequestSigner(service, region, "elasticache", "v4", credentials, events)
        url = f"https://{self._cache}/?Action=connect&User={self._user}&ResourceType=ServerlessCache"
        request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
        signed = signer.generate_presigned_url(
            request, operation_name="connect", expires_in=TOKEN_LIFETIME_S, region_name=region
        )
        return self._user, signed.removeprefix("https://")
