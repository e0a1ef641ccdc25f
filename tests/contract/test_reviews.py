"""Review of results: what the repository does, in memory and in PostgreSQL, and several people at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from spheroseg.adapters.postgres import reviews
from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.reviews import PostgresReviews
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.decision import ReviewQuery, ReviewState, Verdict
from spheroseg.domain.image import Image
from spheroseg.domain.operations import Delete, Replace, Simplify
from spheroseg.domain.outline_import import annotation_order
from spheroseg.domain.project import Project
from spheroseg.domain.review import Review, ReviewReason, Signs
from spheroseg.domain.segmentation import Parameters, Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.errors import ResultSupersededError, StaleRevisionError
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.ports import (
    ImageRepository,
    ProjectRepository,
    ReviewRepository,
    RevisionRepository,
    SegmentationRepository,
)
from spheroseg.use_cases.edit_outlines import EditOutlines
from spheroseg.use_cases.read_revisions import ReadRevisions
from spheroseg.use_cases.review_results import ReviewResults
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_spheroid, a_viewer, an_image, an_order
from tests.contract.test_list_cost import blocks, nodes, plan_of
from tests.fakes import (
    InMemoryClock,
    InMemoryImages,
    InMemoryProjects,
    InMemoryReviews,
    InMemoryRevisions,
    InMemorySegmentations,
)
from tests.postgres import Servers

BOB = "bob"
CALM = Signs(spheroid_count=2, confidence=0.95, blur=0.2, dropped_count=0, touching_count=0, edge_area_share=0.0)


def square(left: float, top: float, side: float) -> tuple[Polygon, ...]:
    right, bottom = left + side, top + side
    return (Polygon(((left, top), (right, top), (right, bottom), (left, bottom))),)


def two_squares() -> tuple[Spheroid, ...]:
    """Of 100 and 400 pixels."""
    first, second = a_spheroid(1), a_spheroid(2)
    measures = replace(first.measures, area_px2=400.0, bbox_x_px=100.0, bbox_y_px=100.0)
    return (
        replace(first, polygons=square(10, 10, 10), measures=replace(first.measures, area_px2=100.0)),
        replace(second, polygons=square(100, 100, 20), measures=measures),
    )


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    revisions: RevisionRepository
    reviews: ReviewRepository

    @property
    def use_case(self) -> ReviewResults:
        read = ReadRevisions(self.segmentations, self.revisions, ShapelyEditor())
        return ReviewResults(self.projects, self.segmentations, self.revisions, self.reviews, read, InMemoryClock())

    def a_project(self) -> Project:
        project = a_project()
        self.projects.add(project)
        return project

    def a_run(
        self,
        image: Image,
        signs: Signs | None = CALM,
        *,
        page: int = 1,
        later_h: float = 0.0,
        add: bool = True,
        is_drawn: bool = False,
    ) -> Segmentation:
        if add:
            self.images.add_many([image])
        order = annotation_order(page) if is_drawn else an_order(parameters=Parameters(page=page))
        queued_at = image.created_at + timedelta(hours=later_h)
        running = a_segmentation(image, status=SegmentationStatus.RUNNING, order=order, queued_at=queued_at)
        running = replace(running, id=uuid4())
        self.segmentations.add(running)
        found = two_squares()
        done = a_segmentation(image, status=SegmentationStatus.SUCCEEDED, order=order, queued_at=queued_at)
        assert done.result is not None
        review = None if signs is None else Review.of(signs)
        result = replace(done.result, spheroid_count=len(found), found_count=len(found), review=review)
        done = replace(done, id=running.id, result=result)
        self.segmentations.finish(running, done, list(found))
        return done

    def edit(self, run: Segmentation, base: int, *operations: Any) -> None:
        EditOutlines(self.revisions, ShapelyEditor(), InMemoryClock()).save(a_viewer(), run.id, base, operations)

    def states(self, project: Project, viewer_id: str = OWNER, **query: Any) -> list[tuple[UUID, str]]:
        found = self.reviews.page(a_viewer(viewer_id), project.id, ReviewQuery(**query), None, 100)
        return [(item.segmentation_id, item.state.value) for item in found]


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        runs = InMemorySegmentations(projects=projects)
        images = InMemoryImages(runs)
        return Bench(projects, images, runs, InMemoryRevisions(runs), InMemoryReviews(images))
    return postgres_bench(request.getfixturevalue("database"))


def postgres_bench(database: Database) -> Bench:
    return Bench(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresRevisions(database),
        PostgresReviews(database),
    )


def test_the_worklist_begins_with_what_needs_a_look_most(bench: Bench) -> None:
    project, other = bench.a_project(), bench.a_project()
    doubtful = replace(CALM, confidence=0.4)
    fine, poor, worst, unjudged, nothing = (
        bench.a_run(an_image(project), signs)
        for signs in (
            CALM,
            doubtful,
            replace(doubtful, blur=0.9),
            None,
            replace(CALM, spheroid_count=0, confidence=None),
        )
    )
    bench.a_run(an_image(other))
    bench.images.add_many([an_image(project)])
    order = [run.id for run in (worst, nothing, poor, unjudged, fine)]
    assert bench.states(project) == [(run_id, "open") for run_id in order]
    assert bench.states(project, STRANGER) == []
    assert [one for one, _ in bench.states(project, flag=ReviewReason.LOW_CONFIDENCE)] == [worst.id, poor.id]
    assert [one for one, _ in bench.states(project, flag=ReviewReason.BLUR)] == [worst.id]
    use_case, query = bench.use_case, ReviewQuery(states=frozenset({ReviewState.OPEN}))
    page = use_case.worklist(a_viewer(), project.id, query, None, 2)
    read = list(page.items)
    while page.next_after is not None:
        page = use_case.worklist(a_viewer(), project.id, query, page.next_after, 2)
        read += page.items
    assert [item.segmentation_id for item in read] == order
    assert [item.confidence for item in read] == [0.4, None, 0.4, None, 0.95]
    assert [item.reasons for item in read[2:]] == [(ReviewReason.LOW_CONFIDENCE,), None, ()]
    use_case.decide(a_viewer(), fine.id, 0, Verdict.REJECT)
    assert [one for one, _ in bench.states(project, states=frozenset({ReviewState.OPEN}))] == order[:-1]
    assert bench.states(project, states=frozenset({ReviewState.REJECTED})) == [(fine.id, "rejected")]


def test_a_decision_holds_for_its_revision_and_run_and_stays_in_the_history(bench: Bench) -> None:
    project = bench.a_project()
    image = an_image(project)
    run = bench.a_run(image)
    use_case, repository = bench.use_case, bench.reviews
    first = use_case.decide(a_viewer(), run.id, 0, Verdict.ACCEPT, "fine")
    assert (first.number, first.state, first.decided_at) == (1, ReviewState.ACCEPTED, NOW)
    assert repository.accepted([run.id, uuid4()]) == {run.id: 0}
    assert use_case.decide(a_viewer(), run.id, 0, Verdict.ACCEPT, "fine") == first
    bench.edit(run, 0, Delete((1,)))
    assert (bench.states(project), repository.accepted([run.id])) == ([(run.id, "open")], {})
    with pytest.raises(StaleRevisionError) as stale:
        use_case.decide(a_viewer(), run.id, 0, Verdict.REJECT)
    assert (stale.value.newest, [one.removed for one in stale.value.later]) == (1, [(1,)])
    corrected = use_case.decide(a_viewer(), run.id, 1, Verdict.ACCEPT)
    assert (corrected.state, bench.states(project)) == (ReviewState.CORRECTED, [(run.id, "corrected")])
    assert repository.accepted([run.id]) == {run.id: 1}
    other_page = bench.a_run(image, page=2, add=False)
    assert dict(bench.states(project)) == {run.id: "corrected", other_page.id: "open"}
    newer = bench.a_run(image, later_h=1, add=False)
    assert dict(bench.states(project)) == {newer.id: "open", other_page.id: "open"}
    assert repository.accepted([run.id, newer.id]) == {}
    with pytest.raises(ResultSupersededError) as superseded:
        use_case.decide(a_viewer(), run.id, 1, Verdict.REJECT)
    assert superseded.value.newest == newer.id
    late = bench.a_run(image, later_h=-1, add=False)
    assert late.id not in dict(bench.states(project)), "it was queued before the one that counts"
    history = use_case.history(a_viewer(), run.id, None, 1)
    assert (history.decisions, history.next_below) == ([corrected], 2)
    assert use_case.history(a_viewer(), run.id, 2, 1).decisions == [first]
    assert repository.history(a_viewer(STRANGER), run.id, None, 10) == []


def test_figures_tell_segmenter_against_people_and_people_against_each_other(bench: Bench) -> None:
    project = bench.a_project()
    use_case, alice = bench.use_case, a_viewer()
    runs = [bench.a_run(an_image(project), later_h=hour) for hour in range(6)]
    untouched, changed, fewer, rejected, redrawn, _ = runs
    assert use_case.figures(alice, project.id).share(ReviewState.ACCEPTED) is None
    use_case.decide(alice, untouched.id, 0, Verdict.ACCEPT)
    bench.edit(changed, 0, Replace(1, square(10, 10, 5)))
    bench.edit(fewer, 0, Delete((1,)))
    bench.edit(redrawn, 0, Simplify((1, 2), 0.25), Replace(1, square(10, 10, 8)))
    bench.edit(redrawn, 1, Replace(1, square(10, 10, 10)))
    for run in (changed, fewer):
        use_case.decide(alice, run.id, 1, Verdict.ACCEPT)
    assert use_case.decide(alice, redrawn.id, 2, Verdict.ACCEPT).state is ReviewState.ACCEPTED, "as it was found"
    use_case.decide(alice, rejected.id, 0, Verdict.REJECT)
    figures = use_case.figures(alice, project.id)
    assert {state.value: count for state, count in figures.counts.items()} == {
        "open": 1,
        "accepted": 2,
        "corrected": 2,
        "rejected": 1,
    }
    assert (figures.decided, figures.share(ReviewState.REJECTED)) == (5, 0.2)
    outlines = figures.outlines
    assert (outlines.compared, outlines.not_compared) == (4, 0)
    assert (outlines.matched, outlines.added, outlines.deleted) == (7, 0, 1)
    # 25 of 100 pixels of one spheroid are left; of 500 in all 425, or 400 where it was deleted.
    assert outlines.iou_mean == pytest.approx((0.25 + 6) / 7)
    assert outlines.iou_median == 1.0
    assert outlines.foreground_iou_mean == pytest.approx((1 + 0.85 + 0.8 + 1) / 4)
    assert outlines.foreground_iou_median == pytest.approx((0.85 + 1) / 2)
    assert figures.reviewers == []
    with_words(bench.reviews, BOB, [(untouched, 0), (changed, 1)], Verdict.ACCEPT)
    with_words(bench.reviews, BOB, [(fewer, 1), (rejected, 0)], Verdict.REJECT)
    [pair] = use_case.figures(alice, project.id).reviewers
    assert (pair.both_accepted, pair.both_rejected, pair.decided) == (2, 1, 4)
    assert {pair.first_id: pair.first_accepted, pair.second_id: pair.second_accepted} == {OWNER: 1, BOB: 0}
    assert pair.first_id < pair.second_id
    assert use_case.figures(alice, bench.a_project().id).decided == 0


def test_what_a_person_drew_agrees_with_no_model(bench: Bench) -> None:
    project = bench.a_project()
    drawn = [bench.a_run(an_image(project), later_h=hour, is_drawn=True) for hour in range(2)]
    bench.edit(drawn[1], 0, Delete((1,)))
    decisions = [bench.use_case.decide(a_viewer(), run.id, at, Verdict.ACCEPT) for at, run in enumerate(drawn)]
    assert [(one.state, one.agreement) for one in decisions] == [
        (ReviewState.ACCEPTED, None),
        (ReviewState.CORRECTED, None),
    ]
    outlines = bench.use_case.figures(a_viewer(), project.id).outlines
    assert (outlines.compared, outlines.not_compared, outlines.iou_mean) == (0, 2, None)


def with_words(
    repository: ReviewRepository, who: str, revisions: Sequence[tuple[Segmentation, int]], verdict: Verdict
) -> None:
    """Somebody else's decisions; what they are compared with is not looked at here."""
    for run, revision in revisions:
        last = repository.history(a_viewer(), run.id, None, 1)[0]
        state = ReviewState.REJECTED if verdict is Verdict.REJECT else last.state
        agreement = None if verdict is Verdict.REJECT else last.agreement
        repository.decide(
            replace(
                last, revision=revision, reviewer_id=who, verdict=verdict, note=None, state=state, agreement=agreement
            )
        )


