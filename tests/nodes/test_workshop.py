"""The workshop's view of the task: decoded once, checked against its id every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheaf.nodes.workshop import published_task
from sheaf.protocol.errors import BlobCorrupt
from sheaf.store import DiskStore
from tests.e2e.tampering import place_of
from tests.nodes.stage import Played


def test_a_document_that_was_decoded_is_still_read(honest: Played, tmp_path: Path) -> None:
    run = honest.copy(tmp_path / "run")
    store, trail = DiskStore(run / "store"), honest.cast.nodes[0].state.trail
    found = published_task(store, trail)
    assert published_task(store, trail) is found
    place_of(run, found.cid).write_bytes(b"another document")
    with pytest.raises(BlobCorrupt, match=str(found.cid)):
        published_task(store, trail)
