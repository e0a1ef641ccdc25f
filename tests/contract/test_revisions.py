"""Revisions of outlines: what the repository does, in memory and in PostgreSQL, and two editors at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from spheroseg.adapters.postgres import spheroids
from spheroseg.adapters.postgres.batches import PostgresBatches
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.exports import PostgresExportSource
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.statistics import PostgresProjectStatistics
from spheroseg.domain.operations import Add, Delete, FillHole, Operation, Relabel, Replace, Split
from spheroseg.domain.packed_outlines import packed
from spheroseg.domain.revision import Box, Changes, Revision
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.errors import (
    InvalidEditError,
    NotFinishedError,
    RevisionNotFoundError,
    SegmentationNotFoundError,
    StaleRevisionError,
)
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.imaging.measures import spheroids_of
from spheroseg.ports import RevisionRepository, SegmentationRepository
from spheroseg.use_cases.edit_outlines import EditOutlines
from spheroseg.use_cases.read_revisions import ReadRevisions
from tests.builders import NOW, STRANGER, a_project, a_result, a_segmentation, a_viewer, an_id, an_image
from tests.fakes import InMemoryClock, InMemoryRevisions, InMemorySegmentations
from tests.postgres import Servers

SIZE = (40, 30)


def square(left: float, top: float, side: float) -> tuple[Polygon, ...]:
    right, bottom = left + side, top + side
    return (Polygon(((left, top), (right, top), (right, bottom), (left, bottom))),)


def found() -> list[Spheroid]:
    """Three spheroids: one with a hole, its neighbour, one alone."""
    labels = np.zeros((SIZE[1], SIZE[0]), np.int32)
    labels[5:15, 5:15] = 1
    labels[8:11, 8:11] = 0
    labels[5:15, 15:20] = 2
    labels[20:28, 30:38] = 3
    return [replace(one, confidence=0.9, review_reasons=()) for one in spheroids_of(labels)]


@dataclass
class World:
    segmentations: SegmentationRepository
    revisions: RevisionRepository
    run: Segmentation

    @property
    def edit(self) -> EditOutlines:
        return EditOutlines(self.revisions, ShapelyEditor(), InMemoryClock(NOW))

    @property
    def read(self) -> ReadRevisions:
        return ReadRevisions(self.segmentations, self.revisions, ShapelyEditor())

    def save(self, base: int, *operations: Operation) -> Revision:
        return self.edit.save(a_viewer(), self.run.id, base, operations)

    def state(self, revision: int | None = None) -> list[Spheroid]:
        return list(self.revisions.page(a_viewer(), self.run.id, revision, 0, 100).spheroids)

    def outlines(self, revision: int | None = None) -> list[tuple[int, bytes]]:
        return list(self.revisions.outlines(a_viewer(), self.run.id, revision, 0, 100).outlines)


@pytest.fixture(params=["in_memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    return world_of(None if request.param == "in_memory" else request.getfixturevalue("database"))


def world_of(
    database: Database | None, spheroids_found: Sequence[Spheroid] | None = None, size: tuple[int, int] = SIZE
) -> World:
    project = a_project()
    image = an_image(project)
    if database is None:
        fake = InMemorySegmentations()
        segmentations: SegmentationRepository = fake
        revisions: RevisionRepository = InMemoryRevisions(fake)
    else:
        PostgresProjects(database).add(project)
        PostgresImages(database).add_many([image])
        segmentations, revisions = PostgresSegmentations(database), PostgresRevisions(database)
    running = a_segmentation(image, status=SegmentationStatus.RUNNING)
    segmentations.add(running)
    spheroids_found = found() if spheroids_found is None else spheroids_found
    result = a_result(len(spheroids_found), width_px=size[0], height_px=size[1])
    succeeded = running.succeeded(result, NOW)
    segmentations.finish(running, succeeded, list(spheroids_found))
    return World(segmentations, revisions, succeeded)


def test_every_statement_counts_the_newest_revisions_spheroids(world: World, request: pytest.FixtureRequest) -> None:
    assert isinstance(world.segmentations, InMemorySegmentations | PostgresSegmentations)
    world.save(0, Delete((1, 2)))
    world.save(1, Add(square(0, 0, 3)))
    runs = world.segmentations
    id_, image_id, viewer = world.run.id, world.run.image_id, a_viewer()
    told = [
        runs.get(id_),
        runs.get_many([id_])[id_],
        runs.one(viewer, id_),
        runs.accessible(viewer, id_).item,
        *runs.of_image(viewer, image_id),
        *runs.page_of_image(viewer, image_id, None, None, 10),
        runs.latest_of_images(viewer, [image_id])[image_id],
        runs.latest_repeats([id_])[id_],
        world.revisions.head(viewer, id_).item.segmentation,
    ]
    if isinstance(runs, PostgresSegmentations):
        database = request.getfixturevalue("database")
        batches = PostgresBatches(database)
        told += [batches.segmentations(viewer, [id_])[id_]]
        told += batches.segmentations_of_images(viewer, [image_id], None, None, 9)[image_id]
        told += [one.run for one in PostgresExportSource(database).runs(world.run.project_id, None, None, 9)[0]]
        assert PostgresProjectStatistics(database).of(viewer, world.run.project_id).spheroids == 2
    assert {(run.result.spheroid_count, run.result.found_count) for run in told if run.result} == {(2, 3)}
    assert world.revisions.head(viewer, id_).item.spheroid_count == 2


def numbers(spheroids: Sequence[Spheroid]) -> list[int]:
    return [one.number for one in spheroids]


def test_revision_0_is_the_segmenters_own(world: World) -> None:
    assert world.state() == world.state(0) == found()
    assert world.outlines() == [(one.number, packed(one.polygons)) for one in found()]
    head = world.revisions.head(a_viewer(), world.run.id).item
    assert (head.revision, head.spheroid_count, head.highest_number) == (0, 3, 3)
    assert world.revisions.history(a_viewer(), world.run.id, None, 10) == []


def test_a_revision_stores_what_it_changed_and_every_other_one_stays_readable(world: World) -> None:
    first = world.save(0, Delete((2,)), Add(square(0, 0, 4)))
    second = world.save(1, Replace(3, square(30, 20, 6.25)), FillHole(1), Relabel(4, 9))
    assert first.changes == Changes(added=(4,), removed=(2,))
    assert second.changes == Changes(added=(9,), changed=(1, 3), removed=(4,))
    assert (second.number, second.spheroid_count, second.highest_number) == (2, 3, 9)
    assert [numbers(world.state(revision)) for revision in (0, 1, 2, None)] == [
        [1, 2, 3],
        [1, 3, 4],
        [1, 3, 9],
        [1, 3, 9],
    ]
    assert world.state(0) == found()
    now = world.state()
    assert now[1].polygons == square(30, 20, 6.25)
    assert (now[0].measures.hole_count, now[0].measures.area_px2, now[0].confidence) == (0, 100, None)
    assert now[2].measures == world.state(1)[2].measures
    assert world.segmentations.get(world.run.id).revision == 2


def test_pages_and_parts_of_the_image_follow_the_revision(world: World) -> None:
    world.save(0, Replace(3, square(0, 0, 4)), Split(2, ((14, 10), (21, 10))))
    page = world.revisions.page(a_viewer(), world.run.id, None, 1, 2)
    assert (page.revision, page.spheroid_count, numbers(page.spheroids), page.next_after) == (1, 4, [2, 3], 3)
    corner, right = Box(0, 0, 4.5, 4.5), Box(29, 19, 40, 30)

    def shown(revision: int, box: Box) -> list[int]:
        outlines = world.revisions.outlines(a_viewer(), world.run.id, revision, 0, 10, box).outlines
        return [number for number, _ in outlines]

    assert [shown(0, corner), shown(1, corner), shown(0, right), shown(1, right)] == [[], [3], [3], []]
    assert set(world.revisions.near(world.run.id, 1, [corner, Box(14, 9, 16, 11)])) == {1, 2, 3, 4}
    assert world.revisions.others(world.run.id, 1, [1, 2]) == (2, 16 + 25)


def test_a_stale_save_is_refused_and_told_what_changed(world: World) -> None:
    world.save(0, Delete((2,)))
    world.save(1, FillHole(1))
    with pytest.raises(StaleRevisionError) as caught:
        world.save(0, Delete((3,)))
    assert caught.value.newest == 2
    told = [(one.revision, one.author_id, one.created_at, one.changed, one.removed) for one in caught.value.later]
    assert told == [(2, a_viewer().user_id, NOW, (1,), ()), (1, a_viewer().user_id, NOW, (), (2,))]
    assert numbers(world.state()) == [1, 3]
    with pytest.raises(RevisionNotFoundError):
        world.save(7, Delete((3,)))


def test_a_save_that_was_overtaken_stores_nothing(world: World) -> None:
    late = Revision(world.run.id, 1, "a", NOW, None, None, Changes(removed=(1,)), 2, 3)
    world.save(0, Delete((2,)))
    with pytest.raises(StaleRevisionError):
        world.revisions.save(late, [replace(found()[2], number=9)], [1])
    assert numbers(world.state()) == [1, 3]
    assert len(world.revisions.history(a_viewer(), world.run.id, None, 10)) == 1


def test_restoring_gives_the_very_bytes_back_and_keeps_the_history(world: World) -> None:
    world.save(0, Replace(1, square(5, 5, 9.75)), Delete((2,)), Add(square(0, 0, 3.5)))
    world.save(1, Delete((3,)))
    back = world.edit.restore(a_viewer(), world.run.id, 2, 0, "as the model had it")
    assert (back.number, back.restored_from, back.note) == (3, 0, "as the model had it")
    assert back.changes == Changes(added=(2, 3), changed=(1,), removed=(4,))
    assert world.outlines() == world.outlines(0)
    assert [replace(one, brightness_due_since=None) for one in world.state()] == found()
    again = world.edit.restore(a_viewer(), world.run.id, 3, 1)
    assert world.outlines() == world.outlines(1)
    assert [replace(one, brightness_due_since=None) for one in world.state()] == [
        replace(one, brightness_due_since=None) for one in world.state(1)
    ]
    assert again.highest_number == 4
    with pytest.raises(InvalidEditError, match="nothing to restore"):
        world.edit.restore(a_viewer(), world.run.id, 4, 1)
    with pytest.raises(RevisionNotFoundError):
        world.edit.restore(a_viewer(), world.run.id, 4, 5)
    kept = world.revisions.history(a_viewer(), world.run.id, None, 10)
    assert [(one.number, one.restored_from) for one in kept] == [(4, 1), (3, 0), (2, None), (1, None)]
    assert [one.number for one in world.revisions.history(a_viewer(), world.run.id, 3, 1)] == [2]


def test_a_revision_tells_its_operations(world: World) -> None:
    saved = world.edit.save(a_viewer(), world.run.id, 0, [Delete((2,)), Relabel(3, 5)], "tidied")
    kept = world.revisions.one(a_viewer(), world.run.id, 1)
    assert kept.operations == ({"kind": "delete", "numbers": [2]}, {"kind": "relabel", "number": 3, "to": 5})
    assert replace(kept, operations=()) == replace(saved, operations=())
    for absent in (0, 2):
        with pytest.raises(RevisionNotFoundError):
            world.revisions.one(a_viewer(), world.run.id, absent)


def test_the_difference_of_revisions_is_that_of_their_pixels(world: World) -> None:
    world.save(0, Replace(3, square(30, 20, 4)), Delete((2,)))
    world.save(1, FillHole(1))
    world.save(2, Replace(1, found()[0].polygons))
    difference = world.read.difference(a_viewer(), world.run.id, 0, None)
    told = {one.number: (one.before_px, one.after_px, one.shared_px) for one in difference.spheroids}
    assert told == {2: (50, 0, 0), 3: (64, 16, 16)}
    assert (difference.before, difference.after, difference.unchanged) == (0, 3, 1)
    assert (difference.whole.before_px, difference.whole.after_px, difference.whole.shared_px) == (205, 107, 107)
    with pytest.raises(RevisionNotFoundError):
        world.read.difference(a_viewer(), world.run.id, 0, 4)


def test_strangers_find_nothing_and_unfinished_runs_have_no_outlines(world: World) -> None:
    stranger = replace(a_viewer(), user_id=STRANGER)
    world.save(0, Delete((2,)))
    with pytest.raises(SegmentationNotFoundError):
        world.edit.save(stranger, world.run.id, 1, [Delete((1,))])
    with pytest.raises(RevisionNotFoundError):
        world.revisions.page(stranger, world.run.id, None, 0, 10)
    with pytest.raises(RevisionNotFoundError):
        world.revisions.one(stranger, world.run.id, 1)
    assert world.revisions.history(stranger, world.run.id, None, 10) == []
    waiting = replace(world.run, id=a_segmentation().id, status=SegmentationStatus.QUEUED, result=None)
    world.segmentations.add(waiting)
    with pytest.raises(NotFinishedError):
        world.edit.save(a_viewer(), waiting.id, 0, [Delete((1,))])
    with pytest.raises(RevisionNotFoundError):
        world.revisions.page(a_viewer(), waiting.id, None, 0, 10)


def test_everything_may_be_removed(world: World) -> None:
    world.save(0, Delete((1, 2, 3)))
    page = world.revisions.page(a_viewer(), world.run.id, None, 0, 10)
    assert (page.revision, page.spheroid_count, page.spheroids, page.next_after) == (1, 0, [], None)
    assert world.outlines() == []


def test_of_two_editors_at_once_one_wins_and_the_other_loses_nothing(servers: Servers) -> None:
    """Real PostgreSQL, a connection each; whoever is refused saves on top of the winner."""
    servers.empty()
    database = servers.database()
    world = world_of(database)

    def tries(name: str, operation: Operation) -> tuple[str, Revision | StaleRevisionError]:
        mine = servers.database()
        edit = EditOutlines(PostgresRevisions(mine), ShapelyEditor(), InMemoryClock(NOW))
        try:
            return name, edit.save(a_viewer(), world.run.id, 0, [operation])
        except StaleRevisionError as error:
            return name, error
        finally:
            mine.close()

    edits: dict[str, Operation] = {f"editor {at}": Add(square(2 * at, 0, 2)) for at in range(4)}
    with ThreadPoolExecutor(4) as pool:
        outcomes = dict(pool.map(lambda item: tries(*item), edits.items()))
    winners = [name for name, outcome in outcomes.items() if isinstance(outcome, Revision)]
    assert len(winners) == 1
    for outcome in outcomes.values():
        if isinstance(outcome, StaleRevisionError):
            assert [one.added for one in outcome.later] == [(4,)]
    for base, name in enumerate((name for name in edits if name not in winners), start=1):
        world.save(base, edits[name])
    assert numbers(world.state()) == [1, 2, 3, 4, 5, 6, 7]
    assert {one.polygons for one in world.state()[3:]} == {square(2 * at, 0, 2) for at in range(4)}
    database.close()


def test_rows_of_before_outlines_were_packed_read_the_same(database: Database) -> None:
    world = world_of(database)
    database.run("UPDATE spheroids SET outline = NULL WHERE segmentation_id = %(id)s", {"id": world.run.id})
    assert world.outlines() == [(one.number, packed(one.polygons)) for one in found()]
    world.save(0, FillHole(1))
    world.edit.restore(a_viewer(), world.run.id, 1, 0)
    assert world.outlines() == world.outlines(0)


def test_a_graph_of_objects_reads_the_newest_revision(database: Database) -> None:
    world = world_of(database)
    world.save(0, Delete((1,)), Replace(2, square(0, 0, 4)))
    below = PostgresBatches(database).spheroids_of_segmentations(a_viewer(), [world.run.id], 0, 10)
    assert below[world.run.id] == world.state()


def test_a_copy_of_a_run_has_its_revisions_up_to_its_own(database: Database) -> None:
    world = world_of(database)
    world.save(0, Delete((1,)), Replace(2, square(0, 0, 4)))
    world.save(1, Replace(2, square(0, 0, 6)), Delete((3,)))
    first = replace(world.segmentations.get(world.run.id), id=an_id(), revision=1)
    whole = replace(first, id=an_id(), revision=2)
    for copy in (first, whole):
        world.segmentations.add(copy)
        for statement in spheroids.COPIES:
            database.run(statement, {"source_id": world.run.id, "copy_id": copy.id})

    def state(run: Segmentation, revision: int | None = None) -> Sequence[Spheroid]:
        return world.revisions.page(a_viewer(), run.id, revision, 0, 10).spheroids

    assert state(first) == world.state(1)
    assert [state(whole, revision) for revision in (0, 1, None)] == [world.state(revision) for revision in (0, 1, 2)]
    assert len(world.revisions.history(a_viewer(), first.id, None, 10)) == 1
    world.edit.save(a_viewer(), first.id, 1, [Delete((2,))])
    assert numbers(state(first)) == [3]
