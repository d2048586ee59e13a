"""`verify`: what was planted is found, with the first difference and whoever is behind it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_utils.address import to_checksum_address

from sheaf.apps.countersigning import countersigned
from sheaf.apps.subjects import RunSubject
from sheaf.ledger.client import sign
from sheaf.ledger.federation import action_of
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.nodes.accounts import development_account
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.cast import assemble
from sheaf.nodes.evidence import Evidence, Report, Witness
from sheaf.nodes.replay import check_rounds
from sheaf.nodes.reported import check_model
from sheaf.nodes.runner import Runner
from sheaf.nodes.verification import verify
from sheaf.protocol.actions import Commit
from sheaf.protocol.errors import (
    InvalidUsage,
    LedgerUnavailable,
    RunNotFound,
    VerificationFailed,
)
from sheaf.store.disk import DiskStore
from tests.e2e.tampering import edit, flip, place_of, sql, vector_place
from tests.nodes.plans import plan
from tests.nodes.stage import Played, Watcher, evidence_of

ENGINE = PyEvmEngine(1337, {})
"""To decode transactions with."""


@pytest.fixture
def run(honest: Played, tmp_path: Path) -> Path:
    """A copy of the honest run to tamper with."""
    return honest.copy(tmp_path / "copy")


@pytest.fixture(scope="module")
def evidence(honest: Played) -> Evidence:
    return evidence_of(honest.directory)


def failure(directory: Path) -> str:
    with pytest.raises(VerificationFailed) as caught:
        verify(directory)
    assert caught.value.exit_code == 5
    return caught.value.message


def who(played: Played, name: str) -> str:
    """An address and the name that goes with it, as messages have it."""
    return f"{to_checksum_address(played.cast.node(name).account.address)} ({name})"


def test_a_stranger_verifies_in_a_fresh_process_without_torch_and_without_keys(run: Path) -> None:
    script = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
from sheaf.nodes.verification import verify
report = verify(Path({str(run)!r}))
print(report.head, len(report.checks), sorted(m for m in sys.modules if m.startswith("torch")))
"""
    assert not (run / "private").exists()
    assert not (run / "journal.jsonl").exists()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    head = json.loads((run / "summary.json").read_text())["head"]
    assert (done.stdout, done.stderr) == (f"{head} 12 ['torch']\n", "")


