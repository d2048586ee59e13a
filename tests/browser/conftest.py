"""What was measured is told at the end, whether it was in time or not."""

from __future__ import annotations

import pytest

MEASURED: dict[str, str] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, value in MEASURED.items():
        terminalreporter.write_line(f"{what}: {value}")
