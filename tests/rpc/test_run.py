"""Whole tasks on a real anvil: the same draws, roots and money as on the embedded ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from sheaf.apps.chains import deploy
from sheaf.ledger.anvil import DEVELOPMENT_KEY, Anvil, options, require
from sheaf.ledger.client import address_of
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.errors import Unfunded
from sheaf.ledger.keys import KEY_VARIABLE
from sheaf.ledger.rpc import Connection, DevelopmentChain
from sheaf.nodes import record, remote, runner
from sheaf.nodes.cast import Cast, assemble
from sheaf.nodes.plan import Plan, TokenPlan
from sheaf.nodes.remote import connection_of
from sheaf.nodes.runner import Runner
from sheaf.nodes.trail import RoundTrail, Trail
from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable
from sheaf.simulation import liars
from tests.nodes.plans import committee, plan, schedule
from tests.nodes.stage import Played, Watcher, play

ROOT = Path(__file__).parents[2]
CHAIN_ID = 1337
BLOCK: Any = "eth_getBlockByNumber"
UNLIKE = ("run", "head", "journal")
"""What differs: the runs have other names, and the chains other times."""


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    with Anvil(require(ROOT), options(chain_id=CHAIN_ID)) as anvil:
        yield anvil


def on(anvil: Anvil, planned: Plan, **changes: Any) -> Plan:
    return replace(planned, ledger=replace(planned.ledger, host="rpc", url=anvil.url, **changes))


def comparable(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without what differs: seconds, and what `UNLIKE` names."""
    found = json.loads(json.dumps(summary))
    for row in found["rounds"]:
        del row["seconds"]
    return {name: value for name, value in found.items() if name not in UNLIKE}


def rounds(played: Played) -> Any:
    """Everything that happened in the rounds: who was drawn, what was committed, counted, paid,
    disputed; but not when, since the chains have other times."""

    def timeless(found: RoundTrail) -> RoundTrail:
        disputes = {n: replace(d, deadline=0) for n, d in found.disputes.items()}
        return replace(found, disputes=disputes)

    trail: Trail = played.cast.nodes[0].state.trail
    return {number: timeless(found) for number, found in trail.rounds.items()}


def test_a_task_is_the_same_on_both_hosts(anvil: Anvil, tmp_path: Path) -> None:
    # More of each than are drawn, so that a draw that differed would show.
    planned = plan(participants=6, committee=committee(3, 6))
    embedded = play(tmp_path / "embedded", planned)
    remote = play(tmp_path / "rpc", on(anvil, planned))
    assert remote.cast.federation.book == embedded.cast.federation.book
    assert rounds(remote) == rounds(embedded)
    assert comparable(remote.summary) == comparable(embedded.summary)
    assert remote.summary["status"] == "settled"
    assert remote.summary["head"] != embedded.summary["head"]
    assert not (remote.directory / "ledger.sqlite").exists()


@pytest.mark.parametrize(
    "lying",
    [
        partial(liars.lying_committee, round=1, withholds=False),
        partial(liars.lying_committee, round=1, withholds=True),
        partial(liars.withholding_participant, round=1),
        partial(liars.lying_challenger, round=1, withholds=False),
    ],
    ids=["challenged", "descended", "demanded", "refuted"],
)
def test_a_court_is_the_same_on_both_hosts(
    anvil: Anvil, tmp_path: Path, lying: Callable[[Cast], None]
) -> None:
    planned = replace(
        plan(), committee=committee(3, 6), chunk_bytes=16, schedule=schedule(rounds=1)
    )
    embedded = play(tmp_path / "embedded", planned, lying)
    remote = play(tmp_path / "rpc", on(anvil, planned), lying)
    assert rounds(embedded)[1].disputes
    assert rounds(remote) == rounds(embedded)
    assert comparable(remote.summary) == comparable(embedded.summary)


