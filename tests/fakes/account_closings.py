"""Closed accounts in dicts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.account_closing import AccountClosing, user_hash
from spheroseg.domain.project_job import JobKind, ProjectJob
from spheroseg.errors import JobNotFoundError
from tests.fakes.accounts import InMemoryAccounts
from tests.fakes.project_copies import InMemoryProjectCopies
from tests.fakes.sharing import InMemorySharing
from tests.fakes.watchers import InMemoryWatchers

NOBODY = "deleted account"


@dataclass
class InMemoryAccountClosings:
    """Closings beside all that they remove."""

    accounts: InMemoryAccounts
    copies: InMemoryProjectCopies
    sharing: InMemorySharing
    watchers: InMemoryWatchers
    rows: dict[UUID, AccountClosing] = field(default_factory=dict)
    hashes: dict[str, UUID] = field(default_factory=dict)

    def begin(
        self, user_id: str, closing_id: UUID, correlation_id: str, at: datetime
    ) -> tuple[AccountClosing, Sequence[ProjectJob]]:
        id_ = self.hashes.setdefault(user_hash(user_id), closing_id)
        closing = self.rows.setdefault(id_, AccountClosing(id_, user_id, 0, correlation_id, at, at))
        jobs, projects = self.copies.jobs, self.copies.jobs.images.projects
        made = [
            self.copies.stop(job.id, None, at)
            for job in list(jobs.rows.values())
            if job.requested_by == user_id and job.kind is JobKind.DUPLICATE and job.status.goes_forward
        ]
        own = [it for it in projects.rows.values() if it.owner_id == user_id and it.id not in projects.deleted]
        for project in own:
            job = ProjectJob.deletion(project.id, user_id, correlation_id, at)
            jobs.begin_deletion(project, job)
            made.append(job)
        self.rows[id_] = replace(closing, projects=closing.projects + len(own))
        self._end_presence(user_id)
        return self.rows[id_], made

    def is_closed(self, user_id: str) -> bool:
        return user_hash(user_id) in self.hashes

    def get(self, closing_id: UUID) -> AccountClosing:
        if closing_id not in self.rows:
            raise JobNotFoundError(f"Closing {closing_id} does not exist")
        return self.rows[closing_id]

    def projects_left(self, user_id: str) -> int:
        return sum(it.owner_id == user_id for it in self.copies.jobs.images.projects.rows.values())

    def touch(self, closing: AccountClosing, at: datetime) -> None:
        self.rows[closing.id] = replace(self.rows[closing.id], alive_at=at)

    def forget(self, user_id: str, email: str | None) -> None:
        self._end_presence(user_id)
        for kept in (self.accounts.profiles, self.accounts.quota_versions, self.accounts.chosen_quotas):
            kept.pop(user_id, None)
        for told in (self.sharing.joined, self.sharing.removed):
            for key in [key for key in told if key[1] == user_id]:
                del told[key]
        for id_ in [id_ for id_, (kept_for, _) in self.copies.jobs.images.kept.items() if kept_for == user_id]:
            del self.copies.jobs.images.kept[id_]
        jobs, runs = self.copies.jobs.rows, self.copies.jobs.images.segmentations.rows
        self.copies.jobs.images.quotas.pop(user_id, None)
        for id_ in [id_ for id_, job in jobs.items() if job.requested_by == user_id]:
            del jobs[id_]
        for offer in list(self.sharing.rows.values()):
            if offer.accepted_by == user_id or (email is not None and offer.email == email):
                del self.sharing.rows[offer.id]
            elif offer.created_by == user_id:
                self.sharing.rows[offer.id] = replace(offer, created_by=NOBODY)
        for run in [run for run in runs.values() if run.requested_by == user_id]:
            runs[run.id] = replace(run, requested_by=None)
        self.accounts.deeds.rows[:] = [
            replace(
                deed,
                admin_id=None if deed.admin_id == user_id else deed.admin_id,
                subject=None if deed.subject == user_id else deed.subject,
            )
            for deed in self.accounts.deeds.rows
        ]

    def end(self, closing: AccountClosing, at: datetime) -> AccountClosing:
        self.rows[closing.id] = replace(
            self.rows[closing.id], user_id=None, correlation_id="", alive_at=at, finished_at=at
        )
        return self.rows[closing.id]

    def stalled(self, before: datetime, limit: int) -> Sequence[AccountClosing]:
        silent = [it for it in self.rows.values() if it.finished_at is None and it.alive_at < before]
        return sorted(silent, key=lambda it: (it.alive_at, it.id))[:limit]

    def _end_presence(self, user_id: str) -> None:
        members = self.copies.jobs.images.projects.members
        for key in [key for key in members if key[1] == user_id]:
            del members[key]
        self.watchers.forget(user_id)
