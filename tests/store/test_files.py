"""Files written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sheaf.protocol.errors import StoreUnavailable
from sheaf.store.files import (
    exists,
    is_file,
    is_folder,
    reachable,
    write_atomically,
    write_together,
    written_whole,
)
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


def test_a_file_that_is_written_in_parts_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path, calls = tmp_path / "file", Calls()

    def write(content: bytes) -> None:
        with written_whole(path) as file:
            file.write(content)

    with counted(calls):
        write(b"old")
    assert calls.made == ["open", "write", "fsync", "replace", "fsync", "unlink"]
    for number, call in enumerate(calls.made, start=1):
        write(b"old")
        with counted(Calls(number)), pytest.raises(StoreUnavailable, match=str(path)):
            write(b"new")
        assert path.read_bytes() == (b"new" if number > 4 else b"old"), call


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    file, loop = tmp_path / "file", tmp_path / "loop"
    file.write_bytes(b"")
    loop.symlink_to(loop)
    nowhere = [tmp_path / "absent", file / "below", loop, tmp_path / ("n" * 300), Path("nul\0")]
    assert [exists(path) for path in (file, tmp_path, *nowhere)] == [True, True, *[False] * 5]
    assert [is_file(path) for path in (file, tmp_path, *nowhere)] == [True, *[False] * 6]
    assert [is_folder(path) for path in (file, tmp_path, *nowhere)] == [False, True, *[False] * 5]


@pytest.mark.parametrize("asks", [exists, is_file, is_folder])
def test_a_disk_that_does_not_answer_is_not_taken_for_an_empty_one(
    asks: Callable[[Path], bool], tmp_path: Path
) -> None:
    with counted(Calls(1, reads=True)), pytest.raises(StoreUnavailable, match="Input/output error"):
        asks(tmp_path)