def test_the_median_of_spheroids_lies_among_changed_ones_where_they_are_more(bench: Bench) -> None:
    project = bench.a_project()
    use_case = bench.use_case
    run, rejected = (bench.a_run(an_image(project)) for _ in range(2))
    bench.edit(run, 0, Replace(1, square(10, 10, 5)), Replace(2, square(100, 100, 10)))
    use_case.decide(a_viewer(), run.id, 1, Verdict.ACCEPT)
    use_case.decide(a_viewer(), rejected.id, 0, Verdict.REJECT)
    outlines = use_case.figures(a_viewer(), project.id).outlines
    assert (outlines.iou_mean, outlines.iou_median, outlines.matched) == (0.25, 0.25, 2)


def test_two_people_at_once_are_both_kept(servers: Servers, database: Database) -> None:
    bench = postgres_bench(database)
    project = bench.a_project()
    run = bench.a_run(an_image(project))
    draft = bench.use_case.decide(a_viewer(), run.id, 0, Verdict.ACCEPT)
    people = [f"person {number}" for number in range(6)] * 2
    databases = [servers.database() for _ in range(4)]
    try:
        with ThreadPoolExecutor(len(databases)) as pool:
            asked = [
                (PostgresReviews(databases[place % 4]), replace(draft, reviewer_id=who))
                for place, who in enumerate(people)
            ]
            made = list(pool.map(lambda one: one[0].decide(one[1]), asked))
    finally:
        for one in databases:
            one.close()
    assert sorted({one.number for one in made}) == list(range(2, 8)), "what came twice is there once"
    assert len(bench.reviews.history(a_viewer(), run.id, None, 100)) == 7


