"""What a report keeps whole of what a verification says, and what it cuts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from sheaf.audit.dossier import dossier, text
from sheaf.audit.page import page
from sheaf.nodes import effects as e
from sheaf.nodes.evidence import LONGEST, Evidence, Report
from sheaf.nodes.receipts import findings, note_withheld, owed
from sheaf.nodes.replay import check_disputes
from sheaf.protocol.hashing import ZERO
from sheaf.simulation import liars
from tests.audit.scene import trained
from tests.audit.staging import pageant, played
from tests.audit.trials import NUMBERED, argued, evidence_in, withheld
from tests.nodes import courtroom, faults
from tests.nodes.stage import Played, evidence_of
from tests.nodes.test_acts import naming
from tests.nodes.test_court import MOMENTUM


def judged(name: str) -> tuple[Evidence, Report, list[str]]:
    """A claim that fell, with everybody called `name`, and the addresses of those who voted for
    it."""
    evidence, report = argued()
    evidence = replace(evidence, names=dict.fromkeys(evidence.names, name))
    check_disputes(evidence, report)
    (attempt,) = evidence.trail.rounds[1].failed
    voters = evidence.trail.voters(evidence.trail.rounds[1].claims[attempt]).values()
    return evidence, report, [str(to_checksum_address(v.account)) for v in voters]


@pytest.mark.parametrize("name", ["an aggregator", "é" * 500])
def test_a_report_names_everybody_who_voted_for_a_claim_that_fell(name: str) -> None:
    evidence, report, voters = judged(name)
    assert len(voters) == 3
    made = dossier(evidence, report)
    fallen, dispute = made["verification"]["court"]
    assert all(f"{address} ({name[:LONGEST]}" in fallen for address in voters)
    settled = evidence.trail.model_after(1, evidence.task.model.initial).hex()
    assert fallen.endswith(f"overturned by dispute 1; the counted updates give model {settled}")
    assert dispute.endswith("upheld: claim overturned")
    for content in (text(made), page(made)):
        assert all(content.count(address) > 1 for address in voters)  # not among the actors alone
    assert name[:LONGEST] in page(made)
    assert len(name) <= LONGEST or name[: LONGEST + 1] not in page(made)


def test_a_report_names_every_receipt_that_no_store_has_whole() -> None:
    made = pageant(3, 1, receipts=True)
    evidence, report = played(made, dict.fromkeys(made.people, "n" * 500))
    note_withheld(evidence, report)
    named = [each.receipt.hex() for each in owed(evidence) if each.receipt != ZERO]
    found = dossier(evidence, report)
    assert [line[-64:] for line in found["verification"]["withheld"]] == named
    wrong = [each.wrong for each in findings(evidence) if each.wrong]
    assert found["receipts"]["told"] == wrong
    assert all("not in this memory store" in line for line in wrong)


def test_the_summary_of_a_report_tells_of_receipts_that_do_not_hold(honest: Played) -> None:
    evidence = evidence_of(honest.directory)

    def told(found: Evidence) -> list[str]:
        summary = dossier(found, Report("00" * 32))["summary"]
        return [line for line in summary if line.startswith("Of what the actors signed, ")]

    assert told(evidence) == []
    withheld = naming(evidence, b"never shown", kept=False, report=0)
    missing = "Of what the actors signed, no store has the bytes of 1 receipt"
    assert told(withheld) == [f"{missing}."]
    assert told(naming(withheld, b"no receipt")) == [f"{missing} and 1 receipt does not hold."]


def test_a_dispute_shows_what_was_held_against_each_other() -> None:
    made = dossier(*argued())
    (dispute,) = made["disputes"]
    held = dispute["weighed"]
    filed = sorted(zip(held["samples"], held["entry"], strict=True))
    assert filed == [(10, 301), (20, 302), (30, 303), (40, 304)]
    # (10 * 301 + 20 * 302 + 30 * 303 + 40 * 304) / 100 = 303, and the liar claims one more.
    assert held["aggregate"] == 303
    old = int(held["old"][0])
    assert (held["computed"], held["claimed"]) == ([str(old + 303)], [str(old + 304)])
    assert held["state"] == []
    named = {
        made["actors"][place]["name"]: n
        for place, n in zip(held["actor"], held["samples"], strict=True)
    }
    assert named == {f"participant-{n}": 10 * n for n in range(1, 5)}
    shown = page(made)
    assert f"<dt>value that follows</dt><dd><code>{old + 303}</code></dd>" in shown
    assert f"<dt>value that was claimed</dt><dd><code>{old + 304}</code></dd>" in shown
    assert "The column that the challenger filed" in shown


def test_a_dispute_without_a_challenge_weighs_nothing() -> None:
    made = dossier(*evidence_in(withheld()))
    assert [dispute["weighed"] for dispute in made["disputes"]] == [None, None, None]


def test_what_follows_from_a_column_is_weighed_by_samples() -> None:
    fault = faults.in_first_attempts(liars.wrong_at(299))
    lies: dict[type[object], Any] = {e.Aggregate: fault}
    far: dict[type[object], Any] = {e.Train: trained(*[1000] * 519, samples=10)}
    room = courtroom.held({"aggregator": lies, "participant-1": far}, **NUMBERED)
    ((held,),) = [[d["weighed"]] for d in dossier(*evidence_in(room))["disputes"]]
    # (10 * 1000 + 20 * 302 + 30 * 303 + 40 * 304) / 100 = 372.9; not weighed it would be 477.25.
    assert held["aggregate"] == 373
    assert int(held["claimed"][0]) - int(held["computed"][0]) == 1


@pytest.mark.parametrize("what", ["model", "state"])
def test_an_optimisers_step_is_shown_with_its_moments(what: str) -> None:
    """FedAvgM whose decay divides by 4, with a rate of 1, of 16 fraction bits: M is a quarter of
    the aggregate at 24 bits, and the model moves by M."""
    fault = faults.off_by_one if what == "model" else faults.off_by_one_in_state
    lies: dict[type[object], Any] = {e.Aggregate: faults.in_first_attempts(fault)}
    room = courtroom.held({"aggregator": lies}, algorithm=MOMENTUM, rounds=1)
    (dispute,) = dossier(*evidence_in(room))["disputes"]
    held, at = dispute["weighed"], dispute["coordinate_or_chunk"]
    assert held["aggregate"] == at + 4  # the mean of at + 2 to at + 5, weighed by 10 to 40
    moment = (at + 4) * 2**8 // 4
    if what == "state":
        assert (held["old"], held["computed"]) == (["0", "0"], [str(moment), "0"])
        assert held["state"] == []
    else:
        assert held["state"] == ["0", "0"]
        moved = int(held["computed"][0]) - int(held["old"][0])
        assert abs(moved * 2**8 - moment) <= 2**7
    assert held["claimed"] != held["computed"]
    assert "optimiser&#x27;s M and V before" in page(dossier(*evidence_in(room))) or what == "state"
