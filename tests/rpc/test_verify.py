"""A stranger verifies a task that ran on a real anvil, with its endpoint and the run's store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from web3 import Web3

from sheaf.apps.cli.outcome import execute
from sheaf.apps.subjects import About
from sheaf.ledger.anvil import DEVELOPMENT_KEY, Anvil, options, require
from sheaf.ledger.client import Call, address_of
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.federation import FederationClient
from sheaf.ledger.proving import ProvingClient
from sheaf.ledger.rpc import Connection, connect
from sheaf.nodes import runner
from sheaf.nodes.anchoring import Anchor
from sheaf.nodes.rereading import Source
from sheaf.nodes.summary import read_book
from sheaf.nodes.verification import Report, verify
from sheaf.protocol.actions import Advance
from sheaf.protocol.errors import Rejected, VerificationFailed
from tests.ledger.lies import Twisted, in_field
from tests.nodes.plans import plan
from tests.nodes.stage import Played, Watcher, play

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil(require(ROOT), options(chain_id=1337)) as anvil:
        yield anvil


@pytest.fixture(scope="module")
def played(anvil: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A finished run, after which its chain went on."""
    planned = plan()
    remote = replace(planned, ledger=replace(planned.ledger, host="rpc", url=anvil.url))
    played = play(tmp_path_factory.mktemp("remote") / "run", remote)
    chain = connect(Connection(anvil.url), [DEVELOPMENT_KEY])
    chain.client.send([Call(address_of(DEVELOPMENT_KEY), bytes(20), b"", 21_000)])
    chain.close()
    return played


def verified(directory: Path, endpoint: Endpoint, first: int = 0) -> Report:
    try:
        return verify(directory, source=Source(ProvingClient(Web3(endpoint)), first))
    finally:
        endpoint.close()


def test_the_blocks_are_read_again_and_the_report_says_so(anvil: Anvil, played: Played) -> None:
    report = verified(played.directory, Endpoint(anvil.url))
    assert report.head == played.summary["head"]
    assert report.conclusion == "consistent, not anchored"
    checks = {check.name: check.detail for check in report.checks}
    blocks = played.summary["blocks"] + 1
    told = f"transactions in {blocks} blocks, with receipts, proved by headers"
    assert checks["ledger"] == told
    assert {"code", "specification", "document", "updates"} <= checks.keys()
    assert any("state roots were not re-executed" in limit for limit in report.limits)
    assert not any("embedded" in limit for limit in report.limits)


@pytest.mark.parametrize(
    ("method", "field", "value", "what"),
    [
        ("eth_getBlockReceipts", "status", "0x0", "receipts root"),
        ("eth_getBlockReceipts", "logs", [], "receipts root"),
        ("eth_getBlockByNumber", "transactions", [], "transactions root"),
    ],
)
def test_an_endpoint_that_lies_is_found_out(
    anvil: Anvil, played: Played, method: str, field: str, value: Any, what: str
) -> None:
    # The block of the first registrations: after two of tokens, the federation, grants, the task.
    lying = Twisted(anvil.url, in_field(method, 5, field, value))
    with pytest.raises(VerificationFailed, match=f"ledger: the endpoint .* in block 5: {what}"):
        verified(played.directory, lying)


def test_a_stranger_verifies_by_the_task_s_id_and_two_endpoints(
    anvil: Anvil, played: Played
) -> None:
    task, head = read_book(played.directory / "ledger.json")[1], played.summary["head"]
    # One by another name, since who is named twice does not agree with anybody.
    another = anvil.url.replace("127.0.0.1", "localhost")
    stores, given = [str(played.directory / "store")], [anvil.url, another]
    about = About(f"0x{task.hex()}", ledgers=given, stores=stores)
    with about.subject().opened(Anchor(bytes.fromhex(head))) as case:
        case.verify()
        evidence, report = case.evidence, case.report
    assert report.head == head
    counts = {check.name: check.count for check in report.checks}
    assert (counts["sources"], counts["updates"], counts["aggregations"]) == (2, 8, 2)
    assert evidence.book == read_book(played.directory / "ledger.json")[0]
    with replace(about, light=True, ledgers=given[:1]).subject().opened() as case:
        case.verify()
        light = case.report
    assert light.head != head  # the chain went on
    assert {check.name: check.count for check in light.checks}["aggregations"] == 1


