"""The cache of assemblies: its key, and that nothing half made gets in."""

from pathlib import Path

import pytest

from infra_cdk.local.assembly import assembly_key, local_assembly
from infra_cdk.local.errors import LocalCloudError

APP = 'raise SystemExit("no such stage")'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    files = ["infra_cdk/app.py", "functions/http_api/entry.py", "layers/common/python/spheroseg/settings.py", "uv.lock"]
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True) if not path.parent.is_dir() else None
        path.write_text(APP)
    (root / "infra_cdk" / "__init__.py").touch()
    return root


def test_the_key_is_that_of_the_contents(root: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    root.rename(tmp_path / "was")
    before = assembly_key(tmp_path / "was")
    (tmp_path / "was").rename(twin)
    assert assembly_key(twin) == before


@pytest.mark.parametrize(
    "name", ["infra_cdk/app.py", "functions/http_api/entry.py", "layers/common/python/spheroseg/settings.py", "uv.lock"]
)
def test_any_input_changes_the_key(root: Path, name: str) -> None:
    before = assembly_key(root)
    (root / name).write_text("changed")
    assert assembly_key(root) != before


def test_a_new_name_changes_the_key(root: Path) -> None:
    before = assembly_key(root)
    (root / "functions/http_api/entry.py").rename(root / "functions/http_api/other.py")
    assert assembly_key(root) != before


@pytest.mark.parametrize(
    "name", ["infra_cdk/local/cloud.py", "functions/http_api/__pycache__/entry.pyc", "tests/test_it.py", "README.md"]
)
def test_what_is_in_no_assembly_does_not_change_the_key(root: Path, name: str) -> None:
    before = assembly_key(root)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("new")
    assert assembly_key(root) == before


def test_an_assembly_in_the_cache_is_taken(root: Path, tmp_path: Path) -> None:
    """The app of this repository would fail if it ran."""
    kept = tmp_path / "cache" / "assemblies" / assembly_key(root)
    kept.mkdir(parents=True)
    assert local_assembly(tmp_path / "cache", root) == kept


def test_an_app_that_fails_says_why_and_leaves_nothing(root: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(LocalCloudError, match="no such stage"):
        local_assembly(tmp_path / "cache", root, said.append)
    assert len(said) == 1
    assert not [path for path in (tmp_path / "cache" / "assemblies").iterdir() if path.is_dir()]


def test_few_assemblies_are_kept(root: Path, tmp_path: Path) -> None:
    (root / "infra_cdk" / "app.py").write_text("import sys, pathlib; pathlib.Path(sys.argv[-1]).mkdir()")
    for number in range(7):
        (root / "uv.lock").write_text(str(number))
        last = local_assembly(tmp_path / "cache", root)
    kept = [path for path in (tmp_path / "cache" / "assemblies").iterdir() if path.is_dir()]
    assert len(kept) == 5
    assert last in kept
