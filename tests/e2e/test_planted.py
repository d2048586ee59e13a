"""Runs in which somebody did wrong: the run goes on by the rules, and who looks finds it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dag_cbor
import pytest

from sheaf.ledger import federation as ledger_federation
from sheaf.ledger.artifacts import Artifact, artifact, parse_artifact
from sheaf.ledger.engine import Block
from sheaf.ledger.federation import federation_interface
from sheaf.ledger.reexecute import reexecute
from sheaf.nodes import effects as e
from sheaf.nodes import verification
from sheaf.nodes.cast import Cast
from sheaf.nodes.evidence import Report
from sheaf.nodes.local import run_evaluation
from sheaf.nodes.metrics import check_metrics
from sheaf.nodes.reported import check_reports
from sheaf.nodes.respecification import Respecification, steps
from sheaf.nodes.trail import Trail
from sheaf.nodes.verification import verify
from sheaf.protocol.actions import Settle
from sheaf.protocol.errors import VerificationFailed
from sheaf.protocol.events import Paid
from sheaf.simulation import liars
from tests.e2e.tampering import flip, vector_place
from tests.nodes import faults
from tests.nodes.plans import STAKE, TOKEN, committee, plan, schedule
from tests.nodes.stage import Played, evidence_of, play


def failure(directory: Path, *further: verification.Further) -> str:
    with pytest.raises(VerificationFailed) as caught:
        verify(directory, *further)
    return caught.value.message


# A wrong aggregate by the whole committee


def test_verification_names_both_roots_and_who_voted(lied: Played) -> None:
    message = failure(lied.directory)
    claimed = lied.summary["rounds"][0]["model_root"]
    start = f"aggregation: round 1: model root {claimed} was settled, "
    assert message.startswith(start)
    recomputed = message.removeprefix(start)[:64]
    assert bytes.fromhex(recomputed) != bytes.fromhex(claimed)
    voters = message.partition("voted for by ")[2].split(", ")
    assert sorted(voter[-len("(aggregator-1)") :] for voter in voters) == [
        f"(aggregator-{i})" for i in (1, 2, 3)
    ]


def test_the_challenger_says_so_while_the_run_goes_on(lied: Played) -> None:
    warned = [line for line in lied.watcher.warnings if line.startswith("challenger: round")]
    assert [line[: len("challenger: round 1, attempt 1")] for line in warned] == [
        "challenger: round 1, attempt 1",
        "challenger: round 2, attempt 1",
    ]
    (first, _) = lied.cast.node("challenger").state.findings
    assert first.claimed.hex() in warned[0]
    assert first.recomputed.hex() in warned[0]
    rejected = "challenger: the ledger rejected Challenge: the contract reverted"
    assert sum(line.startswith(rejected) for line in lied.watcher.warnings) == 2


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Aggregator 1 votes for a wrong model, participant 2 keeps its update to itself, and the
    sponsor flatters its model."""

    def flattering(shop: Any, effect: e.Evaluate, trail: Trail) -> e.Evaluated:
        plain: Any = dag_cbor.decode(run_evaluation(shop, effect, trail).metrics)
        plain["accuracy"][0] += 1
        return e.Evaluated(effect.round, dag_cbor.encode(plain))

    def alter(cast: Cast) -> None:
        cast.node("aggregator-1").equip({e.Aggregate: faults.off_by_one})
        cast.node("participant-2").equip({e.PublishUpdate: liars.keeping})
        cast.node("sponsor").equip({e.Evaluate: flattering})

    return play(tmp_path_factory.mktemp("mixed") / "run", plan(schedule=schedule(1)), alter)


def test_one_wrong_member_changes_nothing_but_its_own_fee(mixed: Played) -> None:
    verify(mixed.directory)
    assert "aggregator-1" not in mixed.paid
    assert mixed.paid["aggregator-2"] == mixed.paid["aggregator-3"] == 5 * TOKEN
    assert mixed.summary["slashed"] == {}
    assert mixed.watcher.warnings == []


def test_a_model_that_lost_the_vote_is_evidence_of_whoever_voted_for_it(
    mixed: Played, tmp_path: Path
) -> None:
    verdicts = mixed.cast.nodes[0].state.trail.rounds[1].verdicts.values()
    honest = mixed.summary["rounds"][0]["model_root"]
    trail = mixed.cast.nodes[0].state.trail
    (lost,) = {
        verdict.model_root
        for verdict in verdicts
        if trail.model_header(verdict.model_root).hex() != honest
    }
    run = mixed.copy(tmp_path / "copy")
    path = vector_place(run, mixed.cast.task, lost)
    path.write_bytes(flip(path.read_bytes()))
    message = failure(run)
    assert message.startswith("store: round 1: the new model, voted for by aggregator 0x")
    assert "(aggregator-1): " in message
    path.unlink()
    verify(run)  # nothing rests on it


def test_an_update_that_is_kept_back_is_not_counted_and_not_paid(mixed: Played) -> None:
    assert [(row["revealed"], row["counted"]) for row in mixed.summary["rounds"]] == [(4, 3)]
    assert "participant-2" not in mixed.paid
    assert mixed.paid["participant-1"] == 50 * TOKEN


