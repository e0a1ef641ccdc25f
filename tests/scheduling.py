"""In which order, and by which of the processes, the suite's files are run."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

LONG = ("tests/flow/", "tests/worker/", "tests/local/", "tests/infra/", "tests/contract/")
"""Files that take long and mostly wait, longest first: at the end one process would wait for another one's."""

TOGETHER = ("tests/flow/", "tests/infra/")
"""Folders whose files one process runs: the cloud that flows share takes half a minute and a gigabyte to start, the
stages that tests of the infrastructure share take a quarter of a minute to synthesise."""


def rank(node_id: str) -> int:
    """Where a test's folder stands in the suite."""
    return next((place for place, folder in enumerate(LONG) if node_id.startswith(folder)), len(LONG))


class LongFirst(LoadFileScheduling):  # type: ignore[misc]  # xdist tells no types
    """By file, as ``--dist loadfile`` does, in the order of the collection; what shares a cloud is one file."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False  # else files of few tests come last, and those take longest
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        own = str(super()._split_scope(nodeid))
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), own)
