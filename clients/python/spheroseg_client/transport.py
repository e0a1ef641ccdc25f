"""HTTP towards the service: who asks, what they have seen, timeouts, retries, and errors as exceptions."""

import ipaddress
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import stamina

from spheroseg_client.errors import (
    ApiError,
    ClientError,
    NotSignedInError,
    ServiceUnreachableError,
    UnexpectedAnswerError,
)

TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=60.0)
"""An answer of the API comes within a Lambda function's 30 s behind API Gateway."""
RETRY_FOR_S = 60.0
"""How long a call is repeated: a database's failover takes up to a minute (Amazon Aurora user guide)."""
CALLS_AT_ONCE = 16
POSITION = "Spheroseg-Position"
READ_AFTER = "Spheroseg-Read-After"
IDEMPOTENCY_KEY = "Idempotency-Key"
UNDER_WAY = "request-under-way"
"""What a repeat is told while the first is being served; after it the repeat gets the first one's answer."""
BUSY = frozenset({429, 502, 503, 504})
REFRESH_BEFORE_S = 60.0
OWN_FAULT = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Tokens:
    """What a sign-in gave.

    Args:
        access_token: Proves who asks.
        refresh_token: Gives another access token when that one is outdated; None: sign in again.
        expires_in_s: Seconds from now for which the access token is good; None: unknown.
    """

    access_token: str
    refresh_token: str | None = None
    expires_in_s: float | None = None


class Session:
    """The access token of the moment; renewed shortly before it ends, and when the service refuses it.

    Args:
        renew: Gets tokens, with the refresh token if there is one; None: the token cannot be renewed.
        tokens: What is known to begin with.
    """

    def __init__(self, renew: Callable[[str | None], Tokens] | None, tokens: Tokens | None = None) -> None:
        self._renew = renew
        self._lock = threading.Lock()
        self._tokens = tokens
        self._ends_at = self._end(tokens)

    def access_token(self, refused: str | None = None) -> str:
        """A token to ask with.

        Args:
            refused: The token that the service has just refused, so that another one is needed.

        Raises:
            NotSignedInError: there is none, and none can be got.
        """
        with self._lock:
            current = self._tokens
            if current and current.access_token != refused and time.monotonic() < self._ends_at:
                return current.access_token
            if self._renew is None:
                raise NotSignedInError("The access token is missing, wrong or outdated; sign in again")
            self._tokens = self._renew(current.refresh_token if current else None)
            self._ends_at = self._end(self._tokens)
            return self._tokens.access_token

    @staticmethod
    def _end(tokens: Tokens | None) -> float:
        if tokens is None or tokens.expires_in_s is None:
            return float("inf")
        return time.monotonic() + max(tokens.expires_in_s - REFRESH_BEFORE_S, tokens.expires_in_s / 2)