def test_a_committee_that_attests_what_it_does_not_hold_fails_its_attempt(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        cast.node("participant-2").equip({e.PublishUpdate: liars.keeping})
        cast.node("participant-2").equip({e.Produce: liars.mute})
        faults.equip(cast, "aggregator", {e.Collect: faults.attesting})

    wide: dict[str, Any] = {"schedule": schedule(1), "committee": committee(3, 6)}
    played = play(tmp_path / "run", plan(**wide), alter)
    (row,) = played.summary["rounds"]
    assert (row["attempt"], row["outcome"], row["counted"]) == (2, "settled", 3)
    verdicts = played.cast.nodes[0].state.trail.rounds[1].verdicts.values()
    assert sorted(type(verdict).__name__ for verdict in verdicts) == [
        *["MissingRevealed"] * 3,
        *["VerdictRevealed"] * 3,
    ]
    # What the members named nobody posted: their bonds return, and the owner pays.
    assert played.named("slashed") == {"participant-2": 4 * STAKE}
    verify(played.directory)


# A contract that is not Sheaf's


PARTS = ("bytecode", "runtime")
OVERPAYING = Path(__file__).parent / "artifacts" / "OverpayingFederation.json"


def hiding() -> Artifact:
    """A federation that hides whom it pays: its `Paid` events carry another name."""
    own, topic = artifact("Federation"), federation_interface().topic(Paid)
    assert own.bytecode.count(topic) == 1
    changed = {part: getattr(own, part).replace(topic, flip(topic)) for part in PARTS}
    return replace(own, **changed)


def overpaying() -> Artifact:
    """A federation that pays every participant a unit more than its share, and says so. Compiled
    from the shipped sources with one line changed (contracts/tools/compile.mjs)."""
    made = parse_artifact(OVERPAYING.read_text(encoding="utf-8"))
    return replace(made, abi=artifact("Federation").abi)


Shipped = Callable[[str], Artifact]


def with_federation(made: Artifact) -> Shipped:
    """The shipped contracts but for the federation."""
    return lambda name: made if name == "Federation" else artifact(name)


@pytest.fixture(scope="module", params=[hiding, overpaying])
def dishonest(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Played, Shipped]:
    """A run on a federation that is not Sheaf's."""
    contracts = with_federation(request.param())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_federation, "artifact", contracts)
        run = tmp_path_factory.mktemp("dishonest") / "run"
        return play(run, plan(schedule=schedule(1))), contracts


def test_a_contract_that_is_not_the_shipped_one_is_named(
    dishonest: tuple[Played, Shipped],
) -> None:
    played, _ = dishonest
    where = played.cast.federation.book.federation
    message = failure(played.directory)
    assert message.lower() == (
        f"code: the contract at 0x{where.hex()} is not the federation that sheaf ships"
    )


def test_even_with_its_code_accepted_the_specification_finds_the_payout(
    dishonest: tuple[Played, Shipped], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, contracts = dishonest
    monkeypatch.setattr(verification, "artifact", contracts)
    message = failure(played.directory)
    assert message.startswith("specification: block ")
    assert ": Settle of 0x" in message
    assert "(sponsor): found " in message
    assert "recomputed Paid(" in message


@pytest.mark.parametrize("dishonest", [overpaying], indirect=True)
def test_an_overpayment_is_named_to_the_unit(
    dishonest: tuple[Played, Shipped], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, contracts = dishonest
    # The first participant has two of the five parts of the reward.
    assert played.paid["participant-1"] == 40 * TOKEN + 1
    monkeypatch.setattr(verification, "artifact", contracts)
    found, _, recomputed = failure(played.directory).partition(", recomputed ")
    amounts = [int(part.partition("reward=")[2].partition(",")[0]) for part in (found, recomputed)]
    assert amounts[0] == amounts[1] + 1


def test_a_wrong_amount_is_found_by_the_specification(honest: Played) -> None:
    """As if the contract had paid one unit more than it may, and said so."""
    book = honest.cast.federation.book
    specification = Respecification(book)
    blocks: list[Block] = []
    reexecute(honest.directory / "ledger.sqlite", blocks.append)
    for block in blocks:
        for step in steps(book, [block]):
            events = tuple(
                replace(event, reward=event.reward + 1) if isinstance(event, Paid) else event
                for event in step.events
            )
            wrong = specification.apply(replace(step, events=events))
            if wrong is not None:
                assert isinstance(step.action, Settle)
                assert "Paid(" in wrong.found
                assert "Paid(" in wrong.expected
                return
    pytest.fail("the wrong payout was not found")


# Metrics


def test_honest_metrics_are_recomputed(honest: Played) -> None:
    report = verify(honest.directory, check_metrics)
    (check,) = [check for check in report.checks if check.name == "metrics"]
    assert check.count == 3 * 3
    assert not any("--metrics" in limit for limit in report.limits)


def test_a_metric_that_is_a_lie_is_found_where_it_is_recomputed(mixed: Played) -> None:
    message = failure(mixed.directory, check_metrics)
    assert message.startswith("metrics: round 0: the sponsor reported accuracy Counts(counted=")


def test_a_report_that_is_none_names_the_sponsor(honest: Played) -> None:
    evidence = evidence_of(honest.directory)
    short, unknown = b"\xa1\x63auc\x81\x01", b"\xa1\x61x\x83\x01\x01\x01"
    for metrics in (b"", b"\xff", b"\xa1", b"\x03", short, unknown):
        junk = dataclasses.replace(evidence.trail, metrics={1: metrics})
        with pytest.raises(VerificationFailed) as caught:
            check_reports(replace(evidence, trail=junk), Report(""))
        assert caught.value.message.startswith("reports: round 1: ")
        assert caught.value.message.endswith("; the sponsor reported it")
