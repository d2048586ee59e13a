"""Files that somebody names on a command line: pipes, devices, and larger ones than are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import sheaf
from sheaf.apps.cli.outcome import execute
from sheaf.identity.envelope import MAX_ENVELOPE_BYTES
from sheaf.nodes.anchoring import FILE, read
from sheaf.protocol.errors import VerificationFailed

Capture = pytest.CaptureFixture[str]
COMMANDS: dict[str, tuple[list[str], int, int]] = {
    "--header": (["verify-model", "mine", "--attestation", "mine", "--header", "X"], 2**24, 2),
    "--attestation": (["verify-model", "mine", "--header", "mine", "--attestation", "X"], 0, 2),
    "--keys": (["verify", "RUN", "--keys", "X"], 2**20, 2),
    "--signatures": (["verify", "RUN", "--keys", "mine", "--signatures", "X"], 2**24, 2),
    "--statements": (["audit", "RUN", "--out", "out", "--statements", "X"], 2**20, 3),
    "--check": (["receipts", "--check", "X"], MAX_ENVELOPE_BYTES, 3),
}
"""With the most bytes that are read, and the exit code for more; 64 MiB in base64, and what stands
around it, of an attestation."""


@pytest.fixture
def asked(
    points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> Callable[[str, str], tuple[int, str]]:
    """What is said of a file in the place of an option's."""
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text("0x" + "11" * 20, encoding="ascii")

    def ask(option: str, file: str) -> tuple[int, str]:
        words = {"X": file, "RUN": str(points.folder)}
        code = execute([words.get(each, each) for each in COMMANDS[option][0]])
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        return code, err

    return ask


@pytest.mark.skipif(os.name == "nt", reason="no such pipes and devices there")
@pytest.mark.parametrize("option", COMMANDS)
def test_a_pipe_is_not_waited_for_and_a_device_not_read(
    option: str, asked: Callable[[str, str], tuple[int, str]]
) -> None:
    os.mkfifo("pipe")
    for file in ("pipe", "/dev/zero"):
        code, err = asked(option, file)
        assert code == 2
        assert f"{file}: found a pipe or a device, accepted: a file" in err


@pytest.mark.parametrize("option", COMMANDS)
def test_a_larger_file_is_refused(
    option: str, asked: Callable[[str, str], tuple[int, str]]
) -> None:
    _, most, expected = COMMANDS[option]
    most = most or 64 * 2**20 // 3 * 4 + 4096
    with open("large", "wb") as file:
        file.truncate(most + 1)
    code, err = asked(option, "large")
    assert code == expected
    assert f"large: found more than {most:,} bytes, accepted: fewer" in err


def test_a_run_s_countersignatures_are_bounded(tmp_path: Path) -> None:
    with (tmp_path / FILE).open("wb") as file:
        file.truncate(2**24 + 1)
    told = r"^countersignatures: countersignatures\.json has more than 16,777,216 bytes$"
    with pytest.raises(VerificationFailed, match=told):
        read(tmp_path)
