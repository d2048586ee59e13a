"""Everything one actor did: lines by hand, and money that the contracts' books agree with."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from sheaf.audit.biography import Biography, biography
from sheaf.nodes import effects as e
from sheaf.protocol.errors import InvalidUsage
from sheaf.simulation import liars
from tests.audit.scene import GAS, evidence_of, played, trained
from tests.nodes import faults
from tests.nodes.courtroom import Courtroom
from tests.nodes.plans import STAKE, TOKEN
from tests.nodes.stage import Played
from tests.nodes.stage import evidence_of as verified


def lines(told: Biography) -> list[str]:
    return [line for deed in told.deeds for line in deed.lines]


def without_hashes(told: Biography) -> list[str]:
    return [
        " ".join(word if len(word.rstrip(",")) != 64 else "HASH" for word in line.split(" "))
        for line in lines(told)
    ]


@pytest.fixture(scope="module")
def room() -> Courtroom:
    made = Courtroom()
    made.run()
    return made


def test_a_participant_s_task(room: Courtroom) -> None:
    """Ten of a hundred samples: a tenth of the round's hundred tokens."""
    told = biography(evidence_of(room), "participant-1")
    position = room.trail.rounds[1].cohort.index(told.account)
    assert told.account == room.account("participant-1")
    assert without_hashes(told) == [
        f"took a seat as participant, stake {4 * STAKE} units of the stake token",
        "opened its nonce, index 0 among its kind",
        f"round 1: drawn into the cohort, position {position} of 4",
        "round 1: committed to HASH",
        "round 1: revealed update HASH trained on 10 samples",
        "round 1, attempt 1: its update was counted",
        f"round 1: paid {10 * TOKEN} units of the reward token",
        f"left its seat with stake {4 * STAKE} units of the stake token and earnings "
        f"{10 * TOKEN} units of the reward token",
        f"withdrew {4 * STAKE} units of the stake token",
        f"withdrew {10 * TOKEN} units of the reward token",
    ]
    own = [deed for deed in told.deeds if deed.sent]
    assert [deed.action for deed in own] == ["Register", "Open", "Commit", "Reveal", "Claim"]
    assert told.gas == 5 * GAS
    assert [deed.gas for deed in told.deeds if not deed.sent] == [0, 0, 0]
    balance = told.balance
    assert (balance.payouts, balance.bonuses, balance.slashed) == (10 * TOKEN, 0, 0)
    assert balance.withdrawn == {"stake": 4 * STAKE, "reward": 10 * TOKEN}
    assert (balance.stake_held, balance.credit_held) == (0, 0)


def test_before_the_end_the_seat_holds_what_was_earned() -> None:
    room = Courtroom()
    room.run(lambda trail: trail.over)
    balance = biography(evidence_of(room), "participant-4").balance
    assert (balance.stake_held, balance.credit_held) == (4 * STAKE, 40 * TOKEN)
    assert balance.withdrawn == {"stake": 0, "reward": 0}


def test_a_member_of_the_committee_and_the_sponsor(room: Courtroom) -> None:
    evidence = evidence_of(room)
    member = room.trail.committee(1, 1)[1]
    told = without_hashes(biography(evidence, to_checksum_address(member)))
    assert told[2:8] == [
        "round 1, attempt 1: drawn into the committee, slot 1 of 3",
        "round 1, attempt 1: attested 4 updates (bitmap 0xf)",
        "round 1, attempt 1: committed to verdict HASH",
        "round 1, attempt 1: opened its verdict, model HASH",
        "round 1, attempt 1: its verdict agreed with the claim",
        f"round 1: paid a fee of {10 * TOKEN // 3} units of the reward token",
    ]
    sponsor = biography(evidence, "sponsor")
    told = without_hashes(sponsor)
    assert told == [f"published the task, {110 * TOKEN} units of the reward token deposited"]
    assert {deed.action for deed in sponsor.deeds} >= {"Publish", "Advance", "Settle", "Report"}


