"""How groups of calls ask the service; the base of the parts of ``Client``."""

from collections.abc import Mapping

from spheroseg_client.answers import Found, parsed
from spheroseg_client.models import SocketTicket
from spheroseg_client.transport import Session, Transport
from spheroseg_client.updates import Updates


class Calls:
    """A transport and the session that it is used in."""

    _transport: Transport
    _session: Session

    def socket_ticket(self) -> SocketTicket:
        """What opens one socket within a minute."""
        return self._call("POST", "/v1/socket-tickets", SocketTicket, repeatable=True)

    def _socket(self) -> Updates:
        """What tells of changes as they happen; close it."""
        return Updates(self.socket_ticket, use_proxy=self._transport.trusts_environment)

    def _call(
        self,
        method: str,
        path: str,
        kind: type[Found],
        body: object = None,
        *,
        repeatable: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Found:
        answer = self._transport.request(
            method, path, session=self._session, repeatable=repeatable, json=body, headers=headers
        )
        return parsed(kind, answer, path)

    def _ask(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, repeatable: bool = False
    ) -> object:
        return self._transport.request(method, path, session=self._session, repeatable=repeatable, params=params)
