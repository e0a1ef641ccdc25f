"""What runs now, written for other processes: for attaching, for stopping, and for clearing up after a kill."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from infra_cdk.local.folders import DataFolder, Ports, write_private
from infra_cdk.local.processes import ProcessMark


@dataclass(frozen=True)
class CloudState:
    """One run of the local cloud.

    Args:
        starter: The process that runs it.
        children: Emulator and worker, by name.
        ports: Where everything listens.
        ready: Whether it can be used.
        outputs: Outputs of all stacks, by name.
        worker_restarts: How often the worker had to be started again.
    """

    starter: ProcessMark
    children: Mapping[str, ProcessMark]
    ports: Ports
    ready: bool = False
    outputs: Mapping[str, str] | None = None
    worker_restarts: int = 0

    def write(self, folder: DataFolder) -> None:
        """Let others read it."""
        write_private(folder.state, asdict(self))

    @classmethod
    def read(cls, folder: DataFolder) -> "CloudState | None":
        """The last run's, whether it still runs or was killed; None after a clean stop."""
        try:
            content = json.loads(folder.state.read_text())
        except FileNotFoundError:
            return None
        return cls(
            starter=_mark(content["starter"]),
            children={name: _mark(mark) for name, mark in content["children"].items()},
            ports=Ports(**content["ports"]),
            ready=content["ready"],
            outputs=content["outputs"],
            worker_restarts=content["worker_restarts"],
        )

    @property
    def runs(self) -> bool:
        """Whether the process that wrote it is still there."""
        return self.starter.process() is not None


def _mark(content: dict[str, Any]) -> ProcessMark:
    return ProcessMark(content["pid"], content["started_at"], tuple(content["words"]))