MUTE: dict[type[object], Any] = {e.PublishUpdate: liars.keeping, e.Produce: liars.mute}


def test_who_lost_in_court_and_who_won() -> None:
    """A participant keeps its update back, the committee attests it all the same: it is demanded,
    dropped, and costs the participant four tokens of stake."""
    first = faults.in_first_attempts
    blind: dict[type[object], Any] = {
        e.Collect: faults.attesting,
        e.Aggregate: first(faults.from_nothing),
        e.PublishModel: faults.withholding,
    }
    room = Courtroom({"participant-2": MUTE, "aggregator": blind})
    room.run()
    evidence = evidence_of(room)
    loser = biography(evidence, "participant-2", lambda kind, amount: f"{amount // STAKE} {kind}")
    assert "round 1: its update was dropped as withheld" in lines(loser)
    assert "round 1: slashed 4 stake (withheld)" in lines(loser)
    assert "round 1, attempt 2: its update was not counted" in lines(loser)
    assert (loser.balance.slashed, loser.balance.payouts) == (4 * STAKE, 0)
    challenger = biography(evidence, "challenger")
    moves = [line for line in lines(challenger) if "dispute 1" in line]
    position = room.trail.rounds[1].cohort.index(loser.account)
    assert moves[0] == (f"round 1, dispute 1: challenger demands chunk 2 of update {position}")
    assert moves[1] == "round 1, dispute 1: upheld: update dropped"
    assert moves[2].startswith(f"round 1, dispute 1: bond of {STAKE} units of the stake token")


def test_who_differed_from_the_claim(room: Courtroom) -> None:
    """Who is drawn depends on the participants alone; so the liar sits in the same committee."""
    liar = evidence_of(room).names[to_checksum_address(room.trail.committee(1, 1)[0])]
    lied = Courtroom({liar: {e.Aggregate: faults.off_by_one}})
    lied.run()
    told = lines(biography(evidence_of(lied), liar))
    assert "round 1, attempt 1: its verdict differed from the claim" in told
    assert not any("paid a fee" in line for line in told)


def test_whose_update_is_another_s() -> None:
    same = trained(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, samples=10)
    room = played({"participant-1": same, "participant-2": same})
    found, evidence = room.trail.rounds[1], evidence_of(room)
    (later,) = found.duplicates
    names = {found.reveals[later].account: True}
    for name in ("participant-1", "participant-2"):
        told = [line for line in lines(biography(evidence, name)) if "update equals" in line]
        assert bool(told) == names.get(room.account(name), False)


def test_the_real_ledger_s_gas_and_payouts(honest: Played) -> None:
    """On the real ledger: seven seats, each with its own gas, which is all of the steps'."""
    evidence = verified(honest.directory)
    everybody = [biography(evidence, name) for name in evidence.names.values()]
    assert sum(told.gas for told in everybody) == sum(step.gas for step in evidence.steps)
    paid = {told.who.partition("(")[2].rstrip(")"): told.balance.payouts for told in everybody}
    assert {name: amount for name, amount in paid.items() if amount} == honest.paid


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("", "which is nobody here"),
        ("0x", "which is nobody here"),
        ("somebody", "which is nobody here"),
        ("ffffffffff", "which is nobody here"),
    ],
)
def test_who_is_nobody_is_refused(room: Courtroom, reference: str, told: str) -> None:
    with pytest.raises(InvalidUsage, match=told):
        biography(evidence_of(room), reference)


def test_a_prefix_names_one_or_is_refused(room: Courtroom) -> None:
    evidence = evidence_of(room)
    accounts = [room.account(name) for name in room.actors]
    for account in accounts:
        same = [other for other in accounts if other.hex()[0] == account.hex()[0]]
        if len(same) == 1:
            assert biography(evidence, account.hex()[0]).account == account
        else:
            with pytest.raises(InvalidUsage, match=r"which is \w+ 0x"):
                biography(evidence, account.hex()[0])
    assert len({account.hex()[0] for account in accounts}) not in (1, len(accounts))