class Interfering(Watcher):
    """Somebody else, who holds a key of the chain's, sends what the contracts refuse."""

    def __init__(self, anvil: Anvil, run: Path) -> None:
        super().__init__()
        self.anvil, self.run, self.sent = anvil, run, 0

    def phase(self, round: int, phase: str) -> None:
        super().phase(round, phase)
        if (round, phase) == (1, "REVEAL"):
            book, task = read_book(self.run / "ledger.json")
            chain = connect(Connection(self.anvil.url), [DEVELOPMENT_KEY])
            sender = address_of(DEVELOPMENT_KEY)
            (outcome,) = FederationClient(chain.client, book).send([(sender, Advance(task))])
            assert isinstance(outcome.failure, Rejected)
            self.sent += outcome.gas > 0
            chain.close()


def test_a_stranger_s_gas_is_not_the_run_s(anvil: Anvil, tmp_path: Path) -> None:
    planned, run = plan(), tmp_path / "run"
    ledger = replace(planned.ledger, host="rpc", url=anvil.url)
    seeded = replace(planned.algorithm, seed=11)  # others' accounts than the first run's
    watcher = Interfering(anvil, run)
    runner.run(replace(planned, ledger=ledger, algorithm=seeded), run, watcher)
    assert watcher.sent == 1
    assert verified(run, Endpoint(anvil.url)).conclusion == "consistent, not anchored"


def test_another_chain_than_the_run_s_is_seen(played: Played) -> None:
    told = "found final blocks 0 to 0, the run ended in"
    with (
        Anvil(require(ROOT), options(chain_id=1337)) as other,
        pytest.raises(VerificationFailed, match=told),
    ):
        verified(played.directory, Endpoint(other.url))


def changed(played: Played, to: Path, file: str, **changes: Any) -> Path:
    """A copy of the run in which a file says something else."""
    run = Path(shutil.copytree(played.directory, to))
    plain = json.loads((run / file).read_text())
    (run / file).write_text(json.dumps({**plain, **changes}, indent=2) + "\n")
    return run


def test_what_the_run_says_is_held_against_the_chain(
    anvil: Anvil, played: Played, tmp_path: Path
) -> None:
    lies: list[tuple[str, dict[str, Any], str]] = [
        ("ledger.json", {"task": "11" * 32}, f"task {'11' * 32} is not on this ledger"),
        ("ledger.json", {"chain_id": 5}, "found chain 5, the ledger is 1337"),
        ("summary.json", {"head": "11" * 32}, "head"),
        ("summary.json", {"blocks": played.summary["blocks"] - 1}, "recomputed nothing"),
        ("summary.json", {"payouts": {}}, "payouts"),
    ]
    for number, (file, changes, told) in enumerate(lies):
        run = changed(played, tmp_path / str(number), file, **changes)
        with pytest.raises(VerificationFailed, match=told):
            verified(run, Endpoint(anvil.url))


def test_reading_must_begin_before_the_contracts(anvil: Anvil, played: Played) -> None:
    assert verified(played.directory, Endpoint(anvil.url), first=3).head == played.summary["head"]
    with pytest.raises(VerificationFailed, match="UnknownTask"):
        verified(played.directory, Endpoint(anvil.url), first=6)


def test_the_command_takes_the_endpoint(
    anvil: Anvil, played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(played.directory)
    assert execute(["verify", run]) == 4
    assert "--url names the endpoint of the chain" in capsys.readouterr().err
    assert execute(["verify", run, "--url", anvil.url]) == 0
    assert "state roots were not re-executed" in capsys.readouterr().out
    assert execute(["show", run]) == 0
    assert f"sheaf verify {played.directory.name} --url URL" in capsys.readouterr().out
    embedded = play(tmp_path / "embedded", plan())
    assert execute(["verify", str(embedded.directory), "--url", anvil.url]) == 2
    assert "found a run with a ledger of its own" in capsys.readouterr().err


def test_an_outsider_countersigns_what_the_endpoint_shows(
    anvil: Anvil, played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(played.directory, tmp_path / "run"))
    key, keys = tmp_path / "auditor.key", tmp_path / "keys.txt"
    key.touch(0o600)
    key.write_text("77" * 32)
    keys.write_text(to_checksum_address(address_of(bytes.fromhex("77" * 32))))
    countersign = ["countersign", str(run), "--key", str(key)]
    assert execute(countersign) == 4
    assert "--url names the endpoint of the chain" in capsys.readouterr().err
    assert execute([*countersign, "--url", anvil.url, "--from-block", "3"]) == 0
    assert f"head {played.summary['head']}" in capsys.readouterr().out
    assert execute(["verify", str(run), "--url", anvil.url, "--keys", str(keys)]) == 0
    assert "anchored by 1 countersignature" in capsys.readouterr().out
