"""Where `data.policy` points: a file beside the project's, of which only the hash is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheaf.apps.config import load
from sheaf.protocol.errors import InvalidConfiguration
from tests.apps.projects import write

# SHA-256 of "abc", FIPS 180-2, appendix B.1.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def policy(folder: Path, text: str) -> bytes | None:
    return load(write(folder, {"data.policy": f'"{text}"'}), {}, {}).data_policy


def test_the_hash_of_the_file_is_planned(tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_bytes(b"abc")
    assert policy(tmp_path, "policy.md") == bytes.fromhex(ABC)


def test_without_one_there_is_none(tmp_path: Path) -> None:
    assert policy(tmp_path, "") is None
    assert load(write(tmp_path, {}), {}, {}).data_policy is None


@pytest.mark.parametrize("text", ["absent.md", "."])
def test_what_is_no_file_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        policy(tmp_path, text)
    message = caught.value.message
    assert message.endswith(f"data.policy: found '{text}', accepted: a file's path")
    assert "\n" not in message
