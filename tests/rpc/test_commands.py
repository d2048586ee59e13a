"""`sheaf ledger` as a person uses it, on a real anvil: start, deploy twice, look, Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SHEAF = [sys.executable, "-c", "from sheaf.apps.cli import main; main()"]


@pytest.fixture
def started() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A development chain, and its endpoint."""
    command = [*SHEAF, "ledger", "start", "--port", "0", "--chain-id", "77", "--format", "json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = "".join(process.stdout.readline() for _ in range(4))
        plain = json.loads(told)
        assert plain["chain_id"] == 77
        yield process, plain["url"]
        process.kill()


def sheaf(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*SHEAF, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_chain_is_started_deployed_to_and_ended(
    started: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, url = started
    arguments = ("ledger", "deploy", "--url", url, "--out", "book.json", "--format", "json")
    made, again = (json.loads(sheaf(tmp_path, *arguments).stdout) for _ in range(2))
    assert made == {**again, "changed": True}
    assert again["changed"] is False
    looked = sheaf(tmp_path, "ledger", "info", "--url", url, "--book", "book.json")
    assert looked.returncode == 0
    assert "as written" in looked.stdout
    gift = ("--token", made["stake_token"], "--tokens", "5", "--ether", "1", "--url", url)
    given = sheaf(tmp_path, "ledger", "fund", "0x" + "11" * 20, *gift)
    assert (given.returncode, given.stderr) == (0, "")
    assert given.stdout == f"0x{'11' * 20} got 5 STAKE and 1 ETH\n"

    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr is not None
    told = json.loads(process.stderr.read())
    assert told["message"] == f"interrupted; the chain at {url} is gone"
    place = urlsplit(url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname or "", place.port or 0), 10)


def test_what_the_operators_guide_says(
    started: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    guide = (ROOT / "docs" / "guides" / "operator.md").read_text("utf-8")
    start, *lines = re.findall(r"^    (sheaf ledger .*)$", guide, re.MULTILINE)
    assert start.startswith("sheaf ledger start ")
    assert [line.split()[2] for line in lines] == ["deploy", "info"]
    for line in lines:
        assert "http://127.0.0.1:8545 " in line
        _, *arguments = line.replace("http://127.0.0.1:8545", started[1]).split()
        done = sheaf(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr


def test_a_port_in_use_is_one_line(started: tuple[subprocess.Popen[str], str]) -> None:
    _, url = started
    ended = sheaf(ROOT, "ledger", "start", "--port", str(urlsplit(url).port))
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.startswith("anvil did not start: ")
    assert len(ended.stderr.splitlines()) == 1
