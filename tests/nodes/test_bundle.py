"""The code bundle: its digest, and what calling into it can go wrong with."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from sheaf.nodes.bundle import Bundle
from sheaf.protocol.errors import InvalidConfiguration, InvalidData


def bundle(folder: Path, **files: str) -> Bundle:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Bundle.load(folder)


def test_the_digest_is_over_paths_and_contents_in_order(tmp_path: Path) -> None:
    found = bundle(tmp_path, b="2", a="1", sub__c="3")
    expected = hashlib.sha256()
    for name, text in (("a.py", b"1"), ("b.py", b"2"), ("sub/c.py", b"3")):
        expected.update(len(name).to_bytes(4, "big") + name.encode())
        expected.update(hashlib.sha256(text).digest())
    assert found.digest == expected.digest()


def test_hidden_and_compiled_files_are_not_the_task(tmp_path: Path) -> None:
    plain = bundle(tmp_path, a="1").digest
    assert bundle(tmp_path, **{".sheaf__b": "2", "__pycache____c": "3"}).digest == plain
    assert bundle(tmp_path, d="4").digest != plain


def test_files_of_a_bundle_import_each_other(tmp_path: Path) -> None:
    files = {"sheaf_test_part": "def two():\n    return 2\n"}
    main = "from sheaf_test_part import two\n\ndef four():\n    return two() + two()\n"
    assert bundle(tmp_path, main=main, **files).call("main:four") == 4


PART = "def two():\n    return {}\n"
MAIN = "from sheaf_test_half import two\n\ndef four():\n    return two() + two()\n"
LATE = "def four():\n    from sheaf_test_late import two\n    return two() + two()\n"


@pytest.mark.parametrize(
    ("main", "part"),
    [(MAIN, "sheaf_test_half"), (LATE, "sheaf_test_late")],
    ids=["at once", "in a function"],
)
def test_each_bundle_imports_its_own_files(tmp_path: Path, main: str, part: str) -> None:
    first = bundle(tmp_path / "first", main=main, **{part: PART.format(2)})
    second = bundle(tmp_path / "second", main=main, **{part: PART.format(3)})
    assert [each.call("main:four") for each in (first, second, first)] == [4, 6, 4]
    # As in a notebook, where a project is edited and run again.
    edited = bundle(tmp_path / "first", **{part: PART.format(5)})
    assert edited.digest != first.digest
    assert edited.call("main:four") == 10


def test_code_that_runs_outside_of_a_call_imports_and_fails_as_in_one(tmp_path: Path) -> None:
    late = "def maker():\n    def two():\n        import sheaf_test_later as later\n"
    main = f"{late}        return later.two()\n    return two\n"
    found = bundle(tmp_path, main=main, sheaf_test_later=PART.format(2))
    two = found.call("main:maker")
    with pytest.raises(ModuleNotFoundError):
        two()
    with found.running():
        assert two() == 2
    with pytest.raises(InvalidConfiguration) as caught, found.running():
        raise KeyError("a\nb")
    assert caught.value.message == r"the installed code raised KeyError: 'a\nb'"
    with pytest.raises(InvalidData), found.running():
        raise InvalidData("ours")


def test_the_same_code_elsewhere_reads_what_lies_there(tmp_path: Path) -> None:
    main = "from pathlib import Path\n\ndef read():\n    return Path(__file__).parent.name\n"
    here, there = (bundle(tmp_path / name, main=main) for name in ("here", "there"))
    assert here.digest == there.digest
    assert [each.call("main:read") for each in (here, there)] == ["here", "there"]


def test_importing_leaves_the_path_as_it_was_and_nothing_in_the_project(tmp_path: Path) -> None:
    before = list(sys.path)
    found = bundle(tmp_path, main=LATE, sheaf_test_late=PART.format(2))
    assert found.call("main:four") == 4
    assert sys.path == before
    assert {path.name for path in tmp_path.rglob("*")} == {"main.py", "sheaf_test_late.py"}


CALLS = {
    "main:absent": "main:absent: found no function 'absent' in main.py; accepted: end, one, raises",
    "other:one": "other: found no other.py in",
    "main:one": "main:one: found the signature (a); accepted: 2 positional arguments",
    "main:raises": "main:raises: raised ValueError: a long story",
    "main:end": "main:end: raised SystemExit: 3",
    "bad:f": "bad.py: importing it raised ZeroDivisionError: division by zero",
}
SOURCE = """
def one(a):
    return a

def end(a, b):
    raise SystemExit(3)

def _own():
    pass

def raises(a, b):
    raise ValueError("a long\\n   story")
"""


@pytest.mark.parametrize("entry", CALLS)
def test_what_cannot_be_called_is_one_clear_line(entry: str, tmp_path: Path) -> None:
    found = bundle(tmp_path, main=SOURCE, bad="1 / 0")
    with pytest.raises(InvalidConfiguration) as caught:
        found.call(entry, 1, 2)
    assert caught.value.message.startswith(CALLS[entry])
    assert "\n" not in caught.value.message


def test_an_error_of_ours_passes_as_it_is(tmp_path: Path) -> None:
    source = (
        "from sheaf.protocol.errors import InvalidData\n\ndef f():\n    raise InvalidData('x')\n"
    )
    with pytest.raises(InvalidData):
        bundle(tmp_path, ours=source).call("ours:f")


def test_a_folder_without_python_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration):
        Bundle.load(tmp_path)
