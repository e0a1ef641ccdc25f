"""Administration: users, quotas, queues, dead letters. To others than administrators none of it is there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from http_api.rest.account import UsageOut
from http_api.rest.answers import POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.rest.conditional import TAG_HEADER, SeenVersions, tag_of
from http_api.viewer import CurrentAdmin, current_admin
from spheroseg.domain.administration import AdminAction, DeadLetter, Deed, Depth, QueueName, QueueState, User

router = APIRouter(prefix="/v1/admin", tags=["admin"], dependencies=[Depends(current_admin)])
HIDDEN = "no-such-route"
MAX_USERS = 60
"""What Amazon Cognito lists at once."""
MAX_BYTES = 2**50

UserId = Annotated[str, Path(min_length=1, max_length=128, description="The user pool's `sub`")]
LetterId = Annotated[str, Path(min_length=1, max_length=100, description="As the list of dead letters names it")]
Search = Annotated[
    str | None, Query(min_length=1, max_length=254, description="Only those whose e-mail address begins so")
]
PageToken = Annotated[
    str | None, Query(min_length=1, max_length=4096, description="The `next_cursor` of the page before")
]
Limit = Annotated[int, Query(ge=1, le=MAX_USERS, description="Users on the page at most")]


class UserOut(Answer):
    """Somebody in the user pool, with what they keep."""

    user_id: str = Field(description="The user pool's `sub`", examples=["6f1c1d1e-0000-4000-8000-00000000000a"])
    email: str | None = Field(description="As they signed up", examples=["ada@example.com"])
    is_enabled: bool = Field(description="Whether they may sign in", examples=[True])
    status: str = Field(description="The user pool's word for their registration", examples=["CONFIRMED"])
    is_admin: bool = Field(description="Whether they are administrators", examples=[False])
    created_at: datetime = Field(description="When they were registered, in UTC")
    name: str | None = Field(description="How they want to be called", examples=["Ada"])
    organisation: str | None = Field(description="Where they work", examples=["Laboratory of cells"])
    usage: UsageOut = Field(description="Quota and usage")
    quota_version: int = Field(description="How often the quota was changed; the ETag is made from it", examples=[0])

    @classmethod
    def of(cls, user: User) -> "UserOut":
        """The domain's user."""
        person, account = user.person, user.account
        return cls(
            user_id=person.user_id,
            email=person.email,
            is_enabled=person.is_enabled,
            status=person.status,
            is_admin=person.is_admin,
            created_at=person.created_at,
            name=account.profile.name,
            organisation=account.profile.organisation,
            usage=UsageOut.of(account),
            quota_version=account.quota_version,
        )


class UserPage(Answer):
    """Some users, in the user pool's order."""

    items: list[UserOut] = Field(description="The users", max_length=MAX_USERS)
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


class QuotaIn(Body):
    """What is to be changed; what is left away stays, null takes the release's own number."""

    quota_bytes: int | None = Field(
        default=None, ge=0, le=MAX_BYTES, description="Bytes of original files", examples=[21_474_836_480]
    )
    quota_images: int | None = Field(default=None, ge=0, le=10**9, description="Images", examples=[200_000])

    def changes(self) -> dict[str, int | None]:
        """The numbers that were sent, by the domain's names."""
        return {name.removeprefix("quota_").replace("bytes", "size_bytes"): getattr(self, name) for name in self.sent}

    @property
    def sent(self) -> list[str]:
        """Which fields were sent."""
        return sorted(self.model_fields_set)


class DepthOut(Answer):
    """How many messages there are, roughly: queues count approximately."""

    waiting: int = Field(description="Those that can be received", examples=[0])
    lent: int = Field(description="Those that somebody is at", examples=[0])

    @classmethod
    def of(cls, depth: Depth) -> "DepthOut":
        """The domain's depth."""
        return cls(waiting=depth.waiting, lent=depth.lent)


class AdminQueueOut(Answer):
    """A queue and what it has given up."""

    name: QueueName = Field(description="Its name", examples=["segmentations-normal"])
    messages: DepthOut = Field(description="What waits, and what is worked on")
    dead_letters: DepthOut = Field(description="What was given up after three deliveries")
    oldest_age_s: float | None = Field(
        description="Since when its oldest message waits, in seconds, by rows of segmentations and jobs; null: none "
        "waits, or no row tells, as of `uploads` and `updates` (on AWS the metric ApproximateAgeOfOldestMessage does)",
        examples=[12.5],
    )

    @classmethod
    def of(cls, state: QueueState) -> "AdminQueueOut":
        """The domain's state."""
        return cls(
            name=state.name,
            messages=DepthOut.of(state.depth),
            dead_letters=DepthOut.of(state.dead_letters),
            oldest_age_s=state.oldest_age_s,
        )


class DeadLetterOut(Answer):
    """A message that was given up."""

    id: str = Field(description="The queue's name for it", examples=["2d4f9b0e-0000-4000-8000-000000000001"])
    queue: QueueName = Field(description="The queue that gave it up", examples=["project-work"])
    body: str = Field(description="What was sent: ids and a status", examples=['{"type":"project_work_requested"}'])
    sent_at: datetime = Field(description="When it was sent, in UTC")
    receive_count: int = Field(description="How often it was lent out, such looks included", examples=[4])
    correlation_id: str | None = Field(description="What log lines about it share; null: nobody said")

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterOut":
        """The domain's letter."""
        return cls(
            id=letter.id,
            queue=letter.queue,
            body=letter.body,
            sent_at=letter.sent_at,
            receive_count=letter.receive_count,
            correlation_id=letter.correlation_id,
        )


