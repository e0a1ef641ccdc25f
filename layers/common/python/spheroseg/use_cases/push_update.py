"""A change reaches those who watch."""

from dataclasses import dataclass

from spheroseg.errors import ConnectionGoneError
from spheroseg.messages import SegmentationChanged
from spheroseg.ports import WatcherRepository, WatcherSockets


@dataclass(frozen=True)
class PushUpdate:
    """Send a change to the open sockets of all who have a role in its project now; the closed ones are forgotten."""

    watchers: WatcherRepository
    sockets: WatcherSockets

    def __call__(self, update: SegmentationChanged) -> int:
        """How many sockets took it."""
        content = update.model_dump_json(exclude={"owner_id"})
        taken = 0
        for connection_id in self.watchers.of_project(update.project_id):
            try:
                self.sockets.send(connection_id, content)
                taken += 1
            except ConnectionGoneError:
                self.watchers.remove(connection_id)
        return taken
