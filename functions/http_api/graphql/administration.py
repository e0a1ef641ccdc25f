"""What administrators see and do; to others these fields answer as if there were nothing."""

from typing import Annotated, Any

import strawberry

from http_api.graphql.context import Info
from http_api.graphql.costs import AWAY, WRITES, ListSize
from http_api.graphql.deriving import enum_of, input_of, type_of, validated
from http_api.rest.admin import (
    MAX_USERS,
    ActionOut,
    AdminQueueOut,
    DeadLetterOut,
    QuotaIn,
    UserOut,
    UserPage,
)
from http_api.rest.answers import DEFAULT_LIMIT
from spheroseg.domain.administration import QueueName
from spheroseg.errors import InvalidInputError

Queue = Annotated[enum_of(QueueName), strawberry.argument(description="Which queue")]  # type: ignore[valid-type]
LetterId = Annotated[str, strawberry.argument(description="As `deadLetters` names it")]
UserId = Annotated[str, strawberry.argument(description="The user pool's id of somebody")]
Quota = Annotated[  # type: ignore[valid-type]
    input_of(QuotaIn),
    strawberry.argument(name="input", description="What is to be changed; null takes the release's own number"),
]
SeenVersion = Annotated[
    int | None, strawberry.argument(description="The version that you have seen; another one: nothing is changed")
]


@strawberry.type
class AdminQueries:
    """What administrators see."""

    @strawberry.field(
        description="Users, for administrators",
        directives=[AWAY, ListSize(assumed_size=1)],
        graphql_type=type_of(UserPage) | None,
    )
    def users(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="Only those whose e-mail address begins so")
        ] = None,
        first: Annotated[int, strawberry.argument(description="Users on the page at most, up to 60")] = DEFAULT_LIMIT,
        after: Annotated[str | None, strawberry.argument(description="The `nextCursor` of the page before")] = None,
    ) -> Any:
        """A page of users."""
        if not 1 <= first <= MAX_USERS:
            raise InvalidInputError(f"first is 1 to {MAX_USERS}")
        page = info.context.use_cases.administer_users.page(info.context.viewer, search or None, after, first)
        return UserPage(items=[UserOut.of(user) for user in page.users], next_cursor=page.next_token)

    @strawberry.field(
        description="Somebody, for administrators", directives=[AWAY], graphql_type=type_of(UserOut) | None
    )
    def user(self, info: Info, user_id: UserId) -> Any:
        """One user."""
        return UserOut.of(info.context.use_cases.administer_users.one(info.context.viewer, user_id))

    @strawberry.field(
        description="What administrators did, the latest first, for administrators",
        directives=[ListSize(assumed_size=200)],
        graphql_type=list[type_of(ActionOut)] | None,  # type: ignore[misc]
    )
    def admin_actions(self, info: Info) -> Any:
        """Deeds."""
        return [ActionOut.of(deed) for deed in info.context.use_cases.administer_users.actions(info.context.viewer)]

    @strawberry.field(
        description="All queues, for administrators",
        directives=[ListSize(assumed_size=len(QueueName))],
        graphql_type=list[type_of(AdminQueueOut)] | None,  # type: ignore[misc]
    )
    def queues(self, info: Info) -> Any:
        """How full they are."""
        found = info.context.use_cases.administer_queues.states(info.context.viewer)
        return [AdminQueueOut.of(state) for state in found]

    @strawberry.field(
        description="What a queue has given up, for administrators",
        directives=[ListSize(assumed_size=100)],
        graphql_type=list[type_of(DeadLetterOut)] | None,  # type: ignore[misc]
    )
    def dead_letters(self, info: Info, queue: Queue) -> Any:  # type: ignore[valid-type]
        """Letters that nobody else is at."""
        found = info.context.use_cases.administer_queues.letters(info.context.viewer, queue)
        return [DeadLetterOut.of(letter) for letter in found]


@strawberry.type
class AdminMutations:
    """What administrators do."""

    @strawberry.field(
        description="Change what somebody may keep, for administrators; it is noted who did so",
        directives=[WRITES],
        graphql_type=type_of(UserOut) | None,
    )
    def change_quota(self, info: Info, user_id: UserId, body: Quota, seen_version: SeenVersion = None) -> Any:  # type: ignore[valid-type]
        """The user after it."""
        context = info.context
        changes = validated(QuotaIn, body).changes()
        expected = None if seen_version is None else {seen_version}
        user = context.use_cases.administer_users.change_quota(context.viewer, user_id, changes, expected)
        context.wrote()
        return UserOut.of(user)

    @strawberry.field(
        description="Send a dead letter to its queue once more, for administrators",
        directives=[WRITES],
        graphql_type=type_of(DeadLetterOut) | None,
    )
    def retry_dead_letter(self, info: Info, queue: Queue, letter_id: LetterId) -> Any:  # type: ignore[valid-type]
        """The letter, in its queue again."""
        context = info.context
        letter = context.use_cases.administer_queues.retry(context.viewer, queue, letter_id)
        context.wrote()
        return DeadLetterOut.of(letter)

    @strawberry.field(
        description="Remove a dead letter for good, for administrators",
        directives=[WRITES],
        graphql_type=type_of(DeadLetterOut) | None,
    )
    def discard_dead_letter(self, info: Info, queue: Queue, letter_id: LetterId) -> Any:  # type: ignore[valid-type]
        """The letter, which is gone."""
        context = info.context
        letter = context.use_cases.administer_queues.discard(context.viewer, queue, letter_id)
        context.wrote()
        return DeadLetterOut.of(letter)
