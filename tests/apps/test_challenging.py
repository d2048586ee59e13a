"""`sheaf challenge` where it cannot watch: one line, and the right exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sheaf.apps.cli.outcome import execute
from sheaf.apps.cli.progress import Progress
from sheaf.ledger.client import address_of
from sheaf.ledger.keys import KEY_VARIABLE
from sheaf.nodes.cast import STORE
from tests.ledger.chain import START, key_of
from tests.ledger.node import REMOTE, Node
from tests.nodes.outside import OUTSIDER, Scene, clocked, embedded

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scene, str]]:
    """A task that is over, in which everybody was honest, and its id."""
    with Node(version=REMOTE) as node, pytest.MonkeyPatch.context() as patch:
        node.automine, node.next_time = False, START
        payer = key_of("sponsor")
        scene = Scene(
            node.url, clocked(patch, node.url, payer), tmp_path_factory.mktemp("x"), payer
        )
        cast = scene.cast(lambda cast: None)
        played = scene.play(cast)
        assert played.summary["status"] == "settled"
        (start,) = played.watcher.starts
        assert start["task_id"] == f"0x{cast.task_id.hex()}"
        yield scene, start["task_id"]


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The outsider's key file; nobody waits for what does not answer."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr("sheaf.ledger.endpoint.PAUSES_S", ())
    monkeypatch.chdir(tmp_path)
    return written(tmp_path / "key", OUTSIDER)


def written(path: Path, key: bytes) -> Path:
    path.write_text(key.hex(), encoding="ascii")
    path.chmod(0o600)
    return path


def test_what_is_wrong_at_the_start_is_one_line(
    ended: tuple[Scene, str], key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, task = ended
    store, poor = str(scene.folder / "run" / STORE), written(tmp_path / "poor", b"\x66" * 32)
    chain, bytes_, mine = ["--ledger", scene.url], ["--store", store], ["--key", str(key)]
    whole = [task, *chain, *bytes_, *mine]
    cases = [
        (whole, 3, f"task {task}: found it over (DONE), and nothing is owed"),
        (["0x12", *chain, *bytes_, *mine], 2, "found '0x12', accepted: a task's id"),
        ([task, *chain, *mine], 2, "found 1 ledgers and 0 stores, accepted: at least one"),
        ([task, *chain, *bytes_], 3, "--key: found no key, accepted: a key file, or SHEAF_KEY"),
        ([task, *chain, *bytes_, "--key", str(poor)], 3, "is not funded: found 0 of token"),
        ([*whole, "--chain-id", "5"], 3, f"found chain 1337 at {scene.url}, accepted: 5"),
        ([f"0x{'12' * 32}", *chain, *bytes_, *mine], 3, "on chain 1337 at"),
        ([task, *chain, "--store", NOWHERE, *mine], 4, f"{NOWHERE}: "),
        ([task, *chain, "--store", str(tmp_path), *mine], 4, "found in none of"),
        ([task, "--ledger", NOWHERE, *bytes_, *mine], 4, f"{NOWHERE} does not answer"),
        ([task, "--ledger", "a.sqlite", *bytes_, *mine], 2, "--ledger: found no address, accepted"),
    ]
    for number, (arguments, code, told) in enumerate(cases):
        state = str(tmp_path / f"state-{number}")
        assert (execute(["challenge", *arguments, "--state", state]), arguments) == (
            code,
            arguments,
        )
        out, err = capsys.readouterr()
        assert out == ""
        *said, last = err.splitlines()
        assert told in last
        # Besides, who watches what, where that much was known.
        assert len(said) in (0, 2)
        assert OUTSIDER.hex() not in err


def test_another_endpoint_stands_in_for_one_that_does_not_answer(
    ended: tuple[Scene, str], key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, task = ended
    arguments = ["--ledger", NOWHERE, "--ledger", scene.url, "--key", str(key), "--format", "json"]
    store = str(scene.folder / "run" / STORE)
    assert execute(["challenge", task, "--store", store, *arguments]) == 3
    out, err = capsys.readouterr()
    first, second = (json.loads(line) for line in out.splitlines())
    assert first == {"event": "warning", "line": f"{NOWHERE} does not answer"}
    assert (second["event"], second["task"]) == ("watching", task)
    assert json.loads(err)["code"] == "task_ended"


def test_a_folder_is_for_one_watch(
    ended: tuple[Scene, str], key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, task = ended
    own = ["--ledger", scene.url, "--store", str(scene.folder / "run" / STORE), "--state", "mine"]
    assert execute(["challenge", task, *own, "--key", str(key)]) == 3
    capsys.readouterr()
    other = written(tmp_path / "other", scene.payer)
    assert execute(["challenge", task, *own, "--key", str(other)]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mine: found a watch over account '0x")
    assert address_of(OUTSIDER).hex() in line.lower()


def test_a_watch_refused_for_want_of_funds_binds_no_folder(
    ended: tuple[Scene, str], key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, task = ended
    own = ["--ledger", scene.url, "--store", str(scene.folder / "run" / STORE), "--state", "mine"]
    poor = written(tmp_path / "poor", b"\x66" * 32)
    assert execute(["challenge", task, *own, "--key", str(poor)]) == 3
    assert "is not funded" in capsys.readouterr().err
    assert execute(["challenge", task, *own, "--key", str(key)]) == 3
    assert "found it over (DONE), and nothing is owed" in capsys.readouterr().err


def test_a_run_tells_the_id_that_a_challenger_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(embedded(), tmp_path) as progress:
        progress.started({"task": "bafy", "task_id": "0x12"})
    assert "task bafy, on the ledger 0x12" in capsys.readouterr().err.splitlines()