def test_a_decision_goes_where_its_image_goes_and_forgets_who_leaves(database: Database) -> None:
    bench = postgres_bench(database)
    project, target = bench.a_project(), bench.a_project()
    run = bench.a_run(an_image(project))
    bench.use_case.decide(a_viewer(), run.id, 0, Verdict.ACCEPT)
    bench.reviews.decide(replace(bench.reviews.history(a_viewer(), run.id, None, 1)[0], reviewer_id=BOB, note="me too"))
    for table in ("images", "segmentations"):
        database.run(f"UPDATE {table} SET project_id = %(target)s", {"target": target.id})
    assert (bench.states(project), bench.states(target)) == ([], [(run.id, "accepted")])
    assert len(bench.reviews.figures(a_viewer(), target.id).reviewers) == 1
    PostgresAccountClosings(database).forget(BOB, None)
    history = bench.reviews.history(a_viewer(), run.id, None, 10)
    assert [one.reviewer_id for one in history] == ["deleted account", OWNER]
    assert bench.reviews.figures(a_viewer(), target.id).reviewers == []


FILL = """
INSERT INTO images (id, project_id, owner_id, name, status, size_bytes, etag, model, model_version, parameters,
    priority, correlation_id, created_at, stored_at)
SELECT gen_random_uuid(), %(project_id)s, %(owner_id)s, 'w' || number, 'stored', number, 'tag', 'm', '1', '{}', 'normal',
    'correlation', %(now)s, %(now)s
FROM generate_series(1, %(count)s::integer) AS number
"""
RUNS = """
INSERT INTO segmentations (id, image_id, project_id, owner_id, model, model_version, parameters, priority, status,
    attempt, correlation_id, queued_at)
SELECT gen_random_uuid(), id, project_id, owner_id, 'm', '1', '{"page": 1}', 'normal', 'succeeded', 1, 'correlation',
    %(now)s
FROM images WHERE project_id = %(project_id)s
"""
# Nine of ten are decided; one in a hundred is blurred.
LIST = """
INSERT INTO review_items (image_id, page, segmentation_id, project_id, queued_at, revision, state, decision, reasons,
    rank, sureness)
SELECT image_id, 1, id, project_id, queued_at, 0, CASE WHEN place %% 10 = 0 THEN 'open' ELSE 'rejected' END,
    CASE WHEN place %% 10 = 0 THEN NULL ELSE 1 END,
    CASE WHEN place %% 100 = 0 THEN '{blur}' WHEN place %% 2 = 0 THEN '{debris}' ELSE '{}' END::text[],
    -CASE WHEN place %% 2 = 0 THEN 1 ELSE 0 END, random()
FROM (SELECT *, row_number() OVER () AS place FROM segmentations WHERE project_id = %(project_id)s) AS runs
"""


