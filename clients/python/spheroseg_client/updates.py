"""Changes as they happen, over the service's socket. What it misses, polling finds: see ``follow``."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from spheroseg_client.errors import ClientError
from spheroseg_client.models import ExportUpdate, ImportUpdate, SocketTicket, Update

OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 1.0
RECONNECT_AFTER_S = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Pauses after the first, second, … attempt in a row that failed; the last one is repeated."""
WAKE_S = 0.5

Pushed = Update | ExportUpdate | ImportUpdate

_PUSHED: TypeAdapter[Pushed] = TypeAdapter(Annotated[Pushed, Field(discriminator="type")])

_log = logging.getLogger(__name__)


class Updates:
    """The socket, opened again whenever it closes, by a thread of its own: opening it may take seconds.

    Args:
        ticket: Gets a one-time ticket and the socket's address.
        use_proxy: False: never through the proxy of the environment.
    """

    def __init__(self, ticket: Callable[[], SocketTicket], *, use_proxy: bool) -> None:
        self._ticket = ticket
        self._use_proxy = use_proxy
        self._received: queue.SimpleQueue[Pushed] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._delivers = False
        # A daemon: a program that ends does not wait for a socket that is about to be opened.
        self._thread = threading.Thread(target=self._run, name="updates", daemon=True)

    @property
    def delivers(self) -> bool:
        """True while pushes can be expected: the socket is open, and one has come over it."""
        return self._delivers

    def next(self, timeout_s: float) -> Pushed | None:
        """The next change; None when none came within the time."""
        if not self._thread.ident:
            self._thread.start()
        try:
            return self._received.get(timeout=timeout_s) if timeout_s > 0 else self._received.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """Close the socket, for good and without waiting for it."""
        self._closing.set()

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                address = self._ticket().url
                with connect(
                    address,
                    open_timeout=OPEN_TIMEOUT_S,
                    close_timeout=CLOSE_TIMEOUT_S,
                    proxy=True if self._use_proxy else None,
                ) as socket:
                    failures = 0
                    self._receive(socket)
            except (ClientError, WebSocketException, OSError) as error:
                _log.info("No socket for updates, polling instead: %s", type(error).__name__)
            self._delivers = False
            self._closing.wait(RECONNECT_AFTER_S[min(failures, len(RECONNECT_AFTER_S) - 1)])
            failures += 1

    def _receive(self, socket: ClientConnection) -> None:
        while not self._closing.is_set():
            try:
                update = _PUSHED.validate_json(socket.recv(timeout=WAKE_S))
            except TimeoutError:
                continue
            except ValidationError:
                continue  # a kind of message that this version does not know
            self._delivers = True
            self._received.put(update)
