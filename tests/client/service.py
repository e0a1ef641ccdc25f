"""A service on loopback for what can go wrong: the real API over fakes, a store, a worker, and faults on demand."""

import asyncio
import hashlib
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from starlette.types import Message

from export_worker.maker import ExchangeMaker
from export_worker.outline_files import ExchangeFiles
from http_api.app import create_app
from spheroseg.domain.pages import Pages, beyond
from spheroseg.domain.segmentation import (
    Failure,
    PixelSizeSource,
    Result,
    Segmentation,
    SegmentationStatus,
    result_prefix,
)
from spheroseg.domain.upload_parts import UploadPart, to_base64
from spheroseg.imaging.geojson import feature_collection
from spheroseg.imaging.labels import labels_tiff
from spheroseg.imaging.measures import spheroids_of
from spheroseg.ports import DecodedImage, PartLink, UploadForm
from spheroseg.use_cases.prepare_import import PrepareImport
from spheroseg.use_cases.read_segmentations import LABELS_FILE, OUTLINES_FILE, PREVIEW_FILE
from spheroseg.use_cases.run_export import RunExport
from spheroseg.use_cases.run_import import RunImport
from tests.builders import a_result
from tests.fakes import InMemoryClock, InMemoryImageStore
from tests.fakes.exports import InMemoryExportSource, InMemoryExportStore
from tests.fakes.segmenting import InMemoryDecoder
from tests.fakes.sign_in import InMemorySignIn, SomeTokens
from tests.functions.http_api.world import BehindGateway, World

EMAIL, PASSWORD = "ada@example.com", "correct-Horse-7"
PIXEL_SIZE_UM = 0.5
SIZE_PX = (120, 80)
SQUARES = ((10, 10, 30), (60, 40, 20))
"""Left, top and side of each spheroid that the worker finds, in px."""
SOME_PIXELS = DecodedImage(
    pixels=np.arange(SIZE_PX[0] * SIZE_PX[1], dtype=np.uint16).reshape(SIZE_PX[1], SIZE_PX[0]),
    pixel_type="uint16",
    pages=Pages(1),
    pixel_size_um=None,
)
"""What every file shows to whoever imports outlines for it."""


@dataclass
class Fault:
    """What happens to some requests.

    Args:
        status: Answered instead; None: the connection is cut.
        times: How many requests it happens to.
        after_bytes: The connection is cut in the middle of the answer.
    """

    pattern: str
    status: int | None = None
    times: int = 1
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_bytes: int | None = None

    def takes(self, request: str) -> bool:
        if self.times > 0 and re.search(self.pattern, request):
            self.times -= 1
            return True
        return False


class WallClock(InMemoryClock):
    def now(self) -> datetime:
        return datetime.now(UTC)


class ShortSignIn(InMemorySignIn):
    """Counts tokens, so that each is another one."""

    count = 0
    expires_in_s = 3600

    def sign_in(self, email: str, password: str) -> SomeTokens:
        super().sign_in(email, password)
        return self._tokens(email)

    def refresh(self, refresh_token: str) -> SomeTokens:
        super().refresh(refresh_token)
        return self._tokens(refresh_token.removeprefix("refresh-"))

    def _tokens(self, email: str) -> SomeTokens:
        self.count += 1
        return SomeTokens(f"access-{self.count}-{email}", f"refresh-{email}", self.expires_in_s)


class HttpStore(InMemoryImageStore):
    url = ""

    def upload_forms(self, wanted: Sequence[tuple[str, int]], lifetime: timedelta) -> Sequence[UploadForm]:
        return [replace(form, url=f"{self.url}/store/") for form in super().upload_forms(wanted, lifetime)]

    def part_links(
        self, key: str, upload_id: str, parts: Sequence[UploadPart], lifetime: timedelta
    ) -> Sequence[PartLink]:
        links = super().part_links(key, upload_id, parts, lifetime)
        return [replace(link, url=f"{self.url}/parts/{upload_id}/{link.number}") for link in links]

    def link(self, key: str, lifetime: timedelta) -> str:
        return f"{self.url}/objects/{key}?signature=x"


