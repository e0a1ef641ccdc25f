"""Options of the whole suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        metavar="FILE",
        default=None,
        help="append the benchmarks' table to this file, such as docs/results.md",
    )