class Stopped(Watcher):
    """A watcher that interrupts when a phase of the first round begins."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.at = phase

    def phase(self, round: int, phase: str) -> None:
        super().phase(round, phase)
        if (round, phase) == (1, self.at):
            raise KeyboardInterrupt


@pytest.mark.parametrize("phase", ["COMMIT", "HOLD"])
def test_a_run_that_was_stopped_goes_on(anvil: Anvil, tmp_path: Path, phase: str) -> None:
    planned, run = plan(), tmp_path / "run"
    embedded = play(tmp_path / "embedded", planned)
    with pytest.raises(KeyboardInterrupt):
        runner.run(on(anvil, planned), run, Stopped(phase))
    found = runner.resume(run, Watcher())
    assert comparable(found) == comparable(embedded.summary)


def test_what_was_sent_and_not_confirmed_is_not_sent_again(anvil: Anvil, tmp_path: Path) -> None:
    planned, run = plan(), tmp_path / "run"
    embedded = play(tmp_path / "embedded", planned)
    run.mkdir()
    record.write(run, on(anvil, planned))
    cast = assemble(on(anvil, planned), run)
    host, sent = cast.host, []
    assert isinstance(host, DevelopmentChain)
    client = host.client
    # A process that is killed tells the chain nothing.
    host.close = host.endpoint.close  # type: ignore[method-assign]

    def killed(signed: Any) -> Any:
        sent.append(len(broadcast(signed)))
        if len(sent) == 4:
            raise KeyboardInterrupt
        return [None] * sent[-1]

    broadcast = client._broadcast
    client._broadcast = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        Runner(cast, run, Watcher()).run()
    assert sent[-1] > 1
    watcher = Watcher()
    assert comparable(runner.resume(run, watcher)) == comparable(embedded.summary)
    assert watcher.warnings == []


def test_contracts_that_are_there_serve_several_tasks(
    anvil: Anvil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "contracts.json"
    known, _ = deploy(Connection(anvil.url, CHAIN_ID), out, {}, lambda: DEVELOPMENT_KEY)
    planned = plan()
    other = replace(planned, algorithm=replace(planned.algorithm, seed=8))
    for name, each in (("first", planned), ("second", other)):
        played = play(tmp_path / name, on(anvil, each, contracts=out))
        assert played.cast.federation.book == known.book
        assert played.summary["status"] == "settled"
    with pytest.raises(InvalidConfiguration, match="found this very task on them already"):
        assemble(on(anvil, other, contracts=out), tmp_path / "again")
    coarse = TokenPlan("Stable", "USDX", 2)
    with pytest.raises(InvalidConfiguration, match=r"reward\.decimals: found 2, accepted: 6"):
        assemble(on(anvil, planned, contracts=out, reward_token=coarse), tmp_path / "coarse")
    # Whoever pays needs the tokens, too, and has none of these.
    monkeypatch.setenv(KEY_VARIABLE, "33" * 32)
    token = to_checksum_address(known.book.reward_token)
    with pytest.raises(Unfunded, match=f"found 0 of token {token}, accepted: at least"):
        assemble(on(anvil, planned, contracts=out), tmp_path / "poor")


def test_another_chain_is_refused(anvil: Anvil, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=f"found 5, accepted: {CHAIN_ID}"):
        assemble(on(anvil, plan(), chain_id=5), tmp_path)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A chain that nobody can tell the time: twelve seconds a block, one for every look at it."""
    chosen = [*options(chain_id=CHAIN_ID), "--block-time", "3600"]
    with Anvil(require(ROOT), chosen) as anvil:
        clock = Endpoint(anvil.url)

        def mine(seconds: float) -> None:
            method: Any
            latest: Any = clock.make_request(BLOCK, ["latest", False])["result"]
            later = int(latest["timestamp"], 16) + 12
            for method, parameters in (("evm_setNextBlockTimestamp", [later]), ("evm_mine", [])):
                clock.make_request(method, parameters)

        def connected(*arguments: Any) -> Connection:
            return replace(connection_of(*arguments), sleep=mine)

        monkeypatch.setattr(remote, "connection_of", connected)
        yield anvil.url
        clock.close()


def test_on_any_other_chain_a_task_takes_its_time(
    slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = replace(plan().ledger, host="rpc", url=slow, finality="3")
    planned = replace(plan(), ledger=ledger)
    with pytest.raises(InvalidConfiguration, match=f"{KEY_VARIABLE}: found no key, accepted: one"):
        assemble(planned, tmp_path / "nobody")

    monkeypatch.setenv(KEY_VARIABLE, "33" * 32)
    broke = to_checksum_address(address_of(bytes.fromhex("33" * 32)))
    with pytest.raises(Unfunded, match=f"account {broke} is not funded: found 0 wei, accepted"):
        assemble(planned, tmp_path / "poor")

    monkeypatch.setenv(KEY_VARIABLE, DEVELOPMENT_KEY.hex())
    played = play(tmp_path / "run", planned)
    assert played.summary["status"] == "settled"
    assert played.watcher.warnings == []
    # Nobody else's accounts, and none that the seed would give away.
    payer = to_checksum_address(address_of(DEVELOPMENT_KEY))
    assert payer not in played.summary["accounts"]
    seeded = play(tmp_path / "embedded", plan())
    assert not played.summary["accounts"].keys() & seeded.summary["accounts"].keys()


def test_a_chain_that_goes_away_is_one_line(
    anvil: Anvil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sheaf.ledger.endpoint.PAUSES_S", ())

    class Ending(Watcher):
        def phase(self, round: int, phase: str) -> None:
            if phase == "REVEAL":
                anvil.close()

    with pytest.raises(LedgerUnavailable, match=f"^{anvil.url} does not answer$"):
        runner.run(on(anvil, plan()), tmp_path / "run", Ending())
