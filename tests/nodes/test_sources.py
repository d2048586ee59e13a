"""Several ledgers, of which some are not there to the end, or are another chain."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.nodes import ledgers as reaching
from sheaf.nodes.ledgers import Ledger, LedgerInFile, ProvedLedger, Unreachable
from sheaf.nodes.stranger import examine_task
from sheaf.protocol.errors import InvalidUsage, LedgerUnavailable, VerificationFailed
from sheaf.store import Store
from tests.ledger.node import Answer, Node
from tests.nodes.endpoints import details, honestly, light, nodes, refused
from tests.nodes.stage import Played


def dying(node: Node, after: int) -> None:
    """Let a node answer so many requests more, and then none."""
    whole, left = node.answer, [after]

    def answer(body: bytes) -> bytes | int | None:
        left[0] -= 1
        return whole(body) if left[0] >= 0 else None

    node.answer = answer  # type: ignore[method-assign]


@pytest.mark.parametrize("after", [0, 1, 2, 4, 8, 12])
@pytest.mark.parametrize("place", [0, 1])
def test_who_dies_midway_is_named_and_left_out_if_the_others_are_enough(
    task: bytes, file: LedgerInFile, store: Store, after: int, place: int
) -> None:
    for enough in (None, 1):
        with nodes(file, frail=honestly, sound=honestly) as made:
            node, frail = made["frail"]
            dying(node, after)
            ledgers: list[Ledger] = [made["sound"][1]]
            ledgers.insert(place, frail)
            asked = light(task, enough=enough)
            if enough is None:
                with pytest.raises(LedgerUnavailable) as caught:
                    examine_task(asked, ledgers, store)
                assert caught.value.message == f"frail: {node.url} does not answer"
                assert caught.value.hint == "--enough 1 goes on without it"
                assert caught.value.exit_code == 4
                continue
            _, report = examine_task(asked, ledgers, store)
            assert details(report)["sources"] == (
                "of 2 ledgers are one chain, with the same receipts and logs: sound"
            )
            told = (
                f"what frail says of this chain: frail: {node.url} does not answer; it was left out"
            )
            assert told in report.limits


def test_who_could_not_even_be_opened_is_named(
    task: bytes, file: LedgerInFile, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sheaf.ledger.endpoint.PAUSES_S", ())
    with (
        nodes(file, sound=honestly) as made,
        reaching.behind("gone", "http://127.0.0.1:9", 0) as gone,
    ):
        assert isinstance(gone, Unreachable)
        sound = made["sound"][1]
        with pytest.raises(LedgerUnavailable, match=r"^gone: http://127.0.0.1:9 does not answer$"):
            examine_task(light(task), [sound, gone], store)
        _, report = examine_task(light(task, enough=1), [gone, sound], store)
        assert details(report)["sources"].startswith("of 2 ledgers are one chain")
        for ask in (
            lambda: gone.hash_of(1),
            lambda: gone.number_of(b""),
            lambda: gone.publication(task),
        ):
            with pytest.raises(LedgerUnavailable):
                ask()


def test_nobody_who_lies_is_left_out(task: bytes, file: LedgerInFile, store: Store) -> None:
    def twist(method: str, params: Any, answer: Answer) -> Answer:
        if method == "eth_getBlockReceipts":
            return {"result": [{**each, "status": "0x0"} for each in answer["result"]]}
        return answer

    with nodes(file, liar=twist, one=honestly, two=honestly) as made:
        ledgers: list[Ledger] = [each for _, each in made.values()]
        with pytest.raises(VerificationFailed, match=r"^liar: ledger: the endpoint contradicts"):
            examine_task(light(task, enough=1), ledgers, store)


def test_a_fork_is_named_though_who_made_it_dies(
    honest: Played, task: bytes, file: LedgerInFile, store: Store
) -> None:
    fork = Path(shutil.copy(file.path, file.path.with_name("fork.sqlite")))
    for path, seconds in ((file.path, 1), (fork, 2)):
        ledger = EmbeddedLedger.open(path)
        ledger.mine(ledger.engine.head().timestamp + seconds)
        ledger.close()
    end = honest.summary["blocks"] + 1
    with (
        nodes(file, ours=honestly) as made,
        nodes(LedgerInFile("", fork), theirs=honestly) as other,
    ):
        ours, theirs = made["ours"][1], other["theirs"][1]
        both = theirs.hash_of(end), ours.hash_of(end)
        told = (
            f"theirs: ledger: block {end}: found {both[0].hex()}, ours has {both[1].hex()}; each "
            "chain holds by itself, and --head says which is meant"
        )
        assert refused(task, [ours, theirs], store) == told
        assert refused(task, [ours, Silent("theirs", theirs.source)], store) == told


class Silent(ProvedLedger):
    """An endpoint that has gone by the time that it is asked for a block once more."""

    def hash_of(self, number: int) -> bytes:
        raise LedgerUnavailable("gone")


@pytest.mark.parametrize("enough", [0, 3, -1])
def test_there_must_be_as_many_ledgers(
    task: bytes, file: LedgerInFile, store: Store, enough: int
) -> None:
    with pytest.raises(InvalidUsage, match=f"--enough: found {enough}, accepted: 1 to 2, of 2"):
        examine_task(light(task, enough=enough), [file, file], store)
