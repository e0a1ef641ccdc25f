"""What is to be measured again after corrections."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.spheroid import Brightness


class BrightnessRepository(Protocol):
    """Brightness of corrected outlines; which of it is due is noted by whatever stores a revision."""

    def due(self, segmentation_id: UUID, limit: int) -> Mapping[int, Sequence[int]]:
        """Up to ``limit`` spheroids that wait to be measured: numbers by the revision to measure them in, newest first.

        Args:
            segmentation_id: A run; nothing is due in one that does not exist.
        """

    def store(self, segmentation_id: UUID, revision: int, measured: Mapping[int, Brightness], at: datetime) -> None:
        """Keep what was measured in a revision; what was measured already, or is gone, stays as it is."""

    def overdue(self, before: datetime, at: datetime, limit: int) -> Sequence[tuple[UUID, str]]:
        """Up to ``limit`` runs of which something is due and nobody was asked since ``before``; noted as asked now.

        Returns:
            Their ids and correlation ids. Nobody is asked more than ``MAX_ASKED`` times.
        """


MAX_ASKED = 20
"""What that many workers could not measure, none will: the dead-letter queue has told by then."""
