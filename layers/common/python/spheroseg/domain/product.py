"""What this is a release of."""

VERSION = "0.1.0"
"""Of the distribution; where it is not installed, as in containers, its metadata is not there to be read."""
