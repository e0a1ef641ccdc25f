"""Accounts, counted from images."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.account import Account, Profile, Quota, Usage
from spheroseg.domain.administration import AdminAction, Deed
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import VersionMismatchError
from tests.fakes.administration import InMemoryDeeds
from tests.fakes.images import InMemoryImages


@dataclass
class InMemoryAccounts:
    """Profiles in a dict, beside the images that take the room."""

    images: InMemoryImages
    profiles: dict[str, Profile] = field(default_factory=dict)
    deeds: InMemoryDeeds = field(default_factory=InMemoryDeeds)
    quota_versions: dict[str, int] = field(default_factory=dict)
    chosen_quotas: dict[str, dict[str, int | None]] = field(default_factory=dict)

    def one(self, viewer: Viewer) -> Account:
        return self.get(viewer.user_id)

    def get(self, user_id: str) -> Account:
        return replace(
            self.images.account(user_id),
            profile=self.profiles.get(user_id, Profile()),
            quota_version=self.quota_versions.get(user_id, 0),
        )

    def many(self, user_ids: Sequence[str]) -> Mapping[str, Account]:
        return {id_: self.get(id_) for id_ in user_ids}

    def change_quota(
        self,
        user_id: str,
        changes: Mapping[str, int | None],
        expected: Collection[int] | None,
        admin_id: str,
        deed_id: UUID,
        at: datetime,
    ) -> Account:
        version = self.quota_versions.get(user_id, 0)
        if expected is not None and version not in expected:
            raise VersionMismatchError("The quota was changed after you read it")
        chosen = self.chosen_quotas[user_id] = {
            **self.chosen_quotas.get(user_id, {"size_bytes": None, "images": None}),
            **changes,
        }
        self.images.quotas[user_id] = Quota(**{name: value for name, value in chosen.items() if value is not None})
        self.quota_versions[user_id] = version + 1
        details = {**chosen, "version": version + 1}
        self.deeds.add(Deed(deed_id, at, admin_id, AdminAction.CHANGE_QUOTA, user_id, details))
        return self.get(user_id)

    def replace_profile(self, user_id: str, profile: Profile) -> None:
        self.profiles[user_id] = profile

    def hand_over(self, project_id: UUID, user_id: str) -> None:
        """Let a project's images count for somebody else."""
        images = [image for image in self.images.rows.values() if image.project_id == project_id]
        self.get(user_id).require_room(Usage.of(images))
        for image in images:
            self.images.rows[image.id] = replace(image, owner_id=user_id)
