"""A stranger verifies a task from ledgers and stores of others, over real connections."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.proving import ProvingClient
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.evidence import NOWHERE, Evidence, Manner, Report
from sheaf.nodes.ledgers import Ledger, LedgerInFile, ProvedLedger, proved_file
from sheaf.nodes.rereading import Source
from sheaf.nodes.stranger import Asked, examine_task
from sheaf.nodes.summary import read_book
from sheaf.nodes.verification import verify
from sheaf.protocol.errors import (
    InvalidUsage,
    LedgerUnavailable,
    VerificationFailed,
)
from sheaf.store import DiskStore, Store
from sheaf.store.several import SeveralStores
from tests.e2e.tampering import place_of
from tests.ledger.lies import in_field
from tests.ledger.node import GARBAGE, Node, Twist
from tests.nodes.stage import Played, evidence_of


def untwisted(method: str, params: Any, answer: dict[str, Any]) -> dict[str, Any]:
    return answer


@contextmanager
def behind(
    path: Path, name: str, twist: Twist = untwisted, first: int = 0
) -> Iterator[ProvedLedger]:
    """The ledger in a file, served by a node that may lie."""
    with Node(lambda: EmbeddedLedger.open(path)) as node:
        node.twist = twist
        endpoint = Endpoint(node.url, sleep=lambda _seconds: None)
        try:
            yield ProvedLedger(name, Source(ProvingClient(Web3(endpoint)), first))
        finally:
            endpoint.close()


def served(
    stack: ExitStack, honest: Played, folder: Path, name: str, twist: Twist = untwisted
) -> ProvedLedger:
    """A node of that name over a copy of its own."""
    path = Path(shutil.copy(honest.directory / "ledger.sqlite", folder / f"{name}.sqlite"))
    return stack.enter_context(behind(path, name, twist))


def counts(report: Report) -> dict[str, int]:
    return {check.name: check.count for check in report.checks}


def refused(asked: Asked, ledgers: list[Ledger], store: Store, **given: Any) -> str:
    with pytest.raises(VerificationFailed) as caught:
        examine_task(asked, ledgers, store, **given)
    assert caught.value.exit_code == 5
    return caught.value.message


def test_a_task_is_verified_from_a_file_and_a_store_alone(
    honest: Played, task: bytes, file: LedgerInFile, store: Store
) -> None:
    seen: list[tuple[str, int, int]] = []
    manner = Manner(told=lambda *each: seen.append(each))
    evidence, report = examine_task(Asked(task), [file], store, manner=manner)
    known = evidence_of(honest.directory)
    assert report.head == honest.summary["head"]
    assert (evidence.trail, evidence.task) == (known.trail, known.task)
    assert evidence.steps == known.steps
    assert evidence.accounting.replayed == known.accounting.replayed
    # The tokens of the embedded host are known by the task alone.
    assert evidence.book == known.book
    assert evidence.directory == NOWHERE
    whole = counts(verify(honest.directory))
    folder = {"store", "model", "summary", "journal", "countersignatures"}
    assert counts(report) == {name: n for name, n in whole.items() if name not in folder}
    assert {"ledger", "specification", "updates", "aggregations"} <= counts(report).keys()
    assert report.conclusion == "consistent, not anchored"
    assert any("what a run's folder holds" in limit for limit in report.limits)
    assert report.reported == []
    blocks = honest.summary["blocks"]
    told = [(done, of) for what, done, of in seen if what == "blocks"]
    assert told == [(number, blocks) for number in range(1, blocks + 1)]
    assert seen[-3:] == [("rounds", 0, 2), ("rounds", 1, 2), ("rounds", 2, 2)]


def test_endpoints_and_files_agree(
    honest: Played, task: bytes, file: LedgerInFile, store: Store, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        nodes = [served(stack, honest, tmp_path, name) for name in ("one", "two")]
        _, report = examine_task(Asked(task), [file, *nodes], store)
        _, proved = examine_task(Asked(task), nodes, store)
    assert report.checks[2].detail == (
        "ledgers are one chain, with the same receipts and logs: a file, one, two"
    )
    assert counts(report)["sources"] == 3
    assert counts(proved)["updates"] == counts(report)["updates"] == 8
    assert not any("state roots" in limit for limit in report.limits)
    assert any("state roots were not re-executed" in limit for limit in proved.limits)


def test_the_anchored_head_is_the_end(
    honest: Played, task: bytes, store: Store, tmp_path: Path
) -> None:
    head = bytes.fromhex(honest.summary["head"])
    path = Path(shutil.copy(honest.directory / "ledger.sqlite", tmp_path / "longer.sqlite"))
    longer = EmbeddedLedger.open(path)
    longer.mine(longer.engine.head().timestamp + 9)
    longer.close()
    later = LedgerInFile("later", path)
    with ExitStack() as stack:
        node = stack.enter_context(behind(path, "node"))
        choices: list[list[Ledger]] = [[node], [later], [later, node]]
        for ledgers in choices:
            _, report = examine_task(Asked(task), ledgers, store, anchor=Anchor(head))
            assert report.head == honest.summary["head"]
            assert report.conclusion == "consistent, anchored by the head hash"
        message = refused(Asked(task), [node], store, anchor=Anchor(bytes(32)))
        assert message.startswith(f"node: head: found no block {bytes(32).hex()}, which was asked")


@pytest.mark.parametrize("among", ["alone", "first", "second"])
@pytest.mark.parametrize(
    ("method", "field", "value", "what"),
    [
        ("eth_getBlockReceipts", "status", "0x0", "receipts root"),
        ("eth_getBlockReceipts", "logs", [], "receipts root"),
        ("eth_getBlockByNumber", "transactions", [], "transactions root"),
        ("eth_getBlockByNumber", "timestamp", "0x5", "hash"),
    ],
)
def test_a_ledger_that_lies_is_named(
    honest: Played,
    task: bytes,
    file: LedgerInFile,
    store: Store,
    tmp_path: Path,
    among: str,
    method: str,
    field: str,
    value: Any,
    what: str,
) -> None:
    with ExitStack() as stack:
        twist = in_field(method, 12, field, value)
        liar = served(stack, honest, tmp_path, "liar", twist)
        choices: dict[str, list[Ledger]] = {
            "alone": [liar],
            "first": [liar, file],
            "second": [file, liar],
        }
        message = refused(Asked(task), choices[among], store)
    assert message.startswith("liar: ledger: the endpoint contradicts itself in block 12: " + what)


def test_two_chains_that_hold_by_themselves_are_told_apart_by_nothing_but_an_anchor(
    honest: Played, task: bytes, file: LedgerInFile, store: Store, tmp_path: Path
) -> None:
    paths = [Path(shutil.copy(file.path, tmp_path / f"{name}.sqlite")) for name in "ab"]
    for path, seconds in zip(paths, (1, 2), strict=True):
        fork = EmbeddedLedger.open(path)
        fork.mine(fork.engine.head().timestamp + seconds)
        fork.mine(fork.engine.head().timestamp + 1)
        fork.close()
    ours, number = LedgerInFile("a", paths[0]), honest.summary["blocks"] + 1
    with behind(paths[1], "b") as b:
        choices: list[list[Ledger]] = [[ours, b], [ours, b, b], [ours, LedgerInFile("b", paths[1])]]
        for ledgers in choices:
            message = refused(Asked(task), ledgers, store)
            told = f"b: ledger: block {number}: found {b.hash_of(number).hex()}, a has "
            assert message == (
                f"{told}{ours.hash_of(number).hex()}; each chain holds by itself, and --head says "
                "which is meant"
            )
    meant = Anchor(ours.hash_of(number))
    assert refused(
        Asked(task), [ours, LedgerInFile("b", paths[1])], store, anchor=meant
    ).startswith("b: head: found no block")


def test_who_lags_is_named(
    honest: Played, task: bytes, file: LedgerInFile, store: Store, tmp_path: Path
) -> None:
    path = Path(shutil.copy(file.path, tmp_path / "long.sqlite"))
    ledger = EmbeddedLedger.open(path)
    for _ in range(33):
        ledger.mine(ledger.engine.head().timestamp + 1)
    ledger.close()
    end = honest.summary["blocks"]
    long = LedgerInFile("long", path)
    message = refused(Asked(task), [long, file], store)
    assert message == (f"a file: ledger: lags: its last final block is {end}, long has {end + 33}")
    with ExitStack() as stack:
        short = served(stack, honest, tmp_path, "short")
        message = refused(Asked(task), [short, long], store)
        told = f"short: ledger: lags: its last final block is {end}, long has {end + 33}"
        assert message == told
        # One block less is what endpoints may differ by.
        near = ProvedLedger("short", short.source, lag_blocks=33)
        _, report = examine_task(Asked(task), [long, near], store)
    assert report.head == honest.summary["head"]
    assert report.checks[2].detail.endswith(f"; short ends in block {end}, long in {end + 33}")


def test_an_endpoint_of_another_chain_is_named(
    honest: Played, task: bytes, file: LedgerInFile, store: Store, tmp_path: Path
) -> None:
    def twist(method: str, params: Any, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": "0x5"} if method == "eth_chainId" else answer

    with ExitStack() as stack:
        other = served(stack, honest, tmp_path, "other", twist)
        message = refused(Asked(task), [file, other], store)
    assert message == "other: ledger: found chain 5, a file is 1337"


def test_an_endpoint_that_answers_nonsense_is_named(
    honest: Played, task: bytes, store: Store, tmp_path: Path
) -> None:
    path = Path(shutil.copy(honest.directory / "ledger.sqlite", tmp_path))
    with Node(lambda: EmbeddedLedger.open(path)) as node:
        endpoint = Endpoint(node.url, sleep=lambda _seconds: None)
        ledger = ProvedLedger(endpoint.name, Source(ProvingClient(Web3(endpoint))))
        node.faults.extend([GARBAGE] * 9)
        told = f"^{node.url}: eth_getBlockByNumber: found something other than JSON"
        with pytest.raises(LedgerUnavailable, match=told):
            examine_task(Asked(task), [ledger], store)
        endpoint.close()


def test_what_an_endpoint_says_of_code_is_held_against_the_artefacts_of_each(
    honest: Played, task: bytes, file: LedgerInFile, store: Store, tmp_path: Path
) -> None:
    def twist(method: str, params: Any, answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getProof":
            return {"error": {"code": -32601, "message": "no such method"}}
        return {**answer, "result": "0x6001"} if method == "eth_getCode" else answer

    with ExitStack() as stack:
        liar = served(stack, honest, tmp_path, "liar", twist)
        message = refused(Asked(task), [file, liar], store)
        assert message.startswith("liar: code: the contract at 0x")
        message = refused(Asked(task), [liar, file], store)
        assert message.startswith("liar: code: the contract at 0x")
        assert message.endswith("is not the Federation that Sheaf ships")


def test_a_task_that_nobody_published(
    honest: Played, file: LedgerInFile, store: Store, tmp_path: Path
) -> None:
    told = f"ledger: task {bytes(32).hex()} is not on this ledger"
    assert refused(Asked(bytes(32)), [file], store) == f"a file: {told}"
    with ExitStack() as stack:
        node = served(stack, honest, tmp_path, "node")
        assert refused(Asked(bytes(32)), [node], store) == f"node: {told}"


def test_a_federation_may_be_named(
    honest: Played, task: bytes, file: LedgerInFile, store: Store
) -> None:
    book, _ = read_book(honest.directory / "ledger.json")
    _, report = examine_task(Asked(task, book.federation), [file], store)
    assert report.head == honest.summary["head"]
    message = refused(Asked(task, book.vault), [file], store)
    assert message.endswith("is not the Federation that Sheaf ships")
    told = f"ledger: task {bytes(32).hex()} is not on this ledger"
    assert refused(Asked(bytes(32), book.federation), [file], store) == f"a file: {told}"


# Light


class Counted(SeveralStores):
    """Stores of which it is known what was asked for."""

    asked: set[str]

    def copies(self, content_id: Any) -> Any:
        self.asked = {*getattr(self, "asked", ()), str(content_id)}
        return super().copies(content_id)


def read_of(evidence: Evidence, number: int) -> set[str]:
    """The ids of what one round takes: document, base, result, counted updates."""
    task, trail = evidence.task, evidence.trail
    roots = [trail.model_after(n, task.model.initial) for n in (number - 1, number)]
    roots += [root for _, root, _ in trail.rounds[number].counted_updates(1)]
    return {str(task.cid), *(str(vector_id(task, root)) for root in roots)}


@pytest.mark.parametrize(("asked", "number"), [(None, 2), (1, 1), (2, 2)])
def test_a_light_verification_reads_one_round(
    honest: Played, task: bytes, store: Store, tmp_path: Path, asked: int | None, number: int
) -> None:
    known = evidence_of(honest.directory)
    path = Path(shutil.copy(honest.directory / "ledger.sqlite", tmp_path))
    bodies: set[str] = set()

    def noted(method: str, params: Any, answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getBlockReceipts":
            bodies.add(params[0])
        return answer

    with ExitStack() as stack:
        ledgers = [
            stack.enter_context(behind(path, "node", noted)),
            stack.enter_context(proved_file("file", path)),
        ]
        for ledger in ledgers:
            stores = Counted([("store", store)])
            light = Asked(task, light=True, round=asked)
            evidence, report = examine_task(light, [ledger], stores)
            assert stores.asked == read_of(known, number)
            assert evidence.trail == known.trail
            assert counts(report)["aggregations"] == 1
            assert any(f"rounds other than {number}" in limit for limit in report.limits)
    holding = {hex(step.block) for step in known.steps if step.events}
    assert bodies == holding


def test_a_light_verification_finds_what_is_wrong_with_its_round(
    honest: Played, task: bytes, tmp_path: Path
) -> None:
    run = honest.copy(tmp_path / "run")
    known = evidence_of(honest.directory)
    _, root, _ = known.trail.rounds[1].counted_updates(1)[2]
    place = place_of(run, vector_id(known.task, root))
    place.write_bytes(place.read_bytes()[::-1])
    store = DiskStore(run / "store")
    with proved_file("file", run / "ledger.sqlite") as ledger:
        examine_task(Asked(task, light=True), [ledger], store)
        message = refused(Asked(task, light=True, round=1), [ledger], store)
        assert message.startswith("store: round 1: the update of participant 0x")
        with pytest.raises(InvalidUsage, match=r"--round: found round 7, accepted: .*: 1, 2$"):
            examine_task(Asked(task, light=True, round=7), [ledger], store)
