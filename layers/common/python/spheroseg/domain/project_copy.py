"""What a copy of a project holds: every stored image with what is said of it, and the runs that found something out.

Left out are images without a file, runs that wait, work, failed or were cancelled, and who shared the original.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from spheroseg.domain.image import Image, original_key
from spheroseg.domain.project import NAME_MAX_LENGTH, Project
from spheroseg.domain.segmentation import (
    Segmentation,
    SegmentationStatus,
    repeat_id,
    result_prefix,
    segmentation_id,
)

SUFFIX = " (copy)"


@dataclass(frozen=True)
class ImageCopy:
    """The objects that make an image of the new project out of one of the old.

    Args:
        source_id, copy_id: The two images.
        source_etag: The tag of the original's bytes; None: the image was deleted meanwhile.
        prefixes: Of each run where its objects lie, and where their copies go.
        run_ids: The copies of the runs.
    """

    source_id: UUID
    copy_id: UUID
    source_etag: str | None
    prefixes: tuple[tuple[str, str], ...]
    run_ids: tuple[UUID, ...]

    @property
    def keys(self) -> tuple[str, str]:
        """Where the file lies, and where its copy goes."""
        return original_key(self.source_id), original_key(self.copy_id)


def copy_of_project(source: Project, copy_id: UUID, owner_id: str, name: str | None, at: datetime) -> Project:
    """The new project, without its images.

    Args:
        name: 1 to 100 characters; None: the old one's with «(copy)» behind it, cut where that is too long.
    """
    return replace(
        source,
        id=copy_id,
        owner_id=owner_id,
        name=name or source.name[: NAME_MAX_LENGTH - len(SUFFIX)] + SUFFIX,
        created_at=at,
        version=1,
        archived_at=None,
        updated_at=None,
    )


def copied_image_id(target_id: UUID, source_id: UUID) -> UUID:
    """The id of an image's copy, known before it exists: a step that is repeated makes the same."""
    return uuid5(target_id, str(source_id))


def copy_of_image(
    source: Image, runs: Sequence[Segmentation], target: Project, correlation_id: str
) -> tuple[Image, list[tuple[Segmentation, Segmentation]]]:
    """The image in the new project, and each run of the old one that succeeded with its copy.

    Repeats of a run are counted anew, because those that failed are left out.

    Args:
        runs: All or some runs of the image, in any order.
    """
    image = replace(
        source,
        id=copied_image_id(target.id, source.id),
        project_id=target.id,
        owner_id=target.owner_id,
        correlation_id=correlation_id,
        upload_id=None,
        version=1,
        duplicate_of=None,
    )
    pairs: list[tuple[Segmentation, Segmentation]] = []
    repeats: dict[UUID, int] = {}
    succeeded = [run for run in runs if run.status is SegmentationStatus.SUCCEEDED]
    for run in sorted(succeeded, key=lambda run: (run.queued_at, run.repeat, run.id)):
        first_id = segmentation_id(image.id, run.order)
        repeat = repeats.get(first_id, 0)
        repeats[first_id] = repeat + 1
        copy = replace(
            run,
            id=repeat_id(first_id, repeat) if repeat else first_id,
            image_id=image.id,
            project_id=target.id,
            owner_id=target.owner_id,
            correlation_id=correlation_id,
            repeat=repeat,
            repeat_of=first_id if repeat else None,
            requested_by=None,
            batch_id=None,
            reused_from=None,
            files_of=None,
            files_attempt=None,
        )
        pairs.append((run, copy))
    return image, pairs


def copied_prefix(run: Segmentation, copy_id: UUID) -> tuple[str, str]:
    """Where the objects of a run lie, and where those of its copy go."""
    return run.files_prefix, result_prefix(copy_id, run.attempt)
