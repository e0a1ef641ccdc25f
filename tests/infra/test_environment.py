"""Each process's environment in the template against what its settings read, both ways."""

from importlib import import_module
from typing import Any

import pytest

from spheroseg.settings import PREFIX, Settings
from tests.infra.stages import Synthesised

FUNCTIONS = (
    "accept_upload",
    "dead_letters",
    "http_api",
    "migrate_database",
    "push_updates",
    "requeue_stalled",
    "watch_updates",
    "work_on_projects",
)


def settings_of(process: str) -> type[Settings]:
    """The settings of a function or of the worker, by import root."""
    settings: type[Settings] = import_module(f"{process}.settings").Settings
    return settings


def check(given: dict[str, Any], settings: type[Settings]) -> None:
    """Nothing is given that nobody reads, nothing is read that is not given, and the values are taken."""
    ours = {name: value if isinstance(value, str) else "1" for name, value in given.items() if name.startswith(PREFIX)}
    required = {f"{PREFIX}{name.upper()}" for name, field in settings.model_fields.items() if field.is_required()}
    assert set(ours) <= settings.variables(), "given, but not read"
    assert required <= set(ours), "read, but not given"
    settings.from_env(ours)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_what_it_reads(stage: Synthesised, function: str) -> None:
    check(stage.functions()[function]["Environment"]["Variables"], settings_of(function))


def test_a_worker_is_given_what_it_reads(production: Synthesised) -> None:
    tasks = {stack: task for stack, _, task in production.resources("AWS::ECS::TaskDefinition")}
    for stack, module in {"segmentation": "segmentation_worker", "exports": "export_worker"}.items():
        (container,) = tasks.pop(stack)["ContainerDefinitions"]
        check({it["Name"]: it["Value"] for it in container["Environment"]}, settings_of(module))
    assert not tasks


def test_production_signs_links_by_the_edge_and_has_no_sign_in(production: Synthesised, local: Synthesised) -> None:
    given = production.functions()["http_api"]["Environment"]["Variables"]
    assert given["SPHEROSEG_LINKS"] == "cdn"
    assert {name for name in given if name.startswith("SPHEROSEG_CDN_")} == {
        "SPHEROSEG_CDN_DOMAIN",
        "SPHEROSEG_CDN_KEY_PAIR_ID",
        "SPHEROSEG_CDN_PRIVATE_KEY_SECRET_ARN",
    }
    assert given["SPHEROSEG_LOCAL_SIGN_IN"] == "false"
    assert given["SPHEROSEG_GRAPHQL_INTROSPECTION"] == "false"
    assert local.functions()["http_api"]["Environment"]["Variables"]["SPHEROSEG_GRAPHQL_INTROSPECTION"] == "true"
    assert local.functions()["http_api"]["Environment"]["Variables"]["SPHEROSEG_LINKS"] == "s3"


def test_only_functions_that_read_are_told_of_the_reader(stage: Synthesised) -> None:
    told = {
        name
        for name, properties in stage.functions().items()
        if "SPHEROSEG_DATABASE_READER_HOST" in properties["Environment"]["Variables"]
    }
    assert told == {"http_api"}


def test_no_secret_lies_in_an_environment(stage: Synthesised) -> None:
    for name, properties in stage.functions().items():
        for variable in properties["Environment"]["Variables"]:
            assert "PASSWORD" not in variable, name
            assert "SECRET" not in variable or variable.endswith("_SECRET_ARN"), name
