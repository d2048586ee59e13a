"""The code bundle: its digest, and what calling into it can go wrong with."""

from __future__ import annotations

import hashlib
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


CALLS = {
    "main:absent": "main:absent: found no function 'absent' in main.py; accepted: one, raises",
    "other:one": "other: found no other.py in",
    "main:one": "main:one: found the signature (a); accepted: 2 positional arguments",
    "main:raises": "main:raises: raised ValueError: a long story",
    "bad:f": "bad.py: importing it raised ZeroDivisionError: division by zero",
}
SOURCE = """
def one(a):
    return a

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