class Transport:
    """Requests to one service; may be used from several threads at once.

    Args:
        calls_at_once: Calls of the API under way at the same time; the others wait their turn.
    """

    def __init__(self, api_url: str, retry_for_s: float = RETRY_FOR_S, calls_at_once: int = CALLS_AT_ONCE) -> None:
        address = urlsplit(api_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ServiceUnreachableError(
                f"{api_url!r} is no address of a service; give it as https://…", "bad-address"
            )
        self.api_url = api_url.rstrip("/")
        self._retry_for_s = retry_for_s
        # A proxy that is set up for the internet does not lead to this machine.
        self.trusts_environment = not is_loopback(api_url)
        self._http = httpx.Client(
            timeout=TIMEOUT,
            trust_env=self.trusts_environment,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=20.0),
        )
        self._turns = threading.BoundedSemaphore(calls_at_once)
        self._ending = threading.Event()
        self._position: str | None = None
        self._lock = threading.Lock()

    def stop_retrying(self) -> None:
        """From now on a fault is reported at once, also of calls under way; for a program that is about to end."""
        self._ending.set()

    @contextmanager
    def retrying_for(self, seconds: float | None) -> Iterator[None]:
        """Within the block calls are repeated for so long, None: as usual; for when no other thread calls yet."""
        usual = self._retry_for_s
        self._retry_for_s = usual if seconds is None else seconds
        try:
            yield
        finally:
            self._retry_for_s = usual

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @property
    def http(self) -> httpx.Client:
        """The connections, for addresses that the service handed out; nothing of the session is sent to those."""
        return self._http

    def request(
        self,
        method: str,
        path: str,
        *,
        session: Session | None,
        repeatable: bool,
        only_asks: bool = False,
        json: object | None = None,
        text: str | None = None,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> object:
        """The answer's JSON, None for an empty answer.

        Args:
            session: Who asks; None: nobody in particular.
            text: A table as CSV, in place of ``json``.
            repeatable: True when doing it twice is doing it once: then it is repeated after any fault that may pass.
                Otherwise only when the service has certainly not done it. Every POST of somebody carries an idempotency
                key, the same at each repeat, so that the service does it once.
            only_asks: True for a POST that changes nothing: it needs no key.

        Raises:
            ApiError: the service refused; it carries the service's code and detail.
            NotSignedInError: the credentials are not, or no longer, good.
            ServiceUnreachableError: no answer within the time for retries.
        """

        body: dict[str, Any] = {"json": json} if text is None else {"content": text.encode()}
        if text is not None:
            headers = {"Content-Type": "text/csv; charset=utf-8", **(headers or {})}

        if method == "POST" and session is not None and not only_asks:
            headers = {IDEMPOTENCY_KEY: str(uuid4()), **(headers or {})}
            repeatable = True

        response = self.retried(lambda: self._sent(method, path, session, body, params, headers), repeatable=repeatable)
        if not response.content:
            return None
        try:
            answer: object = response.json()
        except ValueError as error:
            raise UnexpectedAnswerError(f"{method} {path} answered something that is not JSON") from error
        return answer

    def content(self, path: str, *, session: Session, params: Mapping[str, str | int]) -> bytes:
        """The bytes that a GET answers; raises what ``request`` raises."""
        accept = {"Accept": "*/*"}
        return self.retried(lambda: self._sent("GET", path, session, {}, params, accept), repeatable=True).content

    def retried(self, call: Callable[[], httpx.Response], *, repeatable: bool) -> httpx.Response:
        """The call's response, after as many attempts as it takes within the time for retries."""

        def may_pass(error: Exception) -> bool | float:
            if self._ending.is_set():
                return False
            if isinstance(error, ApiError):
                may_repeat = error.status == httpx.codes.TOO_MANY_REQUESTS
                if repeatable:
                    may_repeat = error.status in BUSY or error.code == UNDER_WAY
                return error.retry_after_s if may_repeat and error.retry_after_s is not None else may_repeat
            if isinstance(error, httpx.TransportError) and not isinstance(error, OWN_FAULT):
                return repeatable or isinstance(error, UNSENT)
            return False

        try:
            for attempt in stamina.retry_context(
                on=may_pass, attempts=None, timeout=self._retry_for_s, wait_initial=0.2, wait_max=4.0, wait_jitter=0.3
            ):
                with attempt:
                    return call()
        except httpx.TransportError as error:
            raise ServiceUnreachableError(f"{self.api_url} does not answer: {error or type(error).__name__}") from error
        raise AssertionError("a retry context ends with an answer or an error")

    def _sent(
        self,
        method: str,
        path: str,
        session: Session | None,
        body: Mapping[str, Any],
        params: Mapping[str, str | int | Sequence[str]] | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        """The answer to one attempt, as somebody whose token may have to be renewed."""
        token = session.access_token() if session else None
        response = self._send(method, path, token, body, params, headers)
        if response.status_code == httpx.codes.UNAUTHORIZED and session and token:
            response = self._send(method, path, session.access_token(refused=token), body, params, headers)
        if not response.is_success:
            raise error_of(response)
        return response

    def _send(
        self,
        method: str,
        path: str,
        token: str | None,
        body: Mapping[str, Any],
        params: Mapping[str, str | int | Sequence[str]] | None,
        more: Mapping[str, str] | None,
    ) -> httpx.Response:
        headers = {"Accept": "application/json", **(more or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self._position:
            headers[READ_AFTER] = self._position
        with self._turns:
            response = self._http.request(method, self.api_url + path, headers=headers, params=params, **body)
        if position := response.headers.get(POSITION):
            with self._lock:
                if self._position is None or position_order(position) > position_order(self._position):
                    self._position = position
        return response


def position_order(position: str) -> tuple[int, int]:
    """What tells the later of two database positions such as ``0/3000148``; something else comes before all of them."""
    high, _, low = position.partition("/")
    try:
        return int(high, 16), int(low, 16)
    except ValueError:
        return -1, -1


def is_loopback(url: str) -> bool:
    """True when the address leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def error_of(response: httpx.Response) -> ClientError:
    """The exception that an answer stands for."""
    problem: dict[str, Any] = {}
    if "json" in response.headers.get("Content-Type", ""):
        try:
            body = response.json()
        except ValueError:
            body = None
        problem = body if isinstance(body, dict) else {}
    code = str(problem.get("type", "")).rpartition("/")[2] or None
    detail = str(problem.get("detail") or problem.get("title") or problem.get("message") or response.reason_phrase)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return NotSignedInError(f"The service does not accept these credentials: {detail}", code)
    retry_after = response.headers.get("Retry-After", "")
    return ApiError(
        detail or f"HTTP {response.status_code}",
        code,
        status=response.status_code,
        retry_after_s=min(float(retry_after), 30.0) if retry_after.isdigit() else None,
        content=problem,
    )
