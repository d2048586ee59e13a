"""Notebooks are kept as they are before they run: what they show is seen by running them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.tidy.source import Source


def kept_outputs(source: Source) -> Iterator[str]:
    """Cells with outputs, a count, or times of an execution."""
    if not source.path.endswith(".ipynb"):
        return
    for number, cell in enumerate(json.loads(source.text)["cells"], 1):
        left = [key for key in ("outputs", "execution_count", "metadata") if cell.get(key)]
        if left:
            yield f"1: cell {number} holds {', '.join(left)}; clear what running it left"
