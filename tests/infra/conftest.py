from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.stages import Synthesised

SYNTH_S = 300


@pytest.fixture(scope="session")
def without_layer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder like layers/dependencies that was never built, whatever this machine has built."""
    from infra_cdk.components import function

    folder = tmp_path_factory.mktemp("dependencies")
    (folder / "requirements.txt").write_bytes((function.DEPENDENCIES / "requirements.txt").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function, "DEPENDENCIES", folder)
        yield folder


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory, without_layer: Path) -> Synthesised:
    """The stage ``production``, with the rules of cdk-nag; made without account, network and layer."""
    from aws_cdk import Validations
    from cdk_nag import AwsSolutionsChecks

    from infra_cdk.app import build
    from infra_cdk.config import PRODUCTION

    folder = tmp_path_factory.mktemp("production")
    app = build(PRODUCTION, folder)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
        # What was found is in the report, which tests/infra/test_checks.py reads.
    return Synthesised.read("production", folder)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """The stage ``local``."""
    from infra_cdk.app import build
    from infra_cdk.config import LOCAL

    folder = tmp_path_factory.mktemp("local")
    build(LOCAL, folder).synth()
    return Synthesised.read("local", folder)


@pytest.fixture(scope="session", params=["production", "local"])
def stage(request: pytest.FixtureRequest) -> Synthesised:
    """Each stage in turn."""
    synthesised: Synthesised = request.getfixturevalue(request.param)
    return synthesised


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and {"production", "local", "stage"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("synth")
