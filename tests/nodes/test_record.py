"""The record a run begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sheaf.nodes import record
from sheaf.protocol.errors import RunNotFound
from tests.nodes.plans import plan


def test_a_plan_comes_back_with_paths_that_hold_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, here = plan(), Path("project")
    ledger = replace(made.ledger, contracts=Path("book.json"))
    monkeypatch.chdir(tmp_path)
    record.write(tmp_path, replace(made, folder=here, initial=Path("../w"), ledger=ledger))
    monkeypatch.chdir("/")
    found = record.read(tmp_path)
    assert (found.folder, found.initial) == (tmp_path / "project", tmp_path.parent / "w")
    assert found.ledger.contracts == tmp_path / "book.json"
    whole = replace(found.ledger, contracts=None)
    assert replace(found, folder=made.folder, initial=None, ledger=whole) == made


def test_no_record_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match=r"found no run\.json"):
        record.read(tmp_path)
