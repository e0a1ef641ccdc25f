"""A POST that comes again under its ``Idempotency-Key`` has its effect once, and gets the answer that it got first."""

import base64
import re
import zlib
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from os import urandom
from types import SimpleNamespace
from typing import Any

import orjson
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS, DataRecord
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from http_api.problems import FieldProblem, answer_to, problem
from http_api.rest.answers import add_problems
from http_api.viewer import user_id_of
from spheroseg.errors import SpherosegError
from spheroseg.ports import KeptAnswer, KeptAnswerRepository

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT_FOR_H = 24
MAX_KEY_LENGTH = 200
PATTERN = r"^[\x21-\x7e]+$"
ASK_AGAIN_AFTER_S = 1
SERVED_WITHIN_MS = 30_000
"""The gateway gives up after that, where no runtime says how much time is left."""
REQUEST_HEADERS = ("content-type", "if-match")
"""What of a request's headers changes what it asks for."""
NONCE_BYTES = 12


class Records(BasePersistenceLayer):
    """Powertools' rules (digests, expiry, the same request for the same key) over our own table."""

    def __init__(self, answers: KeptAnswerRepository) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answers = answers
        config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="request",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=KEPT_FOR_H * 3600,
            hash_function="sha256",
        )
        self.configure(config, key_prefix="http_api")

    def _put_record(self, data_record: DataRecord) -> None:
        kept_until, under_way_until = data_record.expiry_timestamp, data_record.in_progress_expiry_timestamp
        if kept_until is None or under_way_until is None:
            raise AssertionError("a request that begins has both times")
        begun = KeptAnswer(
            data_record.idempotency_key,
            data_record.payload_hash,
            None,
            datetime.fromtimestamp(under_way_until / 1000, UTC),
            datetime.fromtimestamp(kept_until, UTC),
        )
        there = self._answers.begin(begun, datetime.now(UTC))
        if there is not None:
            record = _record_of(there)
            self._validate_payload(data_record, record)
            raise IdempotencyItemAlreadyExistsError(old_data_record=record)

    def _get_record(self, idempotency_key: str) -> DataRecord:
        there = self._answers.get(idempotency_key)
        if there is None:
            raise IdempotencyItemNotFoundError
        return _record_of(there)

    def _update_record(self, data_record: DataRecord) -> None:
        if data_record.expiry_timestamp is None:
            raise AssertionError("an answer that is kept has a time")
        kept_until = datetime.fromtimestamp(data_record.expiry_timestamp, UTC)
        self._answers.finish(data_record.idempotency_key, data_record.response_data, kept_until)

    def _delete_record(self, data_record: DataRecord) -> None:
        self._answers.forget(data_record.idempotency_key)


def _record_of(answer: KeptAnswer) -> DataRecord:
    return DataRecord(
        idempotency_key=answer.key,
        status=STATUS_CONSTANTS["INPROGRESS" if answer.content is None else "COMPLETED"],
        expiry_timestamp=int(answer.kept_until.timestamp()),
        in_progress_expiry_timestamp=int(answer.under_way_until.timestamp() * 1000),
        response_data=answer.content or "",
        payload_hash=answer.request,
    )


@dataclass
class _Call:
    """One request under a key."""

    user_id: str
    key: str
    path: str
    query: str
    headers: Headers
    body: bytes

    def data(self) -> dict[str, Any]:
        """What Powertools makes its digests of: keys are each person's own, and each path's."""
        told = {name: self.headers.get(name) for name in REQUEST_HEADERS}
        return {
            "key": {"user": self.user_id, "path": self.path, "key": self.key},
            "request": {"query": self.query, **told, "body": sha256(self.body).hexdigest()},
        }

    @property
    def seal(self) -> AESGCM:
        """Answers hold links and tokens that are told once: only who knows the key can read what is kept."""
        return AESGCM(sha256(f"spheroseg: kept answers\0{self.user_id}\0{self.key}".encode()).digest())


