"""Accounts, administration and the state in one look, from the command line against the real API over fakes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from spheroseg.domain.administration import DeadLetter, Person, QueueName
from spheroseg_client.account_commands import account
from spheroseg_client.admin_commands import admin
from spheroseg_client.command_line import app
from tests.builders import NOW
from tests.client.service import EMAIL, PASSWORD, Service

Run = Callable[..., Any]


@pytest.fixture
def run(service: Service, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command as the owner gives it; the JSON that it prints."""
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)

    def run(*words: object, status: int = 0) -> Any:
        result = CliRunner().invoke(app, [*map(str, words), "--json"])
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    return run


def test_a_profile_is_changed_and_new_projects_begin_with_its_pixel_size(run: Run) -> None:
    changed = run("account", "profile", "--name", "Ada", "--pixel-size", 0.65)
    assert run("account", "show") == changed
    assert (changed["name"], changed["pixel_size_um"]) == ("Ada", 0.65)
    project = run("projects", "create", "Day 7")
    assert (project["pixel_size_um"], project["pixel_size_source"]) == (0.65, "profile")
    assert run("account", "profile", "--pixel-size", 0)["pixel_size_um"] is None
    assert run("account", "usage")["stored_images"] == 0


def test_a_closed_account_is_signed_out_at_once(service: Service, run: Run) -> None:
    run("projects", "create", "Day 7")
    assert run("account", "delete", "--yes")["projects"] == 1
    assert run("account", "show", status=3)["error"]["code"] == "unauthenticated"
    assert not [it for it in service.world.projects.rows if it not in service.world.projects.deleted]


def test_administrators_change_quotas_and_tend_letters_and_others_find_nothing(service: Service, run: Run) -> None:
    assert run("admin", "queues", status=3)["error"]["code"] == "no-such-route"
    service.groups = "[admin]"
    service.world.directory.people[EMAIL] = Person(EMAIL, EMAIL, True, "CONFIRMED", True, NOW)
    letter = DeadLetter("letter-1", QueueName.UPDATES, "{}", NOW, 3, None)
    service.world.letters.dead[QueueName.UPDATES] = [letter]
    (user,) = run("admin", "users", "--search", "ada")
    assert run("admin", "user", EMAIL) == user
    assert run("admin", "quota", EMAIL, "--gib", 2)["usage"]["quota_bytes"] == 2 * 2**30
    assert run("admin", "user", "nobody@example.com", status=3)["error"]["code"] == "user-not-found"
    assert {it["name"]: it["dead_letters"]["waiting"] for it in run("admin", "queues")}["updates"] == 1
    assert [it["id"] for it in run("admin", "dead-letters", "updates")] == ["letter-1"]
    assert run("admin", "retry", "updates", "letter-1")["body"] == "{}"
    assert run("admin", "discard", "updates", "letter-1", "--yes", status=3)["error"]["code"] == "dead-letter-not-found"
    assert [it["action"] for it in run("admin", "actions")] == ["retry_dead_letter", "change_quota"]
    for words, shown in {"users": EMAIL, "queues": "project-work", "actions": "change_quota"}.items():
        result = CliRunner().invoke(app, ["admin", words])
        assert shown in result.stdout, result.output


def test_the_state_is_seen_in_one_look(service: Service, run: Run) -> None:
    run("projects", "create", "Day 7")
    found = run("status", "--api", service.url)
    assert (found["service"]["status"], found["queue"]["queued"], found["runs"]["running"]) == ("ready", 0, 0)
    assert found["usage"]["quota_images"] > 0
    result = CliRunner().invoke(app, ["status", "--api", service.url])
    assert "your quota" in result.stdout
    assert "ready" in result.stdout


@pytest.mark.parametrize(
    "words",
    [(group, it.name) for group, made in (("account", account), ("admin", admin)) for it in made.registered_commands],
    ids=" ".join,
)
def test_each_command_shows_an_example(words: tuple[str, str]) -> None:
    text = " ".join(CliRunner().invoke(app, [*words, "--help"]).output.split())
    assert f"Example: spheroseg {' '.join(words)}" in text
