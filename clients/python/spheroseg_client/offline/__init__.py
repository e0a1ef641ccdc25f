"""Commands on files of this machine: they need no service, local or deployed, and start none.

They use the product's own measures and models (``spheroseg.imaging``, ``segmentation_worker``, ``training``), so that a
figure is the same whichever way it was made. Their libraries are the extra ``offline``.
"""

from collections.abc import Callable

import typer

from spheroseg_client.offline.compare import compare
from spheroseg_client.offline.evaluate import evaluate
from spheroseg_client.offline.export import export, import_
from spheroseg_client.offline.measure import measure
from spheroseg_client.offline.plot import plot
from spheroseg_client.offline.stats import stats
from spheroseg_client.offline.synthesize import synthesize
from spheroseg_client.offline.verify import verify

COMMANDS: dict[str, Callable[..., None]] = {
    "measure": measure,
    "plot": plot,
    "stats": stats,
    "compare": compare,
    "synthesize": synthesize,
    "evaluate": evaluate,
    "export": export,
    "import": import_,
    "verify": verify,
}
"""Name on the command line -> what it does; a module of this package each."""


def add_to(app: typer.Typer) -> None:
    """Give the command line these commands."""
    for name, command in COMMANDS.items():
        app.command(name)(command)
