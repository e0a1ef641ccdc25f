"""Options of the whole suite, the servers that its parts share, and a wall between it and the user's own AWS account."""

import os
import sys
from collections.abc import Iterator, Mapping

import pytest
from xdist.remote import Producer

from infra_cdk.local.emulator import NO_ACCOUNT
from tests.emulator import running_emulator
from tests.postgres import Servers, running_servers
from tests.scheduling import LongFirst, rank

KEPT = {"AWS_CA_BUNDLE", "SPHEROSEG_SCHEMA_EXAMPLES"}
"""What says where the machine is, and how much the tests are to try."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        metavar="FILE",
        default=None,
        help="append the benchmarks' table to this file, such as docs/results.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Forget the user's AWS account and our own settings, but for tests of a deployed stage."""
    # Images of containers often set it. Every process of every run would compile the tests and all that they start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if "deployed" in (config.getoption("markexpr") or "").replace("not deployed", ""):
        return
    for name in [name for name in os.environ if name.startswith(("AWS_", "SPHEROSEG_", "POWERTOOLS_"))]:
        if name not in KEPT:
            del os.environ[name]
    os.environ.update(NO_ACCOUNT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first."""
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LongFirst | None:
    """Ours in place of ``--dist loadfile``, xdist's own for any other."""
    return LongFirst(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A PostgreSQL primary and its standby."""
    with running_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def emulator() -> Iterator[Mapping[str, str]]:
    """The emulator of AWS; what an SDK's environment must hold to find it."""
    with running_emulator() as environment:
        yield environment


@pytest.fixture
def aws(emulator: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment of a process that runs against the emulator, as the deployed one runs against AWS."""
    for name, value in emulator.items():
        monkeypatch.setenv(name, value)
    return emulator
