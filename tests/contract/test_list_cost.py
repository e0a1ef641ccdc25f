"""A list of 100,000 images costs what one of 100 costs: shown by what PostgreSQL reads for a page."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from spheroseg.adapters.postgres import dispatch, image_lists, images, segmentations
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.domain.image_list import ImageKey, ImageQuery, ImageSort, ImageState
from spheroseg.domain.paging import PageKey
from tests.builders import NOW, OWNER, STRANGER, a_project, a_viewer

FILL = """
WITH new AS (
    INSERT INTO images (id, project_id, owner_id, name, status, size_bytes, etag, model, model_version, parameters,
        priority, correlation_id, created_at, stored_at, well, condition, tags)
    SELECT gen_random_uuid(), %(project_id)s, %(owner_id)s, 'w' || number, 'stored', number, 'tag', 'spheroid-unet', '1',
        '{}', 'normal', 'correlation', %(now)s::timestamptz - number * interval '1 second', %(now)s, 'A01', 'x',
        CASE WHEN number %% 10 = 0 AND number <= 100 THEN '{rare}'::text[] ELSE '{}' END
    FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
    RETURNING id, created_at
)
INSERT INTO segmentations (id, image_id, project_id, owner_id, model, model_version, parameters, priority, status,
    attempt, correlation_id, queued_at, started_at, finished_at)
SELECT gen_random_uuid(), id, %(project_id)s, %(owner_id)s, 'spheroid-unet', '1', '{}', 'normal', 'succeeded',
    1, 'correlation', created_at, created_at, created_at
FROM new WHERE created_at > %(now)s::timestamptz - interval '20000 seconds'
"""
"""Every image is a second older and a byte larger than the one before; the newest 20,000 have a run, ten a tag."""

FILLED_AT_ONCE = 5_000
"""Rows in one statement, which has 20 s."""

LIMIT = 50


@pytest.fixture(scope="module")
def projects(writer_only: Database, servers: Any) -> Iterator[dict[int, UUID]]:
    """A project with 100 images and one with 100,000, by their number."""
    servers.empty()
    # Row by row it would take longer than all else; states of images are not what is measured here.
    writer_only.run("ALTER TABLE segmentations DISABLE TRIGGER note_run_status", {})
    by_count = {}
    for count in (100, 100_000):
        project = a_project()
        PostgresProjects(writer_only).add(project)
        values = {"project_id": project.id, "owner_id": OWNER, "now": NOW}
        for first in range(1, count + 1, FILLED_AT_ONCE):
            last = min(first + FILLED_AT_ONCE - 1, count)
            writer_only.run(FILL, {**values, "first": first, "last": last})
        by_count[count] = project.id
    writer_only.run("ALTER TABLE segmentations ENABLE TRIGGER note_run_status", {})
    for table in ("images", "segmentations"):
        writer_only.run(f"ANALYZE {table}", {})
    yield by_count
    servers.empty(are_many=True)


def plan_of(database: Database, query: str, values: dict[str, Any]) -> dict[str, Any]:
    """What the query reads when the connection knows its tables: the first time it looks them up in the catalogue."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}"
    database.latest(explained, values)
    [row] = database.latest(explained, values)
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The plan's steps but for those that find the viewer's role: once a statement, in tables of three rows here."""
    children = [child for child in plan.get("Plans", []) if child["Parent Relationship"] != "InitPlan"]
    found = [plan, *(node for child in children for node in nodes(child))]
    return [node for node in found if node.get("Relation Name") not in {"projects", "project_members"}]


def blocks(plan: dict[str, Any]) -> int:
    """Blocks of 8 KiB that were looked at."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def page_plan(database: Database, project_id: UUID, after: PageKey | None, viewer_id: str = OWNER) -> dict[str, Any]:
    values = {"viewer_id": viewer_id, "project_id": project_id, "limit": LIMIT, **key_values(after)}
    return plan_of(database, images.PAGE, values)


def test_a_page_of_100000_images_costs_what_one_of_100_costs(writer_only: Database, projects: dict[int, UUID]) -> None:
    middle = PageKey(created_at=NOW - timedelta(seconds=50), id=UUID(int=0))
    deep = PageKey(created_at=NOW - timedelta(seconds=99_900), id=UUID(int=0))
    small = [page_plan(writer_only, projects[100], after) for after in (None, middle)]
    large = [page_plan(writer_only, projects[100_000], after) for after in (None, deep)]
    for plan in [*small, *large]:
        assert [node["Node Type"] for node in nodes(plan)] == ["Limit", "Index Scan"]
        assert nodes(plan)[1]["Index Name"] == "images_of_project"
        assert plan["Actual Rows"] == LIMIT
    # One block per row at most, the way down the index (three blocks here, two in a table of 100), and the role's rows.
    assert all(blocks(plan) <= LIMIT + 9 for plan in [*small, *large])


