"""A ledger is verified without holding its blocks or, where nobody wants them, its steps."""

from __future__ import annotations

import gc

from sheaf.ledger.engine import Block
from sheaf.nodes.evidence import Manner
from sheaf.nodes.ledgers import LedgerInFile
from sheaf.nodes.stranger import Asked, examine_task
from sheaf.nodes.summary import read_book
from sheaf.store import DiskStore
from tests.nodes.stage import Played


def file_of(honest: Played) -> LedgerInFile:
    return LedgerInFile("a file", honest.directory / "ledger.sqlite")


def test_no_more_than_a_block_or_two_are_held(honest: Played) -> None:
    held: list[int] = []

    def blocks() -> int:
        return sum(type(each) is Block for each in gc.get_objects())

    def told(what: str, done: int, of: int) -> None:
        held.append(blocks())

    def looked(block: Block) -> None:
        assert block.transactions is not None

    gc.collect()
    file, before = file_of(honest), blocks()
    file.read(file.height(), lambda here: looked, lambda: (), told)
    assert len(held) == file.height()
    assert max(held) - before <= 2


def test_contracts_are_found_once_they_are_there(honest: Played) -> None:
    """Nothing is shown before that, and everything after."""
    seen: list[int] = []
    file, book = file_of(honest), read_book(honest.directory / "ledger.json")[0]
    ground = file.read(
        file.height() - 1,
        lambda here: (
            (lambda block: seen.append(block.header.number)) if here.code(book.federation) else None
        ),
        lambda: (),
    )
    assert seen == [*range(seen[0], file.height())]
    assert seen[0] > 1
    assert ground.head.number == file.height() - 1


def test_steps_are_kept_where_they_are_wanted(honest: Played) -> None:
    asked = Asked(read_book(honest.directory / "ledger.json")[1])
    given = (asked, [file_of(honest)], DiskStore(honest.directory / "store"))
    plain, report = examine_task(*given, manner=Manner(steps=False))
    # But for those that a receipt goes with: what the sponsor published and reported.
    signed = [type(step.action).__name__ for step in plain.steps]
    assert signed == ["Publish", "Report", "Report", "Report"]
    kept, same = examine_task(*given)
    assert report.checks == same.checks
    assert len(kept.steps) > 20