def test_a_page_of_the_worklist_costs_the_same_in_a_project_of_any_size(servers: Servers, database: Database) -> None:
    repository, limit = PostgresProjects(database), 50
    for trigger in ("note_run_status", "note_review_item"):
        database.run(f"ALTER TABLE segmentations DISABLE TRIGGER {trigger}", {})
    by_count = {}
    for count in (200, 10_000):
        project = a_project()
        repository.add(project)
        values = {"project_id": project.id, "owner_id": OWNER, "now": NOW, "count": count}
        for statement in (FILL, RUNS, LIST):
            database.run(statement, values)
        by_count[count] = project.id
    for trigger in ("note_run_status", "note_review_item"):
        database.run(f"ALTER TABLE segmentations ENABLE TRIGGER {trigger}", {})
    for table in ("images", "review_items", "review_decisions"):
        database.run(f"ANALYZE {table}", {})
    queries = [
        ReviewQuery(),
        ReviewQuery(states=frozenset({ReviewState.OPEN})),
        ReviewQuery(flag=ReviewReason.BLUR),
        ReviewQuery(states=frozenset({ReviewState.REJECTED}), flag=ReviewReason.DEBRIS),
    ]
    for query in queries:
        first = PostgresReviews(database).page(a_viewer(), by_count[10_000], query, None, limit)
        large = [reviews.statement(OWNER, by_count[10_000], query, key, limit) for key in (None, first[-1].key)]
        for sql, asked in [reviews.statement(OWNER, by_count[200], query, None, limit), *large]:
            plan = plan_of(database, sql, asked)
            scans = {node.get("Relation Name"): node["Node Type"] for node in nodes(plan) if "Relation Name" in node}
            assert scans["review_items"] in {"Index Scan", "Index Only Scan"}, (query, scans)
            # A block a row at most of each state that is listed, and the way to each row's image and decision.
            assert blocks(plan) <= 8 * limit, query
    servers.empty()
