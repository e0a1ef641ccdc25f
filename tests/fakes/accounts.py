"""Accounts, counted from images."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from spheroseg.domain.account import Account, Profile, Usage
from spheroseg.domain.viewer import Viewer
from tests.fakes.images import InMemoryImages


@dataclass
class InMemoryAccounts:
    """Profiles in a dict, beside the images that take the room."""

    images: InMemoryImages
    profiles: dict[str, Profile] = field(default_factory=dict)

    def one(self, viewer: Viewer) -> Account:
        return self.get(viewer.user_id)

    def get(self, user_id: str) -> Account:
        return replace(self.images.account(user_id), profile=self.profiles.get(user_id, Profile()))

    def replace_profile(self, user_id: str, profile: Profile) -> None:
        self.profiles[user_id] = profile

    def hand_over(self, project_id: UUID, user_id: str) -> None:
        """Let a project's images count for somebody else."""
        images = [image for image in self.images.rows.values() if image.project_id == project_id]
        self.get(user_id).require_room(Usage.of(images))
        for image in images:
            self.images.rows[image.id] = replace(image, owner_id=user_id)
