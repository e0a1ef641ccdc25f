"""A change reaches those who watch."""

from collections.abc import Sequence
from dataclasses import dataclass

from spheroseg.errors import ConnectionGoneError
from spheroseg.messages import AnyChange, SegmentationChanged
from spheroseg.ports import WatcherRepository, WatcherSockets


@dataclass(frozen=True)
class PushUpdate:
    """Send a change to open sockets; the closed ones are forgotten.

    A run's goes to all who have a role in its project now, one of an export or import to whoever asked for it, while
    they have one.
    """

    watchers: WatcherRepository
    sockets: WatcherSockets

    def __call__(self, update: AnyChange) -> int:
        """How many sockets took it."""
        content = update.model_dump_json(exclude={"owner_id", "requested_by"})
        taken = 0
        for connection_id in self._listening(update):
            try:
                self.sockets.send(connection_id, content)
                taken += 1
            except ConnectionGoneError:
                self.watchers.remove(connection_id)
        return taken

    def _listening(self, update: AnyChange) -> Sequence[str]:
        if isinstance(update, SegmentationChanged):
            return self.watchers.of_project(update.project_id)
        return self.watchers.of_person(update.project_id, update.requested_by)
