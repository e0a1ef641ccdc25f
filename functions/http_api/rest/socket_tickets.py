"""Socket tickets: let a client open one WebSocket."""

from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import Field

from http_api.rest.answers import POSITION_HEADER, Answer, Wired, Written, problems
from http_api.viewer import CurrentViewer
from spheroseg.use_cases.watch_updates import Ticket

router = APIRouter(prefix="/v1", tags=["updates"])


class TicketOut(Answer):
    """What opens one socket, once."""

    ticket: str = Field(description="The ticket; it stands in an address, where a token must not")
    url: str = Field(
        description="Where to connect, the ticket included", examples=["wss://example.com/live?ticket=Zk3…"]
    )
    expires_at: datetime = Field(description="Until when the connection must be open, in UTC")

    @classmethod
    def of(cls, ticket: Ticket, socket_url: str) -> "TicketOut":
        """The use case's ticket."""
        url = f"{socket_url}?{urlencode({'ticket': ticket.text})}"
        return cls(ticket=ticket.text, url=url, expires_at=ticket.expires_at)


@router.post(
    "/socket-tickets",
    status_code=201,
    summary="Get a socket ticket",
    response_description="A ticket and where to connect",
    responses={201: {"headers": POSITION_HEADER}, **problems()},
)
async def issue_ticket(viewer: CurrentViewer, use_cases: Wired, written: Written) -> TicketOut:
    """A ticket for one WebSocket connection within a minute.

    Each message on the socket is a `segmentation_changed` of one of your segmentations: type, version,
    segmentation_id, image_id, project_id, status, attempt, spheroid_count, failure_code, occurred_at, correlation_id.
    It may come twice or late; whoever wants more reads the segmentation.
    """
    ticket = use_cases.watch_updates.issue_ticket(viewer)
    written()
    return TicketOut.of(ticket, use_cases.socket_url)
