"""Which chain the contracts' tests run on: `pytest --engine anvil`, as `make rpc` does; and whether
the report is opened in a browser: `pytest --browser`, as `make browser` does."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.engines import CHOSEN, ENGINES, RUNNING

NEEDS_ANVIL = Path(__file__).parent / "rpc"
NEEDS_CHROMIUM = Path(__file__).parent / "browser"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=ENGINES, default=ENGINES[0], help="of the contracts")
    parser.addoption("--browser", action="store_true", help="with Node, npm and Chromium")


def pytest_configure(config: pytest.Config) -> None:
    # What a shell puts into the background ignores interrupts, and so would all processes that the
    # tests start, those that are to be interrupted among them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    CHOSEN[:] = [config.getoption("--engine")]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What needs a real anvil or a browser is not part of the suite that needs Python alone."""
    without = {
        NEEDS_ANVIL: config.getoption("--engine") != "anvil",
        NEEDS_CHROMIUM: not config.getoption("--browser"),
    }
    return True if without.get(collection_path) else None


def pytest_unconfigure() -> None:
    while RUNNING:
        RUNNING.pop().close()
