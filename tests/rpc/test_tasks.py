"""A task on a real anvil whose blocks hold what others sent, asked about by who never ran it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_utils.address import to_checksum_address
from web3.types import RPCEndpoint

from sheaf import verify
from sheaf.apps.chains import deploy
from sheaf.apps.cli.outcome import execute
from sheaf.ledger.anvil import DEVELOPMENT_KEY, Anvil, options, require
from sheaf.ledger.client import address_of, sign
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.federation import federation_interface, token_interface
from sheaf.ledger.rpc import Connection
from sheaf.nodes import anchoring, runner
from sheaf.nodes.summary import read_book
from sheaf.protocol.actions import Advance
from sheaf.protocol.errors import VerificationFailed
from sheaf.protocol.events import Paid, RoundSettled
from tests.nodes.plans import plan
from tests.nodes.stage import Watcher

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]
OUTSIDER = PrivateKey(b"\x77" * 32)
CHAIN_ID = 1337


def ask(endpoint: Endpoint, method: str, *parameters: Any) -> Any:
    answer: Any = endpoint.make_request(RPCEndpoint(method), list(parameters))
    assert "error" not in answer, answer
    return answer["result"]


class Meddler(Watcher):
    """Somebody who puts into the blocks of a round: a contract of its own that writes logs with
    this protocol's topics, a call of the run's token, and one that the federation refuses."""

    def __init__(self, url: str, run: Path) -> None:
        super().__init__()
        self.endpoint, self.run, self.nonce = Endpoint(url), run, 0
        self.address = address_of(b"\x77" * 32)
        ask(self.endpoint, "anvil_setBalance", f"0x{self.address.hex()}", hex(10**20))

    def phase(self, round: int, phase: str) -> None:
        super().phase(round, phase)
        if phase in ("COMMIT", "REVEAL", "HOLD"):
            book, task = read_book(self.run / "ledger.json")
            topics = [federation_interface().topic(kind) for kind in (RoundSettled, Paid)]
            logs = b"".join(b"\x7f" + topic + bytes.fromhex("60006000a1") for topic in topics)
            self._send(b"", logs + b"\x00")
            allowed = token_interface().calldata("approve", book.federation, 1)
            self._send(book.stake_token, allowed)
            self._send(book.federation, federation_interface().encode(Advance(task)))

    def _send(self, to: bytes, data: bytes) -> None:
        raw = sign(OUTSIDER, CHAIN_ID, (self.nonce, 10**9, 10**11, 300_000, to, 0, data))
        ask(self.endpoint, "eth_sendRawTransaction", f"0x{raw.hex()}")
        self.nonce += 1


@dataclass(frozen=True)
class Site:
    """A chain with two tasks on the same contracts, one after the other; the first one's run."""

    url: str
    run: Path
    summary: dict[str, Any]
    outsider: bytes
    others: int

    @property
    def task(self) -> str:
        return f"0x{self.summary['task_id']}"

    @property
    def places(self) -> list[str]:
        return ["--ledger", self.url, "--store", str(self.run / "store")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with Anvil(require(ROOT), options(chain_id=CHAIN_ID)) as anvil:
        contracts, run = folder / "contracts.json", folder / "run"
        deploy(Connection(anvil.url), contracts, {}, lambda: DEVELOPMENT_KEY)
        planned = plan()
        ledger = replace(planned.ledger, host="rpc", url=anvil.url, contracts=contracts)
        meddler = Meddler(anvil.url, run)
        summary = runner.run(replace(planned, ledger=ledger), run, meddler)
        # anvil takes down a block's state when it mines the next one: balances that are set before
        # that would be in what it proves of the first run's head.
        ask(meddler.endpoint, "evm_mine")
        seeded = replace(planned.algorithm, seed=11)
        runner.run(replace(planned, ledger=ledger, algorithm=seeded), folder / "other", Watcher())
        meddler.endpoint.close()
        yield Site(anvil.url, run, summary, meddler.address, meddler.nonce)


def sheaf(capsys: Capture, *arguments: str) -> Any:
    assert execute([*arguments, "--format", "json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def reported(site: Site, capsys: Capture, folder: Path, *arguments: str) -> Any:
    """What the report of a run or a task says."""
    sheaf(capsys, "audit", *arguments, "--out", str(folder))
    return json.loads((folder / "audit.json").read_text("utf-8"))


def test_gas_and_money_are_the_task_s_alone(site: Site, tmp_path: Path, capsys: Capture) -> None:
    head = site.summary["head"]
    of_run = reported(site, capsys, tmp_path / "run", str(site.run), "--url", site.url)
    asked = [site.task, *site.places]
    of_task = reported(site, capsys, tmp_path / "task", *asked, "--head", head)
    later = reported(site, capsys, tmp_path / "later", *asked)
    assert later["ledger"]["blocks"] > of_task["ledger"]["blocks"]
    for part in ("rounds", "money", "totals", "draws", "participation", "receipts", "disputes"):
        assert of_task[part] == of_run[part] == later[part], part
    # What the outsider was refused, and the second task.
    assert [made["timeline"]["others"] for made in (of_run, of_task)] == [6, 6]
    assert later["timeline"]["others"] > 6 + 50
    assert site.others == 18
    outsider = to_checksum_address(site.outsider)
    assert outsider not in {actor["address"] for actor in later["actors"]}
    assert later["totals"]["gas"] == sum(later["timeline"]["transactions"]["gas"])
    assert later["totals"]["gas"] == told_by_the_node(site)
    summary = site.summary
    gas = [row["gas"]["total"] for row in summary["rounds"]]
    assert [sum(row["gas"].values()) for row in later["rounds"]] == gas
    assert later["totals"]["setup_gas"] == summary["setup_gas"]


def told_by_the_node(site: Site) -> int:
    """The gas of all that the run's own accounts sent to its contracts, of the node's receipts."""
    book, _ = read_book(site.run / "ledger.json")
    endpoint, gas = Endpoint(site.url), 0
    contracts = {f"0x{address.hex()}" for address in (book.federation, book.vault)}
    accounts = {address.lower() for address in site.summary["accounts"]}
    for number in range(site.summary["blocks"] + 1):
        block = ask(endpoint, "eth_getBlockByNumber", hex(number), True)
        for sent in block["transactions"]:
            if sent["from"] in accounts and sent["to"] in contracts:
                receipt = ask(endpoint, "eth_getTransactionReceipt", sent["hash"])
                gas += int(receipt["gasUsed"], 16)
    endpoint.close()
    return gas


def test_countersignatures_say_where_a_task_ends_on_a_chain_that_went_on(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text(
        "\n".join(to_checksum_address(each.account) for each in anchoring.read(site.run)), "utf-8"
    )
    places: Any = {"ledger": [site.url], "store": site.run / "store"}
    later = verify(site.task, **places)
    assert (later.anchored, later.head == site.summary["head"]) == (False, False)
    found = verify(site.task, **places, keys=tmp_path / "keys", signatures=site.run)
    assert (found.name, found.anchored, found.run) == (site.task, True, None)
    assert found.head == site.summary["head"]
    of_run = verify(site.run, url=site.url, keys=tmp_path / "keys")
    assert (of_run.name, of_run.head) == (site.run.name, found.head)
    with pytest.raises(VerificationFailed, match=" has not countersigned the head "):
        verify(site.task, head=later.head, **places, keys=tmp_path / "keys", signatures=site.run)


def test_who_never_ran_it_countersigns_a_task(site: Site, tmp_path: Path, capsys: Capture) -> None:
    head, key, keys = site.summary["head"], tmp_path / "my.key", tmp_path / "keys"
    key.touch(0o600)
    key.write_text("77" * 32, "utf-8")
    keys.write_text(to_checksum_address(site.outsider), "utf-8")
    given = [site.task, *site.places, "--signatures", str(tmp_path / "signatures.json")]
    made = sheaf(capsys, "countersign", *given, "--head", head, "--key", str(key))
    assert (made["task"], made["head"], made["new"]) == (site.task, head, True)
    found = sheaf(capsys, "verify", *given, "--keys", str(keys))
    assert (found["head"], found["anchored"]) == (head, True)


def test_an_outsider_who_was_refused_is_told_of_when_asked(site: Site, capsys: Capture) -> None:
    found = sheaf(capsys, "audit", site.task, *site.places, "--who", f"0x{site.outsider.hex()}")
    assert len(found["deeds"]) == 6
    assert {deed["lines"][-1].split(":")[0] for deed in found["deeds"]} == {"refused"}
    assert {found["balance"]["payouts"], found["balance"]["slashed"]} == {0}


def test_histories_on_a_chain_are_compared(site: Site, tmp_path: Path, capsys: Capture) -> None:
    """A run is its task; of two tasks on one chain, what happened is compared; an endpoint that has
    another chain is no such history."""
    run, task, stores = str(site.run), site.task, ["--diff-store", str(site.run / "store")]
    found = sheaf(
        capsys, "audit", run, "--url", site.url, "--diff", task, "--diff-ledger", site.url, *stores
    )
    assert (found["difference"], found["last"]) == (None, site.summary["blocks"])
    theirs = json.loads((site.run.parent / "other" / "summary.json").read_text("utf-8"))
    other = f"0x{theirs['task_id']}"
    stores = ["--diff-store", str(site.run.parent / "other" / "store")]
    found = sheaf(capsys, "audit", task, *site.places, "--diff", other, *stores)["difference"]
    # Other accounts took part; the documents say why.
    assert found["where"].startswith("seat of 0x")
    assert (found["left"], found["right"]) != ("", "")
    assert (found["task"][0], found["common"]) == ("model.initial", "the ledgers agree")
    found = sheaf(capsys, "audit", task, *site.places, "--diff", task)
    assert found["difference"] is None
    assert found["last"] > site.summary["blocks"]