def test_nothing_of_the_run_is_written_and_everything_is_counted(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    report = verify(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    counts = {check.name: check.count for check in report.checks}
    summary = json.loads((run / "summary.json").read_text())
    assert counts | {"summary": 0} == {
        "ledger": sql(run, "SELECT count(*) FROM transactions")[0][0],
        "code": 5,
        "specification": 73,
        "document": 1,
        "commitments": 8,
        "updates": 8,
        "aggregations": 2,
        "store": 1 + 3 + 8 + 14 + 4,
        "model": 1,
        "reports": 3,
        "summary": 0,
        "countersignatures": 9,
    }
    assert counts["summary"] > 60
    assert report.head == summary["head"]
    assert any("only history" in limit for limit in report.limits)


# The ledger's file


def _commit_of(played: Played, name: str) -> tuple[int, int, bytes]:
    """Block, place and signed bytes of a participant's first commit."""
    address, book = played.cast.node(name).account.address, played.cast.federation.book
    rows = sql(played.directory, "SELECT block, position, raw FROM transactions ORDER BY 1, 2")
    for block, position, raw in rows:
        sent = ENGINE.decode(raw)
        if sent.sender == address and isinstance(action_of(book, sent.to, sent.data), Commit):
            return block, position, raw
    raise AssertionError(f"{name} never committed")


def test_a_commit_transaction_changed_in_the_file(honest: Played, run: Path) -> None:
    block, position, raw = _commit_of(honest, "participant-2")
    where = "UPDATE transactions SET raw = ? WHERE block = ? AND position = ?"
    sql(run, where, flip(raw, 100), block, position)
    message = failure(run)
    assert message.startswith(f"ledger: block {block}: transaction {position}: found ")
    assert message.endswith(f", whose logs name {who(honest, 'participant-2')}")


def test_another_commitment_signed_by_the_participant_itself(honest: Played, run: Path) -> None:
    block, position, raw = _commit_of(honest, "participant-2")
    sent = ENGINE.decode(raw)
    key = PrivateKey(development_account(7, "participant-2").key)
    fees = (sent.nonce, sent.priority_fee_wei, sent.max_fee_wei, sent.gas)
    assert sent.to is not None
    again = sign(key, 1337, (*fees, sent.to, 0, flip(sent.data)))
    where = "UPDATE transactions SET raw = ? WHERE block = ? AND position = ?"
    sql(run, where, again, block, position)
    message = failure(run)
    assert message.startswith(f"ledger: block {block}: transaction {position} hash: found 0x")
    assert message.endswith(f", sent by {who(honest, 'participant-2')}")


def test_a_receipt_that_says_something_else_names_the_sender(honest: Played, run: Path) -> None:
    block, position, _ = _commit_of(honest, "participant-3")
    where = "UPDATE receipts SET gas_used = gas_used - 1 WHERE block = ? AND position = ?"
    sql(run, where, block, position)
    message = failure(run)
    assert message.startswith(f"ledger: block {block}: receipt {position} gas_used: found ")
    assert message.endswith(f", sent by {who(honest, 'participant-3')}")


def test_a_commitment_changed_in_the_logs(honest: Played, run: Path) -> None:
    block, _, _ = _commit_of(honest, "participant-1")
    ((position, data),) = sql(run, "SELECT position, data FROM logs WHERE block = ? LIMIT 1", block)
    where = "UPDATE logs SET data = ? WHERE block = ? AND position = ?"
    sql(run, where, flip(data), block, position)
    message = failure(run)
    assert message.startswith(f"ledger: block {block}: log {position} data: found 0x")
    assert message.endswith(f", sent by {who(honest, 'participant-1')}")


def test_a_block_that_was_cut_off(honest: Played, run: Path) -> None:
    height = honest.summary["blocks"]
    for table in ("transactions", "receipts", "logs"):
        sql(run, f"DELETE FROM {table} WHERE block = ?", height)
    sql(run, "DELETE FROM blocks WHERE number = ?", height)
    assert "state node" in failure(run)


def test_the_ledger_of_another_run(run: Path, lied: Played) -> None:
    shutil.copy(lied.directory / "ledger.sqlite", run / "ledger.sqlite")
    message = failure(run)
    assert message.startswith("code: the contract at 0x")
    assert message.endswith("is not the Federation that Sheaf ships")


def test_a_run_without_its_ledger(run: Path) -> None:
    (run / "ledger.sqlite").unlink()
    with pytest.raises(LedgerUnavailable) as caught:
        verify(run)
    assert caught.value.exit_code == 4


# The address book


BOOK: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "federation": (
        lambda book: book.update(federation=book["vault"]),
        "is not the Federation that Sheaf ships",
    ),
    "vault": (
        lambda book: book.update(vault=book["federation"]),
        "is not the Vault that Sheaf ships",
    ),
    "tokens": (
        lambda book: book.update(
            stake_token=book["reward_token"], reward_token=book["stake_token"]
        ),
        "the federation's stake_token is",
    ),
    "reward": (
        lambda book: book.update(reward_token=book["stake_token"]),
        "ledger.json: the reward token is not the task's",
    ),
    "chain": (
        lambda book: book.update(chain_id=1),
        "ledger.json: found chain 1, the ledger is 1337",
    ),
    "half a chain": (lambda book: book.update(chain_id=1337.5), "is not an address book"),
    "a chain of text": (lambda book: book.update(chain_id="1337"), "is not an address book"),
    "capitals": (
        lambda book: book.update(vault=book["vault"].lower()),
        "is not an address book as a run writes it",
    ),
    "a field more": (lambda book: book.update(note=""), "is not an address book"),
    "task": (
        lambda book: book.update(task="ab" * 32),
        f"task {'ab' * 32} is not on this ledger",
    ),
    "nonsense": (lambda book: book.update(vault="here"), "is not an address book"),
}


@pytest.mark.parametrize("name", BOOK)
def test_a_changed_address_book(name: str, run: Path) -> None:
    change, expected = BOOK[name]
    edit(run / "ledger.json", change)
    assert expected in failure(run)


def test_no_address_book_is_no_run(run: Path) -> None:
    (run / "ledger.json").unlink()
    with pytest.raises(RunNotFound) as caught:
        verify(run)
    assert caught.value.exit_code == 2


# The store


def _update(evidence: Evidence, name: str) -> tuple[int, bytes]:
    """Round and tree root of somebody's first update."""
    for number, found in evidence.trail.rounds.items():
        for revealed in found.reveals.values():
            if evidence.who(revealed.account).endswith(f"({name})"):
                return number, revealed.root
    raise AssertionError(f"{name} revealed nothing")


def moved(evidence: Evidence, run: Path) -> Evidence:
    """The same evidence, resting on another folder's store and model file."""
    store = Witness(DiskStore(run / "store"))
    return dataclasses.replace(evidence, directory=run, store=store, model_file=None)


def test_a_missing_update(run: Path, evidence: Evidence) -> None:
    number, root = _update(evidence, "participant-2")
    vector_place(run, evidence.task, root).unlink()
    message = failure(run)
    assert message.startswith(f"store: round {number}: the update of participant 0x")
    assert "(participant-2): " in message
    assert "not in the store at" in message


def test_an_update_whose_bytes_differ_from_what_was_committed_to(
    run: Path, evidence: Evidence
) -> None:
    _, root = _update(evidence, "participant-3")
    path = vector_place(run, evidence.task, root)
    path.write_bytes(flip(path.read_bytes()))
    with pytest.raises(VerificationFailed) as caught:
        check_rounds(moved(evidence, run), Report(""))
    assert "(participant-3): " in caught.value.message
    assert "hash to something else" in caught.value.message


def test_a_missing_new_model_names_who_voted_for_it(run: Path, evidence: Evidence) -> None:
    root = evidence.trail.model_after(1, b"")
    vector_place(run, evidence.task, root).unlink()
    message = failure(run)
    assert message.startswith("store: round 1: the new model, voted for by aggregator 0x")
    for number in (1, 2, 3):
        assert f"(aggregator-{number})" in message


def test_a_missing_and_a_changed_task_document(run: Path, evidence: Evidence) -> None:
    path = place_of(run, evidence.task.cid)
    path.write_bytes(flip(path.read_bytes(), 30))
    message = failure(run)
    assert message.startswith("document: ")
    assert message.endswith("; the sponsor published it")
    path.unlink()
    assert "not in the store" in failure(run)


def test_a_missing_initial_model(run: Path, evidence: Evidence) -> None:
    vector_place(run, evidence.task, evidence.task.model.initial).unlink()
    assert failure(run).startswith("store: the sponsor's initial model: ")


# The model file


def test_a_changed_model_file(run: Path, evidence: Evidence) -> None:
    path = run / "model.safetensors"
    path.write_bytes(flip(path.read_bytes()))
    message = failure(run)
    assert message == (
        "model: model.safetensors is not the model of root "
        + json.loads((run / "summary.json").read_text())["model"]["root"]
    )
    path.unlink()
    with pytest.raises(VerificationFailed, match=r"^model: found no model\.safetensors, "):
        check_model(moved(evidence, run), Report(""))


# A run that was stopped


class Stopping(Watcher):
    """Somebody who interrupts the run when the second round's updates are revealed."""

    def phase(self, round: int, phase: str) -> None:
        if (round, phase) == (2, "REVEAL"):
            raise KeyboardInterrupt


def test_a_stopped_run_is_verified_as_far_as_it_went(tmp_path: Path, honest: Played) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(KeyboardInterrupt):
        Runner(assemble(plan(), run), run, Stopping()).run()
    report = verify(run)
    assert report.conclusion == "consistent, not anchored, unfinished"
    counts = {check.name: check.count for check in report.checks}
    assert (counts["aggregations"], counts["updates"]) == (1, 4)
    assert "summary" not in counts
    assert "model" not in counts
    with pytest.raises(VerificationFailed, match="the task has not ended"):
        verify(run, anchor=Anchor(keys=[honest.cast.nodes[0].account.address]))
    with pytest.raises(InvalidUsage, match="found a task in REVEAL, accepted: one that has ended"):
        countersigned(RunSubject(run), development_account(9, "outsider").key)
    # A summary of another run does not finish it.
    shutil.copy(honest.directory / "summary.json", run / "summary.json")
    assert failure(run).startswith("model: found no model.safetensors, accepted: ")


def test_nothing_in_a_run_is_executed(run: Path) -> None:
    """Python files and pickles that came with a run stay what they are: files."""
    bomb = "raise SystemExit('executed')\n"
    for name in ("task.py", "sitecustomize.py", "conftest.py", "store/task.py"):
        (run / name).write_text(bomb)
    assert verify(run).head == json.loads((run / "summary.json").read_text())["head"]
