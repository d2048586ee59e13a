"""Where two histories part: one run, runs with one thing changed, folders tampered with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sheaf.apps.subjects import RunSubject
from sheaf.audit import divergence
from sheaf.audit.divergence import Divergence
from sheaf.audit.histories import ABSENT, History, ProvedChain
from sheaf.nodes import effects as e
from sheaf.nodes import inventory
from sheaf.nodes.cast import Cast
from sheaf.nodes.ledgers import proved_file
from sheaf.nodes.summary import read_book
from sheaf.protocol.errors import LedgerUnavailable
from sheaf.store import DiskStore
from tests.e2e.tampering import edit, flip, sql
from tests.nodes import faults
from tests.nodes.plans import economics, plan, schedule
from tests.nodes.stage import Played, play


def first_divergence(left: Path, right: Path) -> Divergence | None:
    with RunSubject(left).history() as one, RunSubject(right).history() as other:
        return divergence.first_divergence(one, other)


@pytest.fixture
def copied(honest: Played, tmp_path: Path) -> Path:
    return honest.copy(tmp_path / "copy")


def test_a_run_is_like_itself_and_like_its_copy(honest: Played, copied: Path) -> None:
    assert first_divergence(honest.directory, honest.directory) is None
    assert first_divergence(honest.directory, copied) is None


def test_another_seed_is_another_genesis(honest: Played, tmp_path: Path) -> None:
    """Development accounts follow from the seed."""
    seeded = replace(plan().algorithm, seed=8)
    other = play(tmp_path / "run", plan(algorithm=seeded))
    found = first_divergence(honest.directory, other.directory)
    assert found is not None
    assert (found.where, found.field) == ("genesis", "allocation[0][0]")
    assert found.task is not None
    assert found.task[0] == "model.initial"


def test_another_task_parts_where_it_is_published(honest: Played, tmp_path: Path) -> None:
    other = play(tmp_path / "run", plan(license="MIT"))
    found = first_divergence(honest.directory, other.directory)
    assert found is not None
    assert found.where.endswith(", Publish")
    assert found.field == "document"
    assert found.task == ("license", "Apache-2.0", "MIT")
    # The tokens, the contracts and the funds come first.
    assert found.block == 4


def test_more_rounds_part_where_they_are_paid_for(honest: Played, tmp_path: Path) -> None:
    """Three rounds cost the sponsor half as much again."""
    three = play(tmp_path / "run", plan(schedule=schedule(3), economics=economics(3)))
    found = first_divergence(honest.directory, three.directory)
    assert found is not None
    assert found.where.endswith("TokenCall")
    assert (found.field, found.left, found.right) == ("amount", "220000000", "330000000")
    assert found.task == ("schedule.rounds", "2", "3")


def test_another_participant_s_update_parts_at_its_commitment(
    honest: Played, tmp_path: Path
) -> None:
    def alter(cast: Cast) -> None:
        cast.node("participant-2").equip({e.Train: faults.moving_by(1)})

    other = play(tmp_path / "run", plan(), alter)
    found = first_divergence(honest.directory, other.directory)
    assert found is not None
    assert found.where.endswith(", Commit")
    assert found.field == "commitment"
    assert found.left != found.right
    assert found.task is None


def test_a_history_that_ends_early(honest: Played, copied: Path) -> None:
    height = honest.summary["blocks"]
    for table, column in (
        ("blocks", "number"),
        ("transactions", "block"),
        ("receipts", "block"),
        ("logs", "block"),
    ):
        sql(copied, f"DELETE FROM {table} WHERE {column} = ?", height)
    found = first_divergence(honest.directory, copied)
    assert found is not None
    assert (found.where, found.field) == ("ledger", "last block")
    assert (found.left, found.right) == (f"block {height}", f"block {height - 1}")
    assert found.block == height - 1


def test_a_receipt_and_an_event_of_one_block(honest: Played, copied: Path, tmp_path: Path) -> None:
    last = honest.summary["blocks"]
    sql(copied, "UPDATE receipts SET gas_used = gas_used + 1 WHERE block = ?", last)
    found = first_divergence(honest.directory, copied)
    assert found is not None
    assert (found.where, found.field) == (f"block {last}, transaction 0, receipt", "gas_used")
    assert int(found.right) == int(found.left) + 1
    other = honest.copy(tmp_path / "other")
    (row,) = sql(
        other, "SELECT block, position, data FROM logs ORDER BY block DESC, position DESC LIMIT 1"
    )
    sql(other, "UPDATE logs SET data = ? WHERE block = ? AND position = ?", flip(row[2]), *row[:2])
    found = first_divergence(honest.directory, other)
    assert found is not None
    # A report's last byte is padding, which must be zero: the log is no event any more.
    assert found.where == f"block {row[0]}, event {row[1]}"
    assert (found.field, found.left, found.right) == ("kind", "Reported", "Log")


def test_a_blob_a_model_and_a_summary(honest: Played, copied: Path, tmp_path: Path) -> None:
    store = copied / inventory.STORE
    blob = next(path for path in sorted(store.rglob("b*")) if path.is_file())
    content = blob.read_bytes()
    blob.write_bytes(flip(content))
    found = first_divergence(honest.directory, copied)
    assert found is not None
    assert (found.where, found.field, found.block) == ("store", blob.name, None)
    assert (found.left, found.right) == (f"{len(content)} bytes", "other bytes than the id says")
    blob.unlink()
    found = first_divergence(honest.directory, copied)
    assert found is not None
    assert found.right == ABSENT
    blob.write_bytes(content)
    model = copied / "model.safetensors"
    model.write_bytes(flip(model.read_bytes()))
    found = first_divergence(honest.directory, copied)
    assert found is not None
    assert (found.where, found.field) == ("model.safetensors", "bytes")
    shutil.copy(honest.directory / "model.safetensors", model)
    edit(copied / "summary.json", lambda plain: plain["rounds"][1].update(counted=99))
    found = first_divergence(honest.directory, copied)
    assert found is not None
    assert (found.where, found.field) == ("summary.json", "rounds[1].counted")
    assert (found.left, found.right) == ("4", "99")
    edit(copied / "summary.json", lambda plain: plain["rounds"][1].update(counted=4))
    edit(copied / "summary.json", lambda plain: plain.update(run="called otherwise"))
    assert first_divergence(honest.directory, copied) is None
    edit(copied / "ledger.json", lambda plain: plain.update(vault=plain["court"]))
    found = first_divergence(honest.directory, copied)
    assert found is not None
    assert (found.where, found.field) == ("ledger.json", "vault")


def test_a_run_without_a_ledger_is_refused(honest: Played, copied: Path) -> None:
    (copied / inventory.LEDGER).unlink()
    with pytest.raises(LedgerUnavailable, match=r"no ledger at .*ledger\.sqlite"):
        first_divergence(honest.directory, copied)


@contextmanager
def proved(directory: Path) -> Iterator[History]:
    """A run's task as an endpoint would tell it."""
    path, (book, task) = directory / inventory.LEDGER, read_book(directory / inventory.BOOK)
    with proved_file("endpoint", path) as ledger:
        chain, store = ProvedChain(ledger.source.client), DiskStore(directory / inventory.STORE)
        yield History("task", task, chain, book, store, listing=False)