class DeadLetters(Answer):
    """Dead letters of a queue that nobody else is at."""

    items: list[DeadLetterOut] = Field(description="Up to 100 of them, the oldest first", max_length=100)


class ActionOut(Answer):
    """What an administrator did."""

    id: UUID = Field(description="Names it")
    at: datetime = Field(description="When, in UTC")
    admin_id: str | None = Field(description="Who; null: has deleted their account since")
    action: AdminAction = Field(description="What", examples=["change_quota"])
    subject: str | None = Field(description="The user's id, or queue and letter; null: their account was deleted since")
    details: Mapping[str, Any] = Field(description="Numbers and names", examples=[{"size_bytes": 0, "version": 1}])

    @classmethod
    def of(cls, deed: Deed) -> "ActionOut":
        """The domain's deed."""
        return cls(
            id=deed.id,
            at=deed.at,
            admin_id=deed.admin_id,
            action=deed.action,
            subject=deed.subject,
            details=dict(deed.details),
        )


class Actions(Answer):
    """What administrators did."""

    items: list[ActionOut] = Field(description="Up to 200, the latest first", max_length=200)


class Queues(Answer):
    """All queues."""

    items: list[AdminQueueOut] = Field(description="Each with its dead letters", max_length=len(QueueName))


@router.get(
    "/users",
    summary="List users",
    response_description="A page of them",
    responses=problems(HIDDEN, "invalid-cursor", "sign-in-unavailable"),
)
async def list_users(
    viewer: CurrentAdmin, use_cases: Wired, search: Search = None, cursor: PageToken = None, limit: Limit = 50
) -> UserPage:
    """The people of the user pool, with what they keep."""
    page = use_cases.administer_users.page(viewer, search, cursor, limit)
    return UserPage(items=[UserOut.of(user) for user in page.users], next_cursor=page.next_token)


@router.get(
    "/users/{user_id}",
    summary="Get a user",
    response_description="The user",
    responses={200: {"headers": TAG_HEADER}, **problems(HIDDEN, "user-not-found", "sign-in-unavailable")},
)
async def read_user(user_id: UserId, viewer: CurrentAdmin, use_cases: Wired, response: Response) -> UserOut:
    """Somebody, with what they keep."""
    user = use_cases.administer_users.one(viewer, user_id)
    response.headers["ETag"] = tag_of(user.account.quota_version)
    return UserOut.of(user)


@router.patch(
    "/users/{user_id}/quota",
    summary="Change a quota",
    response_description="The user after it",
    responses={
        200: {"headers": {**POSITION_HEADER, **TAG_HEADER}},
        **problems(HIDDEN, "user-not-found", "version-mismatch", "sign-in-unavailable"),
    },
)
async def change_quota(
    user_id: UserId,
    body: QuotaIn,
    viewer: CurrentAdmin,
    use_cases: Wired,
    seen: SeenVersions,
    response: Response,
    written: Written,
) -> UserOut:
    """Change what somebody may keep; less than they have deletes nothing, and nothing more fits.

    It is noted who did so, and when.
    """
    user = use_cases.administer_users.change_quota(viewer, user_id, body.changes(), seen)
    written()
    response.headers["ETag"] = tag_of(user.account.quota_version)
    return UserOut.of(user)


@router.get(
    "/actions",
    summary="See what administrators did",
    response_description="Their actions",
    responses=problems(HIDDEN),
)
async def list_actions(viewer: CurrentAdmin, use_cases: Wired) -> Actions:
    """Who changed which quota, and retried or discarded which dead letter, and when."""
    return Actions(items=[ActionOut.of(deed) for deed in use_cases.administer_users.actions(viewer)])


@router.get(
    "/queues",
    summary="See the queues",
    response_description="All of them",
    responses=problems(HIDDEN, "queue-unavailable"),
)
async def list_queues(viewer: CurrentAdmin, use_cases: Wired) -> Queues:
    """How much waits, is worked on, and was given up."""
    return Queues(items=[AdminQueueOut.of(state) for state in use_cases.administer_queues.states(viewer)])


@router.get(
    "/queues/{queue}/dead-letters",
    summary="List dead letters",
    response_description="Some of them",
    responses=problems(HIDDEN, "queue-unavailable"),
)
async def list_dead_letters(queue: QueueName, viewer: CurrentAdmin, use_cases: Wired) -> DeadLetters:
    """Messages that a queue has given up; those that somebody is at just now are not among them."""
    found = use_cases.administer_queues.letters(viewer, queue)
    return DeadLetters(items=[DeadLetterOut.of(letter) for letter in found])


@router.post(
    "/queues/{queue}/dead-letters/{letter_id}/retry",
    summary="Retry a dead letter",
    response_description="The letter, in its queue again",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems(HIDDEN, "dead-letter-not-found", "queue-unavailable"),
    },
)
async def retry_dead_letter(
    queue: QueueName, letter_id: LetterId, viewer: CurrentAdmin, use_cases: Wired, written: Written
) -> DeadLetterOut:
    """Send a letter to its queue once more; it is noted who did so."""
    letter = use_cases.administer_queues.retry(viewer, queue, letter_id)
    written()
    return DeadLetterOut.of(letter)


@router.delete(
    "/queues/{queue}/dead-letters/{letter_id}",
    summary="Discard a dead letter",
    response_description="The letter, which is gone",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems(HIDDEN, "dead-letter-not-found", "queue-unavailable"),
    },
)
async def discard_dead_letter(
    queue: QueueName, letter_id: LetterId, viewer: CurrentAdmin, use_cases: Wired, written: Written
) -> DeadLetterOut:
    """Remove a letter for good; it is noted who did so."""
    letter = use_cases.administer_queues.discard(viewer, queue, letter_id)
    written()
    return DeadLetterOut.of(letter)
