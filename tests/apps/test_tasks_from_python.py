"""`sheaf.verify(TASK, ...)`, and the countersignatures of a task, whose folder nobody has."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

import sheaf
from sheaf.apps.cli.outcome import execute
from sheaf.apps.countersigning import countersigned
from sheaf.apps.subjects import About, Case, Subject
from sheaf.ledger.client import address_of
from sheaf.nodes.anchoring import Anchor, Countersignature
from sheaf.protocol.errors import InvalidUsage, StoreUnavailable, VerificationFailed
from sheaf.store import DiskStore
from sheaf.store.serving import StoreServer
from tests.store.servers import running

Capture = pytest.CaptureFixture[str]
SIGNER = b"\x05" * 32
FILES = ("mine.json", "countersignatures.json")


@pytest.fixture
def task(points: sheaf.RunResult) -> str:
    return f"0x{points.summary['task_id']}"


@pytest.fixture
def away(points: sheaf.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a ledger's file, the run's countersignatures and all who made them."""
    for name in ("ledger.sqlite", "countersignatures.json"):
        shutil.copy(points.folder / name, tmp_path)
    signed = json.loads((tmp_path / "countersignatures.json").read_text("utf-8"))
    accounts = [each["address"] for each in signed["countersignatures"]]
    (tmp_path / "keys").write_text("\n".join(accounts), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edited(folder: Path, change: Any) -> None:
    """The file of countersignatures with a change to its list, as an editor would leave it."""
    file = folder / "countersignatures.json"
    plain = json.loads(file.read_text("utf-8"))
    change(plain["countersignatures"])
    file.write_text(json.dumps(plain), encoding="utf-8")


def test_a_task_gives_the_same_result_as_its_run(
    points: sheaf.RunResult, away: Path, task: str
) -> None:
    with running(StoreServer(DiskStore(points.folder / "store"))) as url:
        found = sheaf.verify(task, ledger=[away / "ledger.sqlite"], store=[url], receipts=True)
        light = sheaf.verify(task, ledger="ledger.sqlite", store=url, light=True, round=1)
    assert isinstance(found, sheaf.VerificationResult)
    assert (found.kind, found.name, found.run) == ("task", task, None)
    assert (found.head, found.anchored, found.finished) == (points.head, False, True)
    of_run = sheaf.verify(points, receipts=True)
    assert (of_run.kind, of_run.name) == ("run", points.id)
    assert of_run.run is not None
    assert of_run.run.folder == points.folder
    for name in ("specification", "commitments", "aggregations", "receipts"):
        both = [[c for c in result.checks if c.name == name] for result in (found, of_run)]
        assert both[0] == both[1] != [], name
    assert repr(found).startswith(f"verified: consistent, not anchored  task {task}\n")
    assert f"<caption>task {task}: consistent" in found._repr_html_()
    assert any("rounds other than 1" in limit for limit in light.limits)


def test_what_is_done_is_noted_and_shared(points: sheaf.RunResult, away: Path, task: str) -> None:
    evidence: dict[str, Any] = {"ledger": "ledger.sqlite", "store": points.folder / "store"}
    with pytest.raises(InvalidUsage, match="--state: found no folder mine, accepted"):
        sheaf.verify(task, **evidence, state="mine/notes.json")
    (away / "mine").mkdir()
    first = sheaf.verify(task, **evidence, state="mine/notes.json", jobs=2)
    again = sheaf.verify(task, **evidence, state=away / "mine" / "notes.json", jobs=2)
    assert len([*(away / "mine").iterdir()]) == 2
    assert not any("an earlier verification" in limit for limit in first.limits)
    assert len([limit for limit in again.limits if "an earlier verification" in limit]) == 2
    with pytest.raises(InvalidUsage, match="--state: found a file in the run's folder"):
        sheaf.verify(points, state=points.folder / "notes.json")


def test_no_ledger_is_left_out_for_what_is_kept(
    points: sheaf.RunResult, away: Path, task: str
) -> None:
    """`enough` is about ledgers, and not about a file of one's own."""
    shutil.copy("ledger.sqlite", "another.sqlite")
    (away / "mine").mkdir()
    evidence: dict[str, Any] = {
        "ledger": ["ledger.sqlite", "another.sqlite"],
        "store": points.folder / "store",
        "state": "mine/notes.json",
        "enough": 1,
    }
    kept = f"blocks 1 to {points.summary['blocks']} give what the ledger says"
    told = [sheaf.verify(task, **evidence).limits for _ in range(2)]
    assert [any(kept in limit for limit in limits) for limits in told] == [False, True]
    (copy,) = (away / "mine").glob("*.sqlite")
    copy.unlink()
    copy.mkdir()
    with pytest.raises(StoreUnavailable, match=r"mine.notes\.json-"):
        sheaf.verify(task, **evidence)


def test_a_task_s_head_is_demanded(points: sheaf.RunResult, away: Path, task: str) -> None:
    places: dict[str, Any] = {"ledger": "ledger.sqlite", "store": points.folder}
    assert sheaf.verify(task, head=points.head, **places).anchored
    with pytest.raises(VerificationFailed, match=r"^ledger\.sqlite: head: found no block 0000"):
        sheaf.verify(task, head="00" * 32, **places)


def test_what_belongs_to_the_other_kind_is_refused(
    points: sheaf.RunResult, away: Path, task: str
) -> None:
    with pytest.raises(InvalidUsage, match="found an option of a task, accepted: those of a run"):
        sheaf.verify(points, store=points.folder)
    with pytest.raises(InvalidUsage, match="found an option of a task"):
        sheaf.verify(ledger="ledger.sqlite", store=points.folder)
    with pytest.raises(InvalidUsage, match="found a task with 1 ledgers and 0 stores"):
        sheaf.verify(task, ledger="ledger.sqlite")
    with pytest.raises(InvalidUsage, match="found an option of a run"):
        sheaf.verify(task, url="http://127.0.0.1:9", ledger="ledger.sqlite", store=points.folder)
    with pytest.raises(InvalidUsage, match="--metrics: found it with --light"):
        sheaf.verify(
            task, ledger="ledger.sqlite", store=points.folder, light=True, metrics=True, project="."
        )
    with pytest.raises(InvalidUsage, match="--signatures: found it for a run, accepted: for a"):
        sheaf.verify(points, keys="keys", signatures="countersignatures.json")
    with pytest.raises(InvalidUsage, match="--signatures: found it without --keys"):
        sheaf.verify(
            task,
            ledger="ledger.sqlite",
            store=points.folder,
            signatures="countersignatures.json",
        )


def test_a_task_s_countersignatures_come_in_a_file(
    points: sheaf.RunResult, away: Path, task: str, capsys: Capture
) -> None:
    count = len((away / "keys").read_text("utf-8").splitlines())
    places = ["--ledger", "ledger.sqlite", "--store", str(points.folder)]
    command = ["verify", task, *places, "--keys", "keys"]
    assert execute(command) == 2
    assert capsys.readouterr().err.startswith(
        "--keys: found it for a task without --signatures, accepted: both; no ledger has "
    )
    for signatures in ("countersignatures.json", str(points.folder)):
        assert execute([*command, "--signatures", signatures]) == 0
        told = capsys.readouterr().out
        assert f"verified: consistent, anchored by {count} countersignatures  task " in told
        assert f"{count}  parties countersigned this head\n" in told
        # What was looked at is none of what a folder holds and nobody saw.
        assert "its journal, and blobs" in told
    found = sheaf.verify(
        task, ledger="ledger.sqlite", store=points.folder, keys="keys", signatures=points.folder
    )
    assert found.anchored
    edited(away, lambda listed: listed.pop())
    assert execute([*command, "--signatures", "countersignatures.json"]) == 5
    assert f"has not countersigned the head {points.head}" in capsys.readouterr().err


def test_a_file_of_countersignatures_has_no_other_ones(
    points: sheaf.RunResult, away: Path, task: str, capsys: Capture
) -> None:
    places = ["--ledger", "ledger.sqlite", "--store", str(points.folder)]
    command = ["verify", task, *places, "--keys", "keys", "--signatures"]
    assert execute([*command, "nothing"]) == 2
    assert capsys.readouterr().err.startswith("--signatures: nothing: cannot be read: No such file")
    edited(away, lambda listed: listed[1].update(head="00" * 32))
    assert execute([*command, "countersignatures.json"]) == 5
    told = capsys.readouterr().err
    assert told.startswith("countersignatures: number 2, of 0x")
    (away / "large").write_bytes(b" " * (2**24 + 1))
    assert execute([*command, "large"]) == 2
    assert "large: found more than 16,777,216 bytes, accepted: fewer" in capsys.readouterr().err


def test_who_signed_an_earlier_end_is_believed_up_to_there(
    points: sheaf.RunResult, away: Path, task: str, capsys: Capture
) -> None:
    """Without a head, a task is read up to the last one that all of the keys signed: their chain
    may have gone on."""
    made = [
        Countersignature.parse(each)
        for each in json.loads((away / "countersignatures.json").read_text("utf-8"))[
            "countersignatures"
        ]
    ]
    known = made[0].statement
    later = dataclasses.replace(known, block=known.block + 1, head=b"\x01" * 32)
    # The outsider signed this end and one that the ledger does not have; all others this one alone.
    more = [Countersignature.make(each, SIGNER).plain() for each in (known, later)]
    edited(away, lambda listed: listed.extend(more))
    places: dict[str, Any] = {"ledger": "ledger.sqlite", "store": points.folder}
    given: dict[str, Any] = places | {"keys": "keys", "signatures": "countersignatures.json"}
    outsider = f"0x{address_of(SIGNER).hex()}"
    with Path("keys").open("a", encoding="utf-8") as file:
        file.write(f"\n{outsider}\n")
    assert sheaf.verify(task, **given).anchored
    Path("keys").write_text(outsider, encoding="utf-8")
    with pytest.raises(VerificationFailed, match=f"head: found no block {later.head.hex()}"):
        sheaf.verify(task, **given)
    assert sheaf.verify(task, head=points.head, **given).anchored


@dataclasses.dataclass(frozen=True)
class Slow:
    """A task whose verification takes so long that somebody else signs before it is done."""

    task: Subject
    file: Path
    folder: None = None

    @property
    def name(self) -> str:
        return self.task.name

    @contextmanager
    def opened(self, anchor: Anchor) -> Iterator[Case]:
        with self.task.opened(anchor) as case:
            yield case
        countersigned(self.task, bytes(31) + b"\x07", signatures=self.file)


def test_who_signs_meanwhile_is_not_lost(points: sheaf.RunResult, away: Path, task: str) -> None:
    about = About(task, ledgers=["ledger.sqlite"], stores=[str(points.folder / "store")])
    slow = cast(Subject, Slow(about.subject(), away / "mine.json"))
    assert countersigned(slow, SIGNER, signatures=away / "mine.json").new
    signed = json.loads((away / "mine.json").read_text("utf-8"))["countersignatures"]
    keys = (bytes(31) + b"\x07", SIGNER)
    expected = [f"0x{address_of(key).hex()}" for key in keys]
    assert [each["address"].lower() for each in signed] == expected
    with pytest.raises(InvalidUsage, match="--signatures: found no folder no, accepted"):
        countersigned(about.subject(), SIGNER, signatures=Path("no/such.json"))


def test_who_has_no_folder_countersigns_into_a_file(
    points: sheaf.RunResult, away: Path, task: str, capsys: Capture
) -> None:
    Path("my.key").touch(0o600)
    Path("my.key").write_text(SIGNER.hex(), encoding="utf-8")
    Path("keys").write_text(f"0x{address_of(SIGNER).hex()}", encoding="utf-8")
    shutil.copytree(points.folder / "store", "store")
    given = [task, "--ledger", "ledger.sqlite", "--store", "store"]
    command = ["countersign", *given, "--key", "my.key"]
    assert execute(command) == 2
    assert capsys.readouterr().err.startswith("--signatures: found a task without it, accepted: ")
    told = f"countersigned block {points.summary['blocks']}, head {points.head}\n"
    for file in FILES:
        for said in (f" {told}", f" had {told}"):
            assert execute([*command, "--signatures", file]) == 0
            assert capsys.readouterr().out.endswith(said)
        assert execute(["verify", *given, "--keys", "keys", "--signatures", file]) == 0
        assert "anchored by 1 countersignature" in capsys.readouterr().out
    counts = [len(json.loads(Path(file).read_text("utf-8"))["countersignatures"]) for file in FILES]
    assert counts == [1, len(points.summary["accounts"]) + 1]
    # What is not right is not signed, and a file of something else is not written over.
    assert execute([*command, "--signatures", "my.key"]) == 5
    assert capsys.readouterr().err.startswith("countersignatures: my.key cannot be read: ")
    assert execute([*command, "--signatures", "store"]) == 2
    assert execute([*command, "--signatures", "new.json", "--head", "00" * 32]) == 5
    shutil.rmtree("store")
    Path("store").mkdir()
    assert execute([*command, "--signatures", "new.json"]) == 5
    assert not Path("new.json").exists()
    assert execute(["countersign", str(points.folder), "--key", "my.key", "--signatures", "x"]) == 2
    assert "--signatures: found it for a run, accepted: for a task; " in capsys.readouterr().err
