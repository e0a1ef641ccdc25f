"""Folders that PostgreSQL's account can enter, which pytest's own are not when root runs the tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="spheroseg-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
