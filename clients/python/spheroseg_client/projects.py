"""Projects and who shares them, as Python calls; a part of ``Client``."""

import time
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from spheroseg_client.answers import items, parsed
from spheroseg_client.calls import Calls
from spheroseg_client.measurements import Measurements
from spheroseg_client.models import (
    Invitation,
    Job,
    Member,
    NewLink,
    Offer,
    OfferedRole,
    Project,
    ProjectStatistics,
)

PAGE_ITEMS = 200


class ProjectCalls(Calls):
    """What can be done to projects and to people's roles in them."""

    def create_project(
        self, name: str, pixel_size_um: float | None = None, *, description: str = "", tags: Sequence[str] = ()
    ) -> Project:
        """A new, empty project.

        Args:
            name: 1 to 100 characters; several projects may share one.
            pixel_size_um: Edge of one pixel in µm for images whose file does not tell; None: the one of your profile,
                see ``pixel_size_source`` of the answer. ``change_project`` takes that back where it is wrong.
            description: Up to 1,000 characters.
            tags: Up to 10, each 1 to 50 characters.
        """
        body: dict[str, object] = {"name": name}
        if pixel_size_um is not None:
            body["pixel_size_um"] = pixel_size_um
        if description:
            body["description"] = description
        if tags:
            body["tags"] = list(tags)
        return self._call("POST", "/v1/projects", Project, body)

    def projects(self, *, archived: bool | None = None, tag: str | None = None) -> Iterator[Project]:
        """The projects that you have a role in, newest first, read page by page.

        Args:
            archived: Only archived ones, or only others; None: both.
            tag: Only those with that tag.
        """
        params: dict[str, str | int] = {"limit": PAGE_ITEMS}
        if archived is not None:
            params["archived"] = str(archived).lower()
        if tag is not None:
            params["tag"] = tag
        while True:
            answer = self._ask("GET", "/v1/projects", params=params, repeatable=True)
            yield from items(Project, answer, "/v1/projects")
            cursor = answer.get("next_cursor") if isinstance(answer, dict) else None
            if cursor is None:
                return
            params["cursor"] = cursor

    def project(self, project_id: UUID) -> Project:
        """One project."""
        return self._call("GET", f"/v1/projects/{project_id}", Project, repeatable=True)

    def change_project(
        self, project_id: UUID, changes: Mapping[str, object], *, seen: Project | None = None
    ) -> Project:
        """The project after it; what is not in ``changes`` stays.

        Args:
            changes: Any of ``name``, ``description``, ``tags`` (all of them) and ``pixel_size_um``.
            seen: What you have read: when it was changed since, ``ApiError`` with the code ``version-mismatch``.
        """
        headers = {"If-Match": f'"{seen.version}"'} if seen else None
        return self._call(
            "PATCH", f"/v1/projects/{project_id}", Project, dict(changes), repeatable=seen is None, headers=headers
        )

    def archive_project(self, project_id: UUID) -> Project:
        """The project, which can only be read from now on."""
        return self._call("POST", f"/v1/projects/{project_id}/archive", Project, repeatable=True)

    def unarchive_project(self, project_id: UUID) -> Project:
        """The project, which can be written to again."""
        return self._call("POST", f"/v1/projects/{project_id}/unarchive", Project, repeatable=True)

    def project_statistics(self, project_id: UUID) -> ProjectStatistics:
        """What is in a project."""
        return self._call("GET", f"/v1/projects/{project_id}/statistics", ProjectStatistics, repeatable=True)

    def measurements(self, project_id: UUID, measure: str = "equivalent_diameter_px") -> Iterator[Measurements]:
        """One measure of every spheroid of a project, with what the images show, page by page.

        Each image gives those of its newest run that succeeded, by the newest revision of its outlines.

        Args:
            measure: Such as ``area_px2``, ``area_um2`` or ``circularity``.
        """
        path = f"/v1/projects/{project_id}/measurements"
        params: dict[str, str | int] = {"measure": measure}
        while True:
            page = parsed(Measurements, self._ask("GET", path, params=params, repeatable=True), path)
            yield page
            if page.next_cursor is None:
                return
            params["cursor"] = page.next_cursor

    def delete_project(self, project_id: UUID) -> Job:
        """Remove a project for everybody at once; the job removes what lies below it. It cannot be undone."""
        return self._call("DELETE", f"/v1/projects/{project_id}", Job)

    def duplicate_project(self, project_id: UUID, name: str | None = None) -> Job:
        """Make a project of your own out of one that you may read, with its images and results, in the background.

        Args:
            name: Of the new project, 1 to 100 characters; None: the old one's with «(copy)» behind it.
        """
        body = {} if name is None else {"name": name}
        return self._call("POST", f"/v1/projects/{project_id}/duplicate", Job, body)

    def job(self, job_id: UUID) -> Job:
        """How far a job is that you asked for."""
        return self._call("GET", f"/v1/jobs/{job_id}", Job, repeatable=True)

    def cancel_job(self, job_id: UUID) -> Job:
        """Stop a duplication that you asked for; what it has copied is removed."""
        return self._call("POST", f"/v1/jobs/{job_id}/cancel", Job, repeatable=True)

    def follow_job(self, job_id: UUID, every_s: float = 0.5) -> Iterator[Job]:
        """A job whenever it has got further, until it has ended.

        Args:
            every_s: Seconds between two looks.
        """
        seen: Job | None = None
        while seen is None or not seen.is_final:
            job = self.job(job_id)
            if job != seen:
                yield job
            if not job.is_final:
                time.sleep(every_s)
            seen = job

    # People

    def members(self, project_id: UUID) -> Sequence[Member]:
        """Who has a role in a project, its owner first."""
        path = f"/v1/projects/{project_id}/members"
        return items(Member, self._ask("GET", path, repeatable=True), path)

    def change_role(self, project_id: UUID, user_id: str, role: OfferedRole) -> Member:
        """A member in another role."""
        path = f"/v1/projects/{project_id}/members/{user_id}"
        return self._call("PATCH", path, Member, {"role": role}, repeatable=True)

    def remove_member(self, project_id: UUID, user_id: str) -> None:
        """End somebody's role at once."""
        self._ask("DELETE", f"/v1/projects/{project_id}/members/{user_id}")

    def leave_project(self, project_id: UUID) -> None:
        """End your own role."""
        self._ask("POST", f"/v1/projects/{project_id}/leave")

    def transfer_project(self, project_id: UUID, user_id: str) -> Project:
        """Make a member the owner; you become an editor."""
        return self._call("POST", f"/v1/projects/{project_id}/transfer", Project, {"user_id": user_id})

    # Invitations and links

    def invite(self, project_id: UUID, email: str, role: OfferedRole = "viewer", *, hours: int | None = None) -> Offer:
        """A role for whoever has verified that address; no mail is sent.

        Args:
            hours: For which it can be accepted, 1 to 720; None: 48.
        """
        body: dict[str, object] = {"email": email, "role": role}
        path = f"/v1/projects/{project_id}/invitations"
        return self._call("POST", path, Offer, body | ({"expires_in_h": hours} if hours else {}), repeatable=True)

    def make_link(self, project_id: UUID, role: OfferedRole = "viewer", *, hours: int | None = None) -> NewLink:
        """A role for whoever holds the token, which is told this once.

        Args:
            hours: For which it can be accepted, 1 to 720; None: 48.
        """
        body: dict[str, object] = {"role": role, **({"expires_in_h": hours} if hours else {})}
        return self._call("POST", f"/v1/projects/{project_id}/links", NewLink, body)

    def offers(self, project_id: UUID) -> Sequence[Offer]:
        """Invitations that nobody has accepted, and links."""
        path = f"/v1/projects/{project_id}/offers"
        return items(Offer, self._ask("GET", path, repeatable=True), path)

    def withdraw_offer(self, project_id: UUID, offer_id: UUID) -> None:
        """End an invitation or a link; who accepted it before keeps the role."""
        self._ask("DELETE", f"/v1/projects/{project_id}/offers/{offer_id}")

    def invitations(self) -> Sequence[Invitation]:
        """What is offered to your verified e-mail address."""
        return items(Invitation, self._ask("GET", "/v1/invitations", repeatable=True), "/v1/invitations")

    def accept_invitation(self, invitation_id: UUID) -> Project:
        """The project that you have a role in now."""
        return self._call("POST", f"/v1/invitations/{invitation_id}/accept", Project, repeatable=True)

    def decline_invitation(self, invitation_id: UUID) -> None:
        """Say no."""
        self._ask("DELETE", f"/v1/invitations/{invitation_id}")

    def accept_link(self, token: str) -> Project:
        """The project that you have a role in now."""
        return self._call("POST", "/v1/links/accept", Project, {"token": token}, repeatable=True)
