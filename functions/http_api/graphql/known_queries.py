"""Queries that are part of the release: clients name them by their SHA-256 and need not send them."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).with_name("known")


def known_queries() -> Mapping[str, str]:
    """The text of each query by the SHA-256 of its file, in hexadecimal digits."""
    contents = (path.read_bytes() for path in sorted(FOLDER.glob("*.graphql")))
    return {sha256(content).hexdigest(): content.decode() for content in contents}
