"""Changes as they happen, over the service's socket. What it misses, polling finds: see ``follow``."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack

from pydantic import ValidationError
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from spheroseg_client.errors import ClientError
from spheroseg_client.models import SocketTicket, Update

OPEN_TIMEOUT_S = 5.0
RECONNECT_AFTER_S = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Pauses after the first, second, … attempt in a row that failed; the last one is repeated."""


class Updates:
    """The socket, opened again whenever it closes; used from one thread.

    Args:
        ticket: Gets a one-time ticket and the socket's address.
        use_proxy: False: never through the proxy of the environment.
    """

    def __init__(self, ticket: Callable[[], SocketTicket], *, use_proxy: bool) -> None:
        self._ticket = ticket
        self._use_proxy = use_proxy
        self._socket: ClientConnection | None = None
        self._opened = ExitStack()
        self._failures = 0
        self._next_attempt_at = 0.0

    @property
    def is_open(self) -> bool:
        """True while pushes can be expected."""
        return self._socket is not None

    def next(self, timeout_s: float) -> Update | None:
        """The next change; None when none came within the time, or while the socket cannot be had."""
        deadline = time.monotonic() + timeout_s
        while True:
            if self._socket is None:
                self._try_to_open()
            left_s = deadline - time.monotonic()
            if self._socket is None:
                time.sleep(max(0.0, min(left_s, self._next_attempt_at - time.monotonic())))
            else:
                try:
                    return Update.model_validate_json(self._socket.recv(timeout=max(0.0, left_s)))
                except TimeoutError:
                    return None
                except ValidationError:
                    continue  # a kind of message that this version does not know
                except (WebSocketException, OSError) as error:
                    self._failed(error)
            if time.monotonic() >= deadline:
                return None

    def close(self) -> None:
        """Close the socket."""
        self._socket = None
        self._opened.close()

    def _try_to_open(self) -> None:
        if time.monotonic() < self._next_attempt_at:
            return
        try:
            address = self._ticket().url
            opened = connect(
                address, open_timeout=OPEN_TIMEOUT_S, close_timeout=1.0, proxy=True if self._use_proxy else None
            )
            self._socket = self._opened.enter_context(opened)
            self._failures = 0
        except (ClientError, WebSocketException, OSError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        logging.getLogger(__name__).info("No socket for updates, polling instead: %s", type(error).__name__)
        self.close()
        pause_s = RECONNECT_AFTER_S[min(self._failures, len(RECONNECT_AFTER_S) - 1)]
        self._failures += 1
        self._next_attempt_at = time.monotonic() + pause_s
