"""Finding anvil, starting what is found, and that it ends with its owner, however that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sheaf.ledger import anvil
from sheaf.ledger.anvil import Anvil
from sheaf.protocol.errors import LedgerUnavailable

CHATTY = """#!{python}
# Its end of the pipe is open as long as it lives, and it says more than anybody wants to hear.
alive = open({alive!r}, "w")
print("Listening on 127.0.0.1:7", flush=True)
while True:
    print("a request came " * 100, flush=True)
"""


def program(folder: Path, text: str = "#!/bin/sh\n") -> Path:
    """An executable where npm puts anvil's."""
    path = folder / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def chatty(tmp_path: Path) -> tuple[Path, Path]:
    """A program that goes on for ever, and a pipe that ends when it does."""
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    return program(tmp_path, CHATTY.format(python=sys.executable, alive=str(alive))), alive


def test_it_is_found_here_above_and_in_contracts(tmp_path: Path) -> None:
    inner = tmp_path / "project" / "deep"
    inner.mkdir(parents=True)
    assert anvil.find(inner, "") is None
    outer = program(tmp_path / "contracts")
    assert anvil.find(inner, "") == outer
    nearer = program(tmp_path / "project")
    assert anvil.find(inner, "") == nearer
    nearer.chmod(0o644)
    assert anvil.find(inner, "") == outer


def test_it_is_found_on_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "anvil").write_text("#!/bin/sh\n")
    (folder / "anvil").chmod(0o755)
    assert anvil.find(tmp_path, str(folder)) == folder / "anvil"


def test_where_there_is_none_the_line_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="found no anvil") as caught:
        anvil.require(tmp_path, "")
    assert caught.value.hint == "npm install @foundry-rs/anvil, or install Foundry"
    assert caught.value.exit_code == 4


def test_it_listens_on_this_machine_alone() -> None:
    chosen = anvil.options(chain_id=7, port=1)
    assert chosen[chosen.index("--host") + 1] == "127.0.0.1"
    assert chosen[chosen.index("--chain-id") + 1] == "7"
    assert chosen[chosen.index("--hardfork") + 1] == "cancun"
    assert "--timestamp" not in chosen
    assert anvil.options(chain_id=7, timestamp=9)[-2:] == ["--timestamp", "9"]
    assert anvil.options(chain_id=7, block_time_s=0.5)[-2:] == ["--block-time", "0.5"]


def test_what_does_not_start_says_what_it_said(tmp_path: Path) -> None:
    silly = program(tmp_path, "#!/bin/sh\necho wrong  option\necho $1 >&2\n")
    with pytest.raises(LedgerUnavailable) as caught:
        Anvil(silly, ["--nonsense"])
    assert caught.value.message == "anvil did not start: wrong option --nonsense"


def test_it_talks_on_and_ends_when_it_is_closed(chatty: tuple[Path, Path]) -> None:
    path, alive = chatty
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(alive.read_text)
        with Anvil(path, []) as running:
            assert running.url == "http://127.0.0.1:7"
            assert not ended.done()
        assert ended.result(timeout=30) == ""


OWNER = """
import sys
from pathlib import Path
from sheaf.ledger.anvil import Anvil
running = Anvil(Path(sys.argv[1]), [])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_an_owner_that_dies(
    chatty: tuple[Path, Path], how: signal.Signals
) -> None:
    path, alive = chatty
    command = [sys.executable, "-c", OWNER, str(path)]
    with (
        ThreadPoolExecutor(1) as threads,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner,
    ):
        ended = threads.submit(alive.read_text)
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        assert not ended.done()
        owner.send_signal(how)
        assert ended.result(timeout=30) == ""
