"""What somebody owns that rows of the ownership matrices name, and the roles of others in it."""

from datetime import timedelta
from uuid import UUID, uuid4

from spheroseg.domain.access import Action, Role
from spheroseg.domain.export import ExportFile
from spheroseg.domain.image import ImageStatus, original_key
from spheroseg.domain.pages import Pages
from spheroseg.domain.project_copy import copy_of_project
from spheroseg.domain.project_job import ProjectJob
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.sharing import token_hash
from tests.builders import NOW, OWNER, STRANGER, a_run_batch, an_export, an_import, an_offer, an_order
from tests.functions.http_api.world import World

WRITE, MANAGE = Action.WRITE, Action.MANAGE
MEMBER = "6f1c1d1e-0000-4000-8000-00000000000c"
OTHER = "6f1c1d1e-0000-4000-8000-00000000000d"
EMAIL = "ada@example.com"
Named = UUID | dict[str, UUID | str]
"""What a path's place holders name; one id when there is one place holder."""


def project(world: World) -> Named:
    return world.a_project().id


def other_member(world: World) -> Named:
    shared = world.a_project()
    world.projects.members[shared.id, OTHER] = Role.VIEWER
    return {"project_id": shared.id, "user_id": OTHER}


def project_with_other_member(world: World) -> Named:
    other = other_member(world)
    assert isinstance(other, dict)
    return {"project_id": other["project_id"]}


def offer_of_project(world: World) -> Named:
    offer = world.sharing.offer(an_offer(world.a_project()))
    return {"project_id": offer.project_id, "offer_id": offer.id}


def own_invitation(world: World) -> Named:
    """For the address of whoever the tests call the owner, to somebody else's project."""
    world.people.emails |= {OWNER: EMAIL, MEMBER: "member@example.com", STRANGER: "stranger@example.com"}
    return world.sharing.offer(an_offer(world.a_project(owner_id=OTHER), email=EMAIL)).id


def own_job(world: World) -> Named:
    project = world.a_project()
    return world.jobs.begin_deletion(project, ProjectJob.deletion(project.id, OWNER, "correlation", NOW)).id


def own_duplication(world: World) -> Named:
    source = world.a_project()
    target = copy_of_project(source, uuid4(), OWNER, None, NOW)
    return world.copies.begin(target, ProjectJob.duplication(source.id, target.id, OWNER, "correlation", NOW)).id


def own_export(world: World) -> Named:
    export = an_export(world.a_project())
    world.exports.add(export)
    return export.id


def own_import(world: World) -> Named:
    """One whose file is there."""
    import_ = an_import(world.a_project(), upload_until=world.clock.now() + timedelta(hours=1))
    world.imports.add(import_)
    world.store.put(import_.key, b"{}", "application/json")
    return import_.id


def own_exported_file(world: World) -> Named:
    started = an_export(world.a_project()).started(1, world.clock.now())
    done = started.succeeded(ExportFile("measures.csv", 1, "0" * 64, "text/csv"), world.clock.now())
    world.exports.add(done)
    return done.id


def a_link(world: World) -> Named:
    """To somebody else's project; whoever has its token may take it, so that it names nobody's."""
    offer = an_offer(world.a_project(owner_id=OTHER), email=None, token_hash=token_hash("token"))
    return world.sharing.offer(offer).id


def image(world: World) -> Named:
    return world.an_image().id


def uploaded_image(world: World) -> Named:
    waiting = world.an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.store.put(original_key(waiting.id), b"pixels", "image/tiff")
    return waiting.id


def large_image(world: World) -> Named:
    return world.an_image(status=ImageStatus.AWAITING_UPLOAD, size_bytes=100_000_001).id


def stack(world: World) -> Named:
    return world.an_image(pages=Pages(3)).id


def queued_run(world: World) -> Named:
    return world.a_run(status=SegmentationStatus.QUEUED).id


def finished_run(world: World) -> Named:
    return world.a_succeeded_run().id


def edited_run(world: World) -> Named:
    run = world.a_succeeded_run()
    world.edited(run)
    return run.id


def revision(world: World) -> Named:
    run_id = edited_run(world)
    assert isinstance(run_id, UUID)
    return {"segmentation_id": run_id, "number": "1"}


def first_revision(world: World) -> Named:
    edited = revision(world)
    assert isinstance(edited, dict)
    return {**edited, "number": "0"}


def two_runs(world: World) -> Named:
    first = world.a_succeeded_run()
    image = world.images.get(first.image_id)
    second = world.a_run(image, status=SegmentationStatus.SUCCEEDED, order=an_order(model="other"))
    return {"segmentation_id": first.id, "other_id": second.id}


def batch(world: World) -> Named:
    run_batch = a_run_batch(world.a_project())
    return world.batches.start(run_batch, []).id


def give_roles(world: World, role: Role) -> None:
    for project_id in world.projects.rows:
        world.projects.members[project_id, MEMBER] = role