def first_divergence_told(left: Path, right: Path) -> Divergence | None:
    with proved(left) as one, proved(right) as other:
        return divergence.first_divergence(one, other)


def test_chains_that_hold_by_themselves_part_where_files_do(honest: Played, tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        cast.node("participant-2").equip({e.Train: faults.moving_by(1)})

    other = play(tmp_path / "run", plan(), alter)
    assert first_divergence_told(honest.directory, honest.directory) is None
    found = first_divergence_told(honest.directory, other.directory)
    assert found == first_divergence(honest.directory, other.directory)
    # A file and an endpoint of one chain, and the other way round.
    with proved(honest.directory) as told, RunSubject(honest.directory).history() as kept:
        assert divergence.first_divergence(told, kept) is None
        assert divergence.first_divergence(kept, told) is None


def test_of_tasks_on_two_chains_what_happened_is_compared(honest: Played, tmp_path: Path) -> None:
    """Other genesis times make other chains, licences other tasks; accounts are the same."""
    made = plan(license="MIT")
    later = replace(made, ledger=replace(made.ledger, genesis_time=made.ledger.genesis_time + 1))
    same = play(tmp_path / "same", later)
    assert first_divergence_told(honest.directory, same.directory) is None

    def alter(cast: Cast) -> None:
        cast.node("participant-2").equip({e.Train: faults.moving_by(1)})

    other = play(tmp_path / "run", later, alter)
    found = first_divergence_told(honest.directory, other.directory)
    assert found is not None
    address = {name: a for a, name in honest.summary["accounts"].items()}["participant-2"]
    assert (found.where, found.field) == (f"round 1, update of {address}", "tree root")
    assert found.left != found.right
    assert found.common == "nothing of the ledgers: they are two chains"
    assert found.task == ("license", "Apache-2.0", "MIT")


def test_one_task_on_two_chains_parts_at_the_first_block(honest: Played, tmp_path: Path) -> None:
    made = plan()
    later = replace(made, ledger=replace(made.ledger, genesis_time=made.ledger.genesis_time + 1))
    other = play(tmp_path / "run", later)
    found = first_divergence_told(honest.directory, other.directory)
    assert found is not None
    assert (found.where, found.field, found.block) == ("block 0", "hash", None)
    assert found.common == "the chain's id and the federation's address"
