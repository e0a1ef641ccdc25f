"""Projects and sharing from Python and from the command line, against the real API over fakes."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.errors import ApiError
from spheroseg_client.project_commands import projects
from spheroseg_client.share_commands import share
from tests.client.service import EMAIL, PASSWORD, Service

BO = "bo@example.com"
Run = Callable[..., Any]


@pytest.fixture
def bo(service: Service) -> Iterator[Client]:
    """Somebody else, with a verified address."""
    assert service.world.sign_in is not None
    service.world.sign_in.sign_up(BO, PASSWORD)
    service.world.people.emails[BO] = BO  # the service takes addresses for ids
    with Client(service.url, email=BO, password=PASSWORD) as client:
        yield client


@pytest.fixture
def run(service: Service, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command as the owner gives it; the JSON that it prints."""

    def run(*words: object, person: str = EMAIL, text: str = "", status: int = 0) -> Any:
        for name, value in {"EMAIL": person, "PASSWORD": PASSWORD, "API": service.url}.items():
            monkeypatch.setenv(f"SPHEROSEG_{name}", value)
        result = CliRunner().invoke(app, [*map(str, words), "--json"], input=text)
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    return run


def test_a_project_is_made_changed_and_archived(run: Run) -> None:
    made = run("projects", "create", "Day 7", "--pixel-size", 0.65, "--tag", "control")
    changed = run("projects", "change", "Day 7", "--name", "Day 8", "--description", "HT-29", "--no-tags")
    assert changed | {"updated_at": None} == made | {
        "name": "Day 8",
        "description": "HT-29",
        "tags": [],
        "version": 2,
    }
    assert run("projects", "archive", made["id"])["archived_at"]
    assert run("projects", "change", "Day 8", "--name", "x", status=3)["error"]["code"] == "project-archived"
    assert run("projects", "list", "--active") == []
    assert [it["id"] for it in run("projects", "list", "--archived")] == [made["id"]]
    assert run("projects", "unarchive", "Day 8")["archived_at"] is None
    assert run("projects", "stats", "Day 8")["images"]["completed"] == 0
    job = run("projects", "delete", "Day 8", "--yes")
    assert (job["kind"], run("projects", "job", job["id"])["status"]) == ("delete", "queued")
    assert run("projects", "list") == []
    assert run("projects", "show", "Day 7", status=3)["error"]["code"] == "project-not-found"


def test_a_project_is_duplicated_followed_and_the_copy_cancelled(service: Service, run: Run) -> None:
    project = run("projects", "create", "Day 7")["id"]
    job = run("projects", "duplicate", "Day 7", "--name", "Day 7b")
    assert (job["kind"], job["project_id"], job["status"]) == ("duplicate", project, "queued")
    assert [it["name"] for it in run("projects", "list")] == ["Day 7"]
    service.world.use_cases().work_on_project(UUID(job["id"]))
    assert run("projects", "job", job["id"], "--wait")["status"] == "succeeded"
    assert run("projects", "show", "Day 7b")["id"] == job["target_project_id"]
    second = run("projects", "duplicate", "Day 7")
    assert run("projects", "cancel-job", second["id"])["status"] == "undoing"
    service.world.use_cases().work_on_project(UUID(second["id"]))
    assert run("projects", "job", second["id"])["status"] == "cancelled"
    assert run("projects", "cancel-job", job["id"], status=3)["error"]["code"] == "illegal-move"


def test_a_name_that_several_have_is_refused(run: Run) -> None:
    for _ in range(2):
        run("projects", "create", "Day 7")
    assert "2 projects" in run("projects", "show", "Day 7", status=3)["error"]["detail"]


def test_a_project_is_shared_changed_and_handed_over(run: Run, bo: Client) -> None:
    project = run("projects", "create", "Day 7")["id"]
    offer = run("share", "invite", "Day 7", "Bo@Example.com", "--role", "editor", "--hours", 24)
    assert (offer["role"], offer["email"]) == ("editor", BO)
    assert [it["id"] for it in run("share", "offers", "Day 7")] == [offer["id"]]
    (invitation,) = run("share", "invitations", person=BO)
    assert run("share", "accept", invitation["id"], person=BO)["role"] == "editor"
    members = run("share", "members", "Day 7")
    assert [(it["role"], it["email"]) for it in members] == [("owner", None), ("editor", BO)]
    user = members[1]["user_id"]
    assert run("share", "role", "Day 7", user, "viewer")["role"] == "viewer"
    assert run("projects", "change", project, "--name", "x", person=BO, status=3)["error"]["code"] == "role-too-low"
    assert run("share", "transfer", "Day 7", user)["role"] == "editor"
    assert bo.project(project).role == "owner"
    run("share", "leave", "Day 7")
    assert run("projects", "list") == []


def test_a_link_is_made_taken_and_withdrawn(run: Run, bo: Client) -> None:
    project = run("projects", "create", "Day 7")["id"]
    link = run("share", "link", "Day 7")
    assert run("share", "accept-link", "-", person=BO, text=link["token"] + "\n")["role"] == "viewer"
    user = run("share", "members", "Day 7")[1]["user_id"]
    run("share", "remove", "Day 7", user)
    with pytest.raises(ApiError) as removed:
        bo.accept_link(link["token"])
    assert removed.value.code == "offer-not-found"
    run("share", "withdraw", "Day 7", link["id"])
    assert run("share", "offers", project) == []
    offer = run("share", "invite", "Day 7", BO)
    run("share", "decline", offer["id"], person=BO)
    assert run("share", "accept", offer["id"], person=BO, status=3)["error"]["code"] == "offer-not-found"


def test_a_change_of_what_somebody_else_changed_is_refused(client: Client) -> None:
    project = client.create_project("Day 7", tags=["a"])
    client.change_project(project.id, {"name": "Day 8"}, seen=project)
    with pytest.raises(ApiError) as refused:
        client.change_project(project.id, {"name": "Day 9"}, seen=project)
    assert refused.value.code == "version-mismatch"
    assert client.project(project.id).name == "Day 8"


@pytest.mark.parametrize(
    "words",
    [
        (group, command.name)
        for group, made in (("projects", projects), ("share", share))
        for command in made.registered_commands
    ],
    ids=" ".join,
)
def test_each_command_shows_an_example(words: tuple[str, str]) -> None:
    text = " ".join(CliRunner().invoke(app, [*words, "--help"]).output.split())
    assert f"Example: {'echo $LINK_TOKEN | ' if words[1] == 'accept-link' else ''}spheroseg {' '.join(words)}" in text


def test_people_see_tables(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("projects", "create", "Day 7", "--tag", "control")
    run("share", "link", "Day 7")
    for words, shown in {
        ("projects", "list"): "control",
        ("projects", "show", "Day 7"): "pixel size um",
        ("projects", "stats", "Day 7"): "none",
        ("share", "members", "Day 7"): "owner",
        ("share", "offers", "Day 7"): "whoever has the link",
        ("share", "invitations"): "project",
    }.items():
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        assert shown in result.stdout
