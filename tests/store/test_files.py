"""Files written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheaf.protocol.errors import StoreUnavailable
from sheaf.store.files import reachable, write_atomically, write_together
from tests.e2e.filecalls import Calls, counted


def test_a_file_is_replaced_whole_or_left_as_it_was(tmp_path: Path) -> None:
    """Whichever call fails: the old content until the rename, the new one after, and no rest."""
    path, calls = tmp_path / "file", Calls()
    with counted(calls):
        write_atomically(path, b"old")
    assert calls.made == ["open", "write", "fsync", "replace", "unlink", "fsync"]
    for number, call in enumerate(calls.made, start=1):
        write_atomically(path, b"old")
        with counted(Calls(number)), pytest.raises(StoreUnavailable, match=str(path)):
            write_atomically(path, b"new")
        assert path.read_bytes() == (b"new" if number > 4 else b"old"), call
        assert list(tmp_path.iterdir()) == [path]


def test_of_files_that_belong_together_none_is_replaced_where_one_cannot_be(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("page", "object", "map")]
    calls = Calls()
    with counted(calls):
        write_together(dict.fromkeys(paths, b"old"))
    made = ["open", "write", "fsync"] * 3 + ["replace"] * 3 + ["unlink"] * 3 + ["fsync"]
    assert calls.made == made
    for number in range(1, 11):
        with counted(Calls(number)), pytest.raises(StoreUnavailable, match=str(tmp_path)):
            write_together(dict.fromkeys(paths, b"new"))
        assert [path.read_bytes() for path in paths] == [b"old"] * 3
        assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_what_a_file_system_says_is_said_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught, reachable(tmp_path):
        (tmp_path / "absent").read_bytes()
    assert caught.value.message == f"{tmp_path}: No such file or directory"
    assert caught.value.exit_code == 4