def test_a_foreign_list_costs_next_to_nothing(writer_only: Database, projects: dict[int, UUID]) -> None:
    plan = page_plan(writer_only, projects[100_000], None, STRANGER)
    assert plan["Actual Rows"] == 0
    assert blocks(plan) <= 5


def test_the_latest_runs_of_a_page_are_found_by_index(writer_only: Database, projects: dict[int, UUID]) -> None:
    values = {"viewer_id": OWNER, "project_id": projects[100_000], "limit": LIMIT, **key_values(None)}
    ids = [row["id"] for row in writer_only.latest(images.PAGE, values)]
    plan = plan_of(writer_only, segmentations.LATEST_OF_IMAGES, {"image_ids": ids, "viewer_id": OWNER})
    assert plan["Actual Rows"] == LIMIT
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}
    # Some blocks a row: down the indexes, whose depth varies by one, and the rows of run, image and role.
    assert blocks(plan) <= 7 * LIMIT + 5


def test_what_waits_is_found_without_reading_what_is_done(writer_only: Database, projects: dict[int, UUID]) -> None:
    queries: list[tuple[str, dict[str, Any]]] = [
        (segmentations.WAITING, {"sent_at": NOW}),
        (dispatch.IN_FLIGHT, {}),
        (dispatch.HELD, {"limit": 200}),
        (dispatch.HELD_BY_SHARE, {}),
        (segmentations.STALLED, {"queued_before": NOW, "alive_before": NOW, "limit": 100}),
        (segmentations.RATE, {"since": NOW - timedelta(seconds=20)}),
        (images.AWAITING_UPLOAD, {"requested_before": NOW, "limit": 100, **key_values(None)}),
    ]
    for query, values in queries:
        plan = plan_of(writer_only, query, values)
        assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}, query
        assert blocks(plan) <= 60, query  # of thousands


def searched(database: Database, project_id: UUID, query: ImageQuery, after: ImageKey | None) -> dict[str, Any]:
    sql, values = image_lists.statement(images.COLUMNS, OWNER, project_id, query, after, LIMIT)
    return plan_of(database, sql, values)


def index_of(plan: dict[str, Any]) -> str:
    return str(next(node["Index Name"] for node in nodes(plan) if "Index Name" in node))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (ImageQuery(), "images_of_project"),
        (ImageQuery(sort=ImageSort.OLDEST), "images_of_project"),
        (ImageQuery(sort=ImageSort.NAME), "images_by_name"),
        (ImageQuery(sort=ImageSort.LARGEST), "images_by_size"),
        (ImageQuery(sort=ImageSort.WELL), "images_by_place"),
        (ImageQuery(status=ImageState.WITHOUT_SEGMENTATION), "images_by_state"),
        (ImageQuery(well="A01"), "images_by_well"),
        (ImageQuery(condition="x"), "images_by_condition"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_filter_and_order_costs_the_same(
    writer_only: Database, projects: dict[int, UUID], query: ImageQuery, index: str
) -> None:
    first = PostgresImages(writer_only).search(a_viewer(), projects[100_000], query, None, LIMIT)
    plans = [
        searched(writer_only, projects[100], query, None),
        searched(writer_only, projects[100_000], query, None),
        searched(writer_only, projects[100_000], query, query.key_of(first[-1])),
    ]
    for plan in plans:
        assert plan["Actual Rows"] == LIMIT
        # One block per row at most, the way down the index, and the project's own row.
        assert blocks(plan) <= LIMIT + 12
        assert index_of(plan) in {index, "images_of_project"}, "every image here passes the filters"


@pytest.mark.parametrize(
    "query",
    [ImageQuery(tag="rare"), ImageQuery(name="w99999"), ImageQuery(name="no such")],
    ids=["tag", "name", "none"],
)
def test_few_among_many_are_found_by_their_keys(
    writer_only: Database, projects: dict[int, UUID], query: ImageQuery
) -> None:
    plan = searched(writer_only, projects[100_000], query, None)
    assert plan["Actual Rows"] <= 10
    assert index_of(plan) == "images_by_key"
    assert blocks(plan) <= 400  # of some 5,000