class Service:
    """The service; ``requests`` lists what was asked for, ``faults`` what is to go wrong."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.read_after: list[str | None] = []
        self.faults: list[Fault] = []
        self.refused_tokens: set[str] = set()
        self.fails: Callable[[str], Failure | None] = lambda _: None
        self.works = True
        self.unequal_edges_um: tuple[float, float] | None = None
        self.pages: Callable[[str], Pages] = lambda _: Pages(1)
        self.hold: Callable[[str], bool] = lambda _: False
        self.held: list[Segmentation] = []
        self.groups = "[]"
        self.sign_in = ShortSignIn({EMAIL: PASSWORD})
        self.world = World(clock=WallClock(), sign_in=self.sign_in)
        self.store = HttpStore(self.world.clock)
        self.world.store = self.store
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = self.store.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        cases = self.world.use_cases()
        reads = replace(cases.read_segmentations, links=self.store)
        exported = replace(cases.read_exports, links=self.store)
        cases = replace(
            cases,
            read_segmentations=reads,
            read_exports=exported,
            socket_url=self.url.replace("http", "ws") + "/socket",
        )
        self._app = create_app(cases, self.world.answered.append, self.world.unkept.append)

    @contextmanager
    def running(self) -> Iterator["Service"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def fault(self, pattern: str, status: int | None = None, **more: Any) -> None:
        self.faults.append(Fault(pattern, status, **more))

    def asked(self, pattern: str) -> int:
        """How often something was asked for."""
        return sum(bool(re.search(pattern, request)) for request in self.requests)

    def import_(self) -> None:
        """Do what a worker does with all imports that are queued."""
        world = self.world
        store = InMemoryExportStore(world.clock, self.store.objects, self.store.content_types)
        with tempfile.TemporaryDirectory() as scratch:
            prepare = PrepareImport(
                projects=world.projects,
                images=world.images,
                imports=world.imports,
                revisions=world.revisions,
                store=store,
                files=ExchangeFiles(),
                decoder=InMemoryDecoder(SOME_PIXELS),
                clock=world.clock,
            )
            run_import = RunImport(
                prepare, world.imports, world.revisions, store, world.clock, Path(scratch), world.updates
            )
            while world.export_queue.imports:
                work = run_import.take(world.export_queue.imports.pop(0).import_id)
                if work is not None:
                    run_import.make(work)

    def export(self) -> None:
        """Do what a worker does with all exports that are queued."""
        world = self.world
        store = InMemoryExportStore(world.clock, self.store.objects, self.store.content_types)
        with tempfile.TemporaryDirectory() as scratch:
            run_export = RunExport(
                world.exports,
                InMemoryExportSource(world.images, world.revisions),
                store,
                ExchangeMaker(store, Path(scratch)),
                world.export_queue,
                world.clock,
                world.reviews,
                world.updates,
            )
            while world.export_queue.sent:
                work = run_export.take(world.export_queue.sent.pop(0).export_id)
                if work is not None:
                    run_export.make(work)

    def work(self) -> None:
        """Do what a worker does with all that is queued."""
        while self.world.queue.sent and self.works:
            _, message = self.world.queue.sent.pop(0)
            run = self.world.segmentations.rows.get(message.segmentation_id)
            if run is None or run.status is not SegmentationStatus.QUEUED:
                continue
            if self.hold(self.world.images.get(run.image_id).name):
                self.held.append(run)
            else:
                self._finish(run)

    def _finish(self, run: Segmentation) -> None:
        now = self.world.clock.now()
        image = self.world.images.get(run.image_id)
        running = run.started(now)
        pages, page = self.pages(image.name), run.order.parameters.page
        if page > pages.count:
            refused = Failure("page-not-found", beyond(pages.count, page))
            self.world.segmentations.rows[run.id] = running.failed(refused, now)
            return
        self.world.images.note_pages(image.id, pages)
        if failure := self.fails(image.name):
            self.world.segmentations.rows[run.id] = running.failed(failure, now)
            return
        width, height = SIZE_PX
        labels = np.zeros((height, width), np.int32)
        for number, (left, top, side) in enumerate(SQUARES, start=1):
            labels[top : top + side, left : left + side] = number
        labels[20:25, 20:30] = 0
        spheroids = spheroids_of(labels)
        preview = cv2.imencode(".jpg", np.full((height, width), 128, np.uint8))[1].tobytes()
        prefix = result_prefix(run.id, running.attempt)
        size_um = image.pixel_size_um
        self.store.put(prefix + LABELS_FILE, labels_tiff(labels, size_um), "image/tiff")
        self.store.put(prefix + OUTLINES_FILE, feature_collection(spheroids, size_um), "application/geo+json")
        self.store.put(prefix + PREVIEW_FILE, preview, "image/jpeg")
        source = PixelSizeSource.USER if size_um else None
        told = a_result(len(spheroids))
        review = told.review and replace(told.review, unequal_edges_um=self.unequal_edges_um)
        count = len(spheroids)
        result = Result(width, height, "uint8", size_um, source, count, count, {"model": 0.1}, told.ran, review)
        self.world.segmentations.rows[run.id] = running.succeeded(result, now + timedelta(milliseconds=125))
        self.world.segmentations.found[run.id] = spheroids

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> "_Answer":
        with self.lock:
            path = urlsplit(target).path
            if method == "PUT" and path.startswith("/parts/"):
                return self._part(path, headers, body)
            if path == "/store/":
                return self._stored(headers, body)
            if path.startswith("/objects/"):
                return self._object(path.removeprefix("/objects/"), headers)
            if path == "/socket":
                return _Answer(403, {}, b"")
            answer = self._api(method, target, headers, body)
            self.work()
            return answer

    def _stored(self, headers: Mapping[str, str], body: bytes) -> "_Answer":
        boundary = headers["content-type"].partition("boundary=")[2].encode()
        parts = body.split(b"--" + boundary)[1:-1]
        fields: dict[str, bytes] = {}
        for part in parts:
            head, _, content = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]*)"', head)
            assert name
            fields[name[1].decode()] = content.removesuffix(b"\r\n")
        assert list(fields)[-1] == "file", "a store ignores what comes after the file"
        limit = int(fields["policy"].split()[2])
        if len(fields["file"]) > limit:
            return _Answer(400, {}, b"<Error><Code>EntityTooLarge</Code><Message>Too large</Message></Error>")
        self.store.put(fields["key"].decode(), fields["file"], "application/octet-stream")
        return _Answer(204, {}, b"")

    def _part(self, path: str, headers: Mapping[str, str], body: bytes) -> "_Answer":
        _, _, upload_id, number = path.split("/")
        if headers["x-amz-checksum-sha256"] != to_base64(hashlib.sha256(body).hexdigest()):
            return _Answer(400, {}, b"<Error><Code>BadDigest</Code><Message>Other bytes</Message></Error>")
        self.store.put_part(upload_id, int(number), body)
        return _Answer(200, {}, b"")

    def _object(self, key: str, headers: Mapping[str, str]) -> "_Answer":
        content = self.store.objects[key]
        etag = f'"{hash(content)}"'
        wanted = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if wanted and headers.get("if-range") == etag:
            return _Answer(206, {"ETag": etag}, content[int(wanted[1]) :])
        return _Answer(200, {"ETag": etag}, content)

    def _api(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> "_Answer":
        token = headers.get("authorization", "").removeprefix("Bearer ")
        self.read_after.append(headers.get("spheroseg-read-after"))
        claims = None
        if token:
            self.authorizations.append(token)
            if token in self.refused_tokens:
                return _Answer(401, {"Content-Type": "application/json"}, b'{"message":"Unauthorized"}')
            claims = {"sub": token.split("-")[-1], "token_use": "access", "cognito:groups": self.groups}
        app = BehindGateway(self._app, claims)
        address = urlsplit(target)
        scope = {
            "type": "http",
            "method": method,
            "path": address.path,
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "http_version": "1.1",
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        return _Answer(
            sent[0]["status"],
            {name.decode(): value.decode() for name, value in sent[0]["headers"]},
            b"".join(message.get("body", b"") for message in sent[1:]),
        )


@dataclass
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    cut_after: int | None = None


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = f"{self.command} {self.path}"
            with service.lock:
                service.requests.append(request)
                fault = next((fault for fault in service.faults if fault.takes(request)), None)
            if fault and fault.after_bytes is None:
                if fault.status is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                answer = _Answer(fault.status, fault.headers, fault.body)
            else:
                answer = service.answer(self.command, self.path, headers, body)
            self.send_response(answer.status)
            names = {name.lower() for name in answer.headers}
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "content-length" not in names and answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if fault and fault.after_bytes is not None:
                self.wfile.write(answer.body[: fault.after_bytes])
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ValueError, OSError):
                return  # the other side, or a fault, closed the connection

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    return Handler
