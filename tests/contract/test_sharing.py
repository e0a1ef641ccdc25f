"""Members and offers: what the repository does, in memory and in PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.sharing import PostgresSharing
from spheroseg.domain.access import Role
from spheroseg.domain.account import DEFAULT_QUOTA_BYTES, Profile
from spheroseg.domain.project import Project
from spheroseg.domain.sharing import MAX_MEMBERS
from spheroseg.errors import (
    MemberNotFoundError,
    OfferEndedError,
    OfferNotFoundError,
    ProjectNotFoundError,
    QuotaExceededError,
    StaleStateError,
    TooManyMembersError,
)
from spheroseg.ports import AccountRepository, ImageRepository, ProjectRepository, SharingRepository
from tests.builders import NOW, OWNER, STRANGER, a_project, a_viewer, an_id, an_image, an_offer
from tests.fakes import InMemoryAccounts, InMemoryImages, InMemoryProjects, InMemorySegmentations, InMemorySharing
from tests.postgres import Servers

ADA, BO, EMAIL = "ada", "bo", "ada@example.com"


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    accounts: AccountRepository
    sharing: SharingRepository
    project: Project

    def role(self, user_id: str, project: Project | None = None) -> Role | None:
        try:
            return self.projects.accessible(a_viewer(user_id), (project or self.project).id).access.role
        except ProjectNotFoundError:
            return None

    def join(self, user_id: str, role: Role = Role.VIEWER) -> None:
        offer = self.sharing.offer(an_offer(self.project, email=f"{user_id}@example.com", role=role))
        self.sharing.accept_invitation(offer.id, user_id, f"{user_id}@example.com", NOW)


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    project = a_project()
    if request.param == "in_memory":
        projects = InMemoryProjects()
        images = InMemoryImages(InMemorySegmentations(projects=projects))
        accounts = InMemoryAccounts(images)
        made = Bench(projects, images, accounts, InMemorySharing(projects, accounts), project)
    else:
        database: Database = request.getfixturevalue("database")
        parts = (PostgresProjects, PostgresImages, PostgresAccounts, PostgresSharing)
        made = Bench(*(part(database) for part in parts), project)  # type: ignore[arg-type, call-arg]
    made.projects.add(project)
    return made


def test_who_accepts_an_invitation_has_its_role(bench: Bench) -> None:
    offer = bench.sharing.offer(an_offer(bench.project, role=Role.EDITOR))
    bench.accounts.replace_profile(OWNER, Profile(name="Otto"))
    (invitation,) = bench.sharing.invitations(EMAIL, NOW)
    assert (invitation.offer, invitation.project_name, invitation.invited_by) == (offer, bench.project.name, "Otto")
    assert bench.sharing.accept_invitation(offer.id, ADA, EMAIL, NOW) == bench.project.id
    assert bench.role(ADA) is Role.EDITOR
    owner, ada = bench.sharing.members(bench.project.id)
    assert (owner.user_id, owner.role, owner.name) == (OWNER, Role.OWNER, "Otto")
    assert (ada.user_id, ada.role, ada.email, ada.joined_at) == (ADA, Role.EDITOR, EMAIL, NOW)
    assert bench.sharing.invitations(EMAIL, NOW) == []
    assert bench.sharing.offers(bench.project.id) == []


def test_accepting_again_is_the_same_and_nobody_else_may(bench: Bench) -> None:
    offer = bench.sharing.offer(an_offer(bench.project))
    for at in (NOW, NOW + timedelta(days=9)):
        assert bench.sharing.accept_invitation(offer.id, ADA, EMAIL, at) == bench.project.id
    for person, email in ((BO, EMAIL), (BO, "bo@example.com")):
        with pytest.raises(OfferNotFoundError):
            bench.sharing.accept_invitation(offer.id, person, email, NOW)
    assert bench.role(BO) is None


def test_an_invitation_ends_by_its_time_by_leaving_and_by_withdrawal(bench: Bench) -> None:
    late = bench.sharing.offer(an_offer(bench.project))
    with pytest.raises(OfferEndedError):
        bench.sharing.accept_invitation(late.id, ADA, EMAIL, late.expires_at)
    assert bench.sharing.invitations(EMAIL, late.expires_at) == []
    bench.sharing.accept_invitation(late.id, ADA, EMAIL, NOW)
    bench.sharing.leave(bench.project.id, ADA)
    bench.sharing.leave(bench.project.id, ADA)
    with pytest.raises(OfferEndedError):
        bench.sharing.accept_invitation(late.id, ADA, EMAIL, NOW)
    withdrawn = bench.sharing.offer(an_offer(bench.project))
    bench.sharing.withdraw(bench.project.id, withdrawn.id)
    for gone in (late.id, withdrawn.id, an_id()):
        with pytest.raises(OfferNotFoundError):
            bench.sharing.accept_invitation(gone, ADA, EMAIL, NOW)
    with pytest.raises(OfferNotFoundError):
        bench.sharing.withdraw(bench.project.id, withdrawn.id)
    assert bench.role(ADA) is None


def test_an_invitation_is_declined_by_its_address_alone(bench: Bench) -> None:
    offer = bench.sharing.offer(an_offer(bench.project))
    with pytest.raises(OfferNotFoundError):
        bench.sharing.decline(offer.id, "bo@example.com")
    bench.sharing.decline(offer.id, EMAIL)
    with pytest.raises(OfferNotFoundError):
        bench.sharing.decline(offer.id, EMAIL)


def test_the_latest_invitation_for_an_address_counts(bench: Bench) -> None:
    first = bench.sharing.offer(an_offer(bench.project, role=Role.EDITOR))
    second = bench.sharing.offer(an_offer(bench.project, role=Role.VIEWER))
    assert bench.sharing.offers(bench.project.id) == [second]
    with pytest.raises(OfferNotFoundError):
        bench.sharing.accept_invitation(first.id, ADA, EMAIL, NOW)


def test_a_role_never_falls_by_accepting(bench: Bench) -> None:
    bench.join(ADA, Role.EDITOR)
    bench.join(ADA, Role.VIEWER)
    assert bench.role(ADA) is Role.EDITOR
    bench.join(BO, Role.VIEWER)
    bench.join(BO, Role.EDITOR)
    assert bench.role(BO) is Role.EDITOR
    bench.join(OWNER, Role.VIEWER)
    assert bench.role(OWNER) is Role.OWNER
    assert len(bench.sharing.members(bench.project.id)) == 3


def test_a_link_lets_in_many_until_it_ends(bench: Bench) -> None:
    link = bench.sharing.offer(an_offer(bench.project, email=None, token_hash="hash"))
    for person in (ADA, ADA, BO, OWNER):
        assert bench.sharing.accept_link("hash", person, None, NOW) == bench.project.id
    assert (bench.role(ADA), bench.role(BO), bench.role(OWNER)) == (Role.VIEWER, Role.VIEWER, Role.OWNER)
    assert bench.sharing.offers(bench.project.id) == [link]
    with pytest.raises(OfferEndedError):
        bench.sharing.accept_link("hash", STRANGER, None, link.expires_at)
    bench.sharing.withdraw(bench.project.id, link.id)
    for token in ("hash", "made up"):
        with pytest.raises(OfferNotFoundError):
            bench.sharing.accept_link(token, STRANGER, None, NOW)
    assert bench.role(STRANGER) is None


def test_who_was_removed_comes_back_by_a_later_offer_only(bench: Bench) -> None:
    old = bench.sharing.offer(an_offer(bench.project, email=None, token_hash="old"))
    bench.join(ADA)
    pending = bench.sharing.offer(an_offer(bench.project, email=f"{ADA}@example.com"))
    at = pending.created_at + timedelta(seconds=1)
    bench.sharing.remove(bench.project.id, ADA, at)
    with pytest.raises(MemberNotFoundError):
        bench.sharing.remove(bench.project.id, ADA, at)
    with pytest.raises(OfferNotFoundError):
        bench.sharing.accept_link("old", ADA, None, at)
    with pytest.raises(OfferNotFoundError):
        bench.sharing.accept_invitation(pending.id, ADA, f"{ADA}@example.com", at)
    assert bench.sharing.accept_link("old", BO, None, at) == old.project_id
    later = {"created_at": at + timedelta(seconds=1), "expires_at": at + timedelta(days=1)}
    bench.sharing.offer(an_offer(bench.project, email=None, token_hash="new", **later))
    bench.sharing.accept_link("new", ADA, None, at + timedelta(seconds=2))
    assert bench.role(ADA) is Role.VIEWER


def test_roles_are_changed_of_members_alone(bench: Bench) -> None:
    bench.join(ADA)
    assert bench.sharing.change_role(bench.project.id, ADA, Role.EDITOR).role is Role.EDITOR
    assert bench.role(ADA) is Role.EDITOR
    for person in (BO, OWNER):
        with pytest.raises(MemberNotFoundError):
            bench.sharing.change_role(bench.project.id, person, Role.VIEWER)


def test_a_project_is_handed_over_with_its_images(bench: Bench) -> None:
    bench.join(ADA)
    image = an_image(bench.project, size_bytes=1000)
    bench.images.add_many([image])
    bench.sharing.hand_over(bench.project, ADA, NOW)
    assert (bench.role(ADA), bench.role(OWNER)) == (Role.OWNER, Role.EDITOR)
    assert [member.user_id for member in bench.sharing.members(bench.project.id)] == [ADA, OWNER]
    assert bench.projects.get(bench.project.id).owner_id == ADA
    assert (bench.accounts.get(OWNER).usage.size_bytes, bench.accounts.get(ADA).usage.size_bytes) == (0, 1000)
    with pytest.raises(StaleStateError):
        bench.sharing.hand_over(bench.project, ADA, NOW)
    assert bench.role(ADA) is Role.OWNER


def test_a_project_is_not_handed_over_to_whom_it_does_not_fit(bench: Bench) -> None:
    bench.join(ADA)
    full = a_project(owner_id=ADA)
    bench.projects.add(full)
    bench.images.add_many([an_image(full, size_bytes=DEFAULT_QUOTA_BYTES - 5)])
    bench.images.add_many([an_image(bench.project, size_bytes=6)])
    with pytest.raises(QuotaExceededError):
        bench.sharing.hand_over(bench.project, ADA, NOW)
    with pytest.raises(MemberNotFoundError):
        bench.sharing.hand_over(bench.project, BO, NOW)
    assert (bench.role(ADA), bench.role(OWNER)) == (Role.VIEWER, Role.OWNER)


def test_a_project_has_so_many_people_and_no_more(bench: Bench) -> None:
    bench.sharing.offer(an_offer(bench.project, email=None, token_hash="hash"))
    for number in range(MAX_MEMBERS - 1):
        bench.sharing.accept_link("hash", f"person {number}", None, NOW)
    with pytest.raises(TooManyMembersError):
        bench.sharing.offer(an_offer(bench.project))
    bench.sharing.accept_link("hash", "the last", None, NOW)
    with pytest.raises(TooManyMembersError):
        bench.sharing.accept_link("hash", "one too many", None, NOW)
    bench.sharing.accept_link("hash", "the last", None, NOW)


def test_of_many_at_once_one_wins(servers: Servers) -> None:
    servers.empty()
    database = servers.database()
    try:
        projects, sharing = PostgresProjects(database), PostgresSharing(database)
        project = a_project()
        projects.add(project)
        offer = sharing.offer(an_offer(project))

        def outcomes(call: Callable[[str], object]) -> list[str]:
            def outcome(person: str) -> str:
                try:
                    call(person)
                except (OfferNotFoundError, StaleStateError) as error:
                    return error.code
                return "done"

            with ThreadPoolExecutor(4) as threads:
                return sorted(threads.map(outcome, [f"person {number}" for number in range(4)]))

        accepted = outcomes(lambda person: sharing.accept_invitation(offer.id, person, EMAIL, NOW))
        assert accepted == ["done", *["offer-not-found"] * 3]
        sharing.offer(an_offer(project, email=None, token_hash="hash"))
        for number in range(4):
            sharing.accept_link("hash", f"person {number}", None, NOW)
        assert outcomes(lambda person: sharing.hand_over(project, person, NOW)) == ["done", *["stale-state"] * 3]
        assert [member.role for member in sharing.members(project.id)].count(Role.OWNER) == 1
        assert len(sharing.members(project.id)) == 5
    finally:
        database.close()