@dataclass
class _Answer:
    """What the app sent."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        """Hold it back."""
        self.messages.append(message)

    @property
    def status(self) -> int:
        """The HTTP status."""
        status: int = self.messages[0]["status"]
        return status

    def sealed(self, scope: Scope, seal: AESGCM) -> dict[str, str]:
        """The answer as it is kept."""
        content = {
            "status": self.status,
            "headers": [[name.decode(), value.decode()] for name, value in self.messages[0]["headers"]],
            "body": base64.b64encode(b"".join(message.get("body", b"") for message in self.messages[1:])).decode(),
            "route": getattr(scope.get("route"), "path", None),
            "ids": {name: str(value) for name, value in scope.get("path_params", {}).items()},
        }
        nonce = urandom(NONCE_BYTES)
        closed = nonce + seal.encrypt(nonce, zlib.compress(orjson.dumps(content), 1), None)
        return {"sealed": base64.b64encode(closed).decode()}


def _opened(kept: dict[str, str], scope: Scope, seal: AESGCM) -> Response:
    """The answer that was kept; the scope is told its route, for the log."""
    closed = base64.b64decode(kept["sealed"])
    content = orjson.loads(zlib.decompress(seal.decrypt(closed[:NONCE_BYTES], closed[NONCE_BYTES:], None)))
    scope["route"], scope["path_params"] = SimpleNamespace(path=content["route"]), content["ids"]
    scope["replayed"] = True
    response = Response(base64.b64decode(content["body"]), content["status"])
    response.raw_headers = [(name.encode(), value.encode()) for name, value in content["headers"]]
    response.headers[REPLAYED] = "true"
    return response


class Once:
    """Middleware around the routes.

    Only answers to what was done (2xx) are kept: a refusal changed nothing, and what is down may be up again.

    Args:
        on_unkept: Told of an answer that was given and could not be kept: a repeat will do it again.
    """

    def __init__(self, app: ASGIApp, answers: KeptAnswerRepository, on_unkept: Callable[[Exception], None]) -> None:
        self.app = app
        self.records = Records(answers)
        self.on_unkept = on_unkept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; those without a key, or of nobody, as if this were not here."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        headers, user_id = Headers(scope=scope), user_id_of(scope)
        key = headers.get(HEADER)
        if key is None or user_id is None:
            await self.app(scope, receive, send)
            return
        if len(key) > MAX_KEY_LENGTH or not re.fullmatch(PATTERN, key):
            detail = f"Take 1 to {MAX_KEY_LENGTH} visible characters of ASCII, such as a UUID"
            fault = FieldProblem(location="header", field=HEADER, detail=detail)
            await problem(Request(scope), "invalid-request", f"{HEADER}: {detail}", errors=[fault])(
                scope, receive, send
            )
            return
        query = scope["query_string"].decode("latin-1")
        call = _Call(user_id, key, scope["path"], query, headers, await _body(receive))
        answer = self._begin(scope, call)
        if answer is None:
            await self._serve(scope, call, send)
        else:
            await answer(scope, receive, send)

    def _begin(self, scope: Scope, call: _Call) -> Response | None:
        """None when the request is to be served now, else its answer."""
        request = Request(scope)
        try:
            self.records.save_inprogress(call.data(), _time_left_ms(scope))
        except IdempotencyValidationError:
            detail = "This idempotency key came with another request before; take a new one"
            return problem(request, "idempotency-key-reused", detail)
        except IdempotencyItemAlreadyExistsError as there:
            kept = there.old_data_record.response_json_as_dict() if there.old_data_record else None
            if kept:
                return _opened(kept, scope, call.seal)
            detail = "The same request is under way; ask again under the same key to get its answer"
            return problem(request, "request-under-way", detail, headers={"Retry-After": str(ASK_AGAIN_AFTER_S)})
        except SpherosegError as error:
            return answer_to(request, error)
        return None

    async def _serve(self, scope: Scope, call: _Call, send: Send) -> None:
        answer = _Answer()
        try:
            await self.app(scope, _again(call.body), answer.send)
        except Exception as error:
            self._forget(call, error)
            raise
        if 200 <= answer.status < 300:
            try:
                self.records.save_success(call.data(), answer.sealed(scope, call.seal))
            except SpherosegError as unkept:
                self.on_unkept(unkept)
        else:
            self._forget(call, None)
        for message in answer.messages:
            await send(message)

    def _forget(self, call: _Call, error: Exception | None) -> None:
        try:
            self.records.delete_record(call.data(), error or RuntimeError("refused"))
        except SpherosegError as unkept:
            self.on_unkept(unkept)  # it gives way by itself when the request would have ended


def _time_left_ms(scope: MutableMapping[str, Any]) -> int:
    context = scope.get("aws.context")
    return SERVED_WITHIN_MS if context is None else int(context.get_remaining_time_in_millis())


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes) -> Receive:
    """The body for the app, then silence, as from a server whose client waits."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def describe_keys(document: dict[str, Any]) -> None:
    """Add the header and its problems to every POST of an OpenAPI document that takes it."""
    for item in document["paths"].values():
        post = item.get("post")
        if post is None or "sign-in" in post["tags"]:
            continue
        parameters = post.setdefault("parameters", [])
        if not any(parameter["name"] == HEADER for parameter in parameters):
            parameters.append(_PARAMETER)
        add_problems(post, "request-under-way", "idempotency-key-reused")


_PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": PATTERN},
    "description": "Any text of your own, new for each new request, such as a UUID. The same request under the same "
    f"key is done once, and answered as it was first, for {KEPT_FOR_H} hours; your keys are yours, and each path's",
    "example": "0198c0de-0000-7000-8000-0000000000aa",
}
