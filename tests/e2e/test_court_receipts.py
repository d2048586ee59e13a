"""What is done in court is signed: each move on the real contracts names a receipt that holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sheaf.identity.statement import Subject
from sheaf.nodes import effects as e
from sheaf.nodes.cast import Cast
from sheaf.nodes.receipts import Finding, check_receipts, findings
from sheaf.nodes.verification import verify
from sheaf.simulation import liars
from tests.e2e.test_court import BLIND, CLAIMS, HIDES, LIES, contested, faulty
from tests.nodes import faults
from tests.nodes.stage import evidence_of, play


def acts(directory: Path, alter: Callable[[Cast], None]) -> dict[str, list[Finding]]:
    """The signed acts of a contested run by their names, once all receipts were found to hold."""
    played = play(directory / "run", contested(), alter)
    report = verify(played.directory, check_receipts)
    (check,) = [each for each in report.checks if each.name == "receipts"]
    assert "steps without one" not in check.detail
    assert report.withheld == []
    found: dict[str, list[Finding]] = {}
    for each in findings(evidence_of(played.directory)):
        if each.owed.step.act is not None:
            found.setdefault(each.owed.step.act.name, []).append(each)
    return found


def test_a_challenge_and_its_decision(tmp_path: Path) -> None:
    found = acts(tmp_path, faulty("aggregator", CLAIMS))
    assert sorted(found) == ["challenge", "decide", "publish", "report"]
    (challenge,), (decide,) = found["challenge"], found["decide"]
    step = challenge.owed.step
    assert (step.role, step.round, step.attempt) == ("challenger", 1, 1)
    assert step.act is not None
    assert (step.act.dispute, step.act.position) == (None, None)
    assert step.counted == (0, 1, 2, 3)
    assert decide.owed.step.act is not None
    assert decide.owed.step.act.dispute == 1
    # Both are about the claimed model, as the verdicts have it.
    claimed = decide.owed.step.subjects[0]
    assert claimed.name == "model"
    assert step.subjects[0] == claimed


def test_a_descent_and_who_answers_in_it(tmp_path: Path) -> None:
    found = acts(tmp_path, faulty("aggregator", HIDES))
    moves = {"descend", "unfold", "pick", "supply", "challenge", "decide"}
    assert moves <= found.keys()
    roles = {name: found[name][0].owed.step.role for name in moves}
    assert roles["descend"] == roles["pick"] == "challenger"
    assert roles["unfold"] == roles["supply"] == "aggregator"
    answer = found["unfold"][0].signed
    assert answer is not None
    # Who has a seat signs with the key that its nonce bound.
    assert answer.receipt.binding is None
    assert answer.receipt.blind is not None


def test_a_demand_names_the_update(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        cast.node("participant-2").equip({e.PublishUpdate: liars.keeping})
        faults.equip(cast, "aggregator", BLIND)

    found = acts(tmp_path, alter)
    demand, supply = (found[name][0].owed.step for name in ("demand", "supply"))
    assert demand.act is not None
    assert supply.act is not None
    assert (demand.act.dispute, supply.act.dispute) == (None, 1)
    assert (demand.role, supply.role) == ("challenger", "participant")
    # The demand is about the update of the participant that answers it.
    assert demand.act.position == supply.act.position
    assert demand.subjects[0] == supply.subjects[0]
    assert demand.subjects[0].name == "update"


def test_a_refutation_names_the_update_that_was_misquoted(tmp_path: Path) -> None:
    found = acts(tmp_path, faulty("challenger", LIES))
    challenge, refute = found["challenge"][0].owed.step, found["refute"][0].owed.step
    assert challenge.act is not None
    assert refute.act is not None
    assert (refute.act.dispute, refute.role) == (1, "participant")
    assert refute.act.position is not None
    assert isinstance(refute.subjects[0], Subject)
    assert refute.subjects[0].name == "update"
