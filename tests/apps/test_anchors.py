"""Head hashes, files of addresses, key files: what is taken, and what is refused in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sheaf.apps.anchors import addresses, anchor, countersignatures, signing_key
from sheaf.protocol.errors import InvalidConfiguration, InvalidUsage, SheafError

FIRST, SECOND = "0x" + "11" * 20, "0x" + "22" * 20
MIXED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
"""The first example of EIP-55."""
KEY = "00" * 31 + "07"


def written(tmp_path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "file"
    path.touch(mode)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_nothing_anchors_nothing() -> None:
    assert (anchor(None, None).head, anchor(None, None).keys) == (None, ())


@pytest.mark.parametrize("text", ["ab" * 32, "0x" + "aB" * 32])
def test_a_head_is_64_hex_digits(text: str) -> None:
    assert anchor(text, None).head == b"\xab" * 32


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "0x", "xy" * 32, "ab" * 32 + "\n"])
def test_another_head_is_refused(text: str) -> None:
    with pytest.raises(InvalidUsage, match=r"^--head: found .*, accepted: 64 hex digits$"):
        anchor(text, None)


def test_addresses_are_one_a_line_with_comments(tmp_path: Path) -> None:
    text = f"# watchers\r\n{FIRST}\n\n  {MIXED}  # mixed\n\t0x{'AB' * 20}"
    assert addresses(written(tmp_path, text)) == (
        b"\x11" * 20,
        bytes.fromhex(MIXED[2:]),
        b"\xab" * 20,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "file: found no address, accepted: at least one"),
        ("# nobody\n", "file: found no address, accepted: at least one"),
        (f"{FIRST}\n{FIRST[:-1]}\n", f"file:2: found '{FIRST[:-1]}', accepted: an address"),
        (f"{FIRST} {SECOND}\n", "file:1: found '0x11"),
        (f"{FIRST[2:]}\n", "file:1: found '1111"),
        (MIXED.replace("aA", "Aa"), "file:1: found '0x5Aae"),
        (
            f"{FIRST}\n{SECOND}\n{FIRST}\n",
            "file:3: found the address of line 1 again, accepted: each once",
        ),
        (b"\xff\xfe", "file: found no text"),
    ],
)
def test_another_file_of_addresses_is_refused(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        addresses(written(tmp_path, text))
    assert told in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", [KEY, f"0x{KEY}\n"])
def test_a_key_file_is_its_owners_alone(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert signing_key(path) == bytes(31) + b"\x07"
    if os.name != "nt":
        path.chmod(0o640)
        with pytest.raises(InvalidConfiguration, match="found mode 0640, accepted: 0600") as caught:
            signing_key(path)
        assert caught.value.hint == f"chmod 600 {path}"


ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"


@pytest.mark.parametrize("text", ["", KEY[:-1], "00" * 32, ORDER, f"{KEY} {KEY}", "secret" * 9])
def test_a_file_of_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        signing_key(written(tmp_path, text))
    assert caught.value.message.endswith("file: found no key, accepted: 64 hex digits")
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for read in (addresses, signing_key):
        with pytest.raises(SheafError) as caught:
            read(tmp_path / "absent")
        assert caught.value.exit_code == 2
        assert caught.value.message.endswith("absent: cannot be read: No such file or directory")


def test_a_key_that_is_taken_for_something_else_is_not_shown(tmp_path: Path) -> None:
    """A key's file where addresses are wanted, and a key where its file is."""
    key = "5a" * 32
    for number, text in enumerate((key, f"0x{key}")):
        path = tmp_path / f"{number}"
        path.write_text(f"{text}\n", encoding="utf-8")
        with pytest.raises(InvalidConfiguration) as refused:
            addresses(path)
        assert refused.value.message.startswith(f"{path}:1: found 64 hex digits, accepted: an addr")
        with pytest.raises(InvalidUsage) as misplaced:
            signing_key(Path(text))
        found = "--key: found 64 hex digits, accepted: a file that holds them"
        assert misplaced.value.message == found


def test_a_key_with_more_behind_it_is_none(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text("5a" * 32 + "\n" * 5000 + "more", encoding="utf-8")
    with pytest.raises(InvalidConfiguration, match="found more than 4,096 characters"):
        signing_key(path)


def test_a_name_that_is_too_long_is_no_file() -> None:
    with pytest.raises(InvalidUsage, match="cannot be read: File name too long"):
        countersignatures(Path("x" * 300))
