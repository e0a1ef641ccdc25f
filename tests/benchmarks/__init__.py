"""Ratios against a named baseline in the same run: ``uv run pytest -m benchmark --record docs/results.md``."""
