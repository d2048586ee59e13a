"""A store that is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sheaf.store import DiskStore
from sheaf.store.serving import StoreServer
from tests.store.servers import MODEL, MODEL_ID, running


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[DiskStore, str]]:
    store = DiskStore(tmp_path)
    store.put(MODEL, MODEL_ID)
    with running(StoreServer(store)) as url:
        yield store, url
