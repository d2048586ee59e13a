"""Committees: bitmaps, verdicts, and what a failed attempt leads to."""

from __future__ import annotations

from sheaf.protocol.actions import CommitVerdict, Hold
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind, header
from tests.play import ADAM, MOMENTUM, TERMS, YOGI, Play, altered, changed, digest
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, World

PAID = ["P0 +166 bonus 0", "P1 +333 bonus 0", "P2 +500 bonus 0"]
ON = ["cohort of 3", "COMMIT 2.0 in 1200"]


def at_hold(world: World, document: str = "document", **terms: int) -> Play:
    """Three updates revealed, the first committee's turn; its pool holds two committees."""
    pool = 2 * terms.get("committee", 3)
    play = Play(world, changed(TERMS, **terms), aggregators=pool, document=document).start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    return play


@vector()
def holds(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1, 2)
    play.reveals(0, 2)
    member, bitmap = play.member(0), Hold(play.id, 0b101)
    for sender in (play.member(0, attempt=2), play.participant(0), play.sponsor):
        assert play.no(sender, bitmap) == "NotInCommittee"
    for wrong in (0b010, 0b111, 0b1000, 1 << 255):
        assert play.no(member, Hold(play.id, wrong)) == "NotRevealed"
    assert play.no(member, Hold(digest("no task"), 0)) == "UnknownTask"
    assert play.do(member, bitmap) == ["A1.0 holds 101"]
    assert play.no(member, bitmap) == "AlreadyHeld"
    assert play.no(member, Hold(play.id, 0b010)) == "AlreadyHeld"
    assert play.do(play.member(2), Hold(play.id, 0)) == ["A1.2 holds 0"]


@vector()
def counted_is_what_more_than_a_third_hold(world: World) -> None:
    # Of three seats two must hold: P0 is held by three, P1 by two, P2 by one.
    play = at_hold(world, "three")
    assert play.holds(0b111, 0b011, 0b001) == ["counted 11", "VERDICT_COMMIT 1.1 in 1500"]
    # Of four two, of six three (a third is not more than a third), of seven three.
    play = at_hold(world, "four", committee=4)
    assert play.holds(0b111, 0b011, None, None)[0] == "counted 11"
    play = at_hold(world, "six", committee=6)
    assert play.holds(0b111, 0b111, 0b011, None, None, 0)[0] == "counted 11"
    play = at_hold(world, "seven", committee=7)
    assert play.holds(None, 0b011, 0, 0b101, 0b111, None, 0b001)[0] == "counted 1"


@vector()
def one_silent_member_of_three(world: World) -> None:
    play = at_hold(world)
    assert play.holds(0b111, 0b111, None) == ["counted 111", "VERDICT_COMMIT 1.1 in 1500"]
    play.votes("m", "m", None)
    assert play.opens(0, 1) == ["claimed in 1", "CHALLENGE 1.1 in 1700"]
    fees = ["A1.0 fee 50", "A1.1 fee 50", "A1.2 -19 SILENT"]
    assert play.settle() == [*PAID, *fees, "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1581, "burned": 19}
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1099, "dust": 1}


@vector()
def everybody_silent(world: World) -> None:
    play = at_hold(world)
    failed = ["counted 0", "attempt 1 failed TOO_FEW_COUNTED", "HOLD 1.2 in 1400"]
    assert play.holds(None, None, None) == failed
    failed = ["counted 0", "attempt 2 failed TOO_FEW_COUNTED"]
    aborted = ["aborted TOO_FEW_COUNTED", "ABORTED 1.2 in 1700"]
    assert play.holds(None, None, None) == failed + aborted
    silent = [f"A{a}.{slot} -19 SILENT" for a in (1, 2) for slot in range(3)]
    assert play.settle() == [*silent, *ON]
    # Nothing was counted, so the reward is burned with the fee.
    assert play.places(REWARD) == {"escrow": 1100, "burned": 1100}
    assert play.places(STAKE) == {"stakes": 1486, "burned": 114}


@vector()
def silence_after_a_bitmap(world: World) -> None:
    # No verdict, and a verdict not opened, are silence like no bitmap.
    play = at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes(None, "m", "m")
    assert play.opens(2) == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]
    play.attempt("m", "m", "m")
    silent = ["A1.0 -19 SILENT", "A1.1 -19 SILENT"]
    fees = ["A2.0 fee 33", "A2.1 fee 33", "A2.2 fee 33"]
    assert play.settle() == [*PAID, *silent, *fees, "settled 1", *ON]


@vector()
def an_exhausted_pool(world: World) -> None:
    play = Play(world, aggregators=5).start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    lost = ["attempt 1 failed NO_QUORUM", "aborted POOL_EXHAUSTED", "ABORTED 1.1 in 1700"]
    assert play.attempt("a", "b", "c") == lost
    # Disagreement costs nobody a stake; the counted are paid, the fee is burned.
    assert play.settle() == [*PAID, *ON]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 999, "burned": 100, "dust": 1}
    assert play.places(STAKE) == {"stakes": 1400}


@vector()
def a_pool_exhausted_at_hold(world: World) -> None:
    play = Play(world, aggregators=3).start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    lost = ["attempt 1 failed TOO_FEW_COUNTED", "aborted POOL_EXHAUSTED", "ABORTED 1.1 in 1700"]
    assert play.holds(0b001, 0b001, 0b010) == ["counted 1", *lost]
    assert play.settle() == ON
    assert play.places(REWARD) == {"escrow": 1100, "burned": 1100}


@vector()
def a_committee_of_one(world: World) -> None:
    play = Play(world, changed(TERMS, committee=1), aggregators=2).start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    assert play.holds(0b011) == ["counted 11", "VERDICT_COMMIT 1.1 in 1500"]
    play.votes("m")
    assert play.opens(0) == ["claimed in 1", "CHALLENGE 1.1 in 1700"]
    assert play.settle()[:3] == ["P0 +333 bonus 0", "P1 +666 bonus 0", "A1.0 fee 100"]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1099, "dust": 1}


@vector()
def a_second_attempt_after_no_quorum(world: World) -> None:
    play = at_hold(world)
    assert play.attempt("a", "b", "c") == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]
    first, second = ({play.member(s, attempt=a) for s in range(3)} for a in (1, 2))
    assert first.isdisjoint(second)
    assert play.no(play.member(0, attempt=1), Hold(play.id, 0b111)) == "NotInCommittee"
    assert play.attempt("m", "m", "a") == ["claimed in 2", "CHALLENGE 1.2 in 1700"]
    # Only the settled attempt's equal verdicts earn; a minority loses nothing else.
    assert play.settle() == [*PAID, "A2.0 fee 50", "A2.1 fee 50", "settled 1", *ON]
    assert play.places(STAKE) == {"stakes": 1600}


@vector()
def a_second_attempt_after_too_few_counted(world: World) -> None:
    play = at_hold(world)
    failed = ["counted 1", "attempt 1 failed TOO_FEW_COUNTED", "HOLD 1.2 in 1400"]
    assert play.holds(0b001, 0b001, None) == failed
    assert play.attempt("m", "m", "m", held=0b110)[0] == "claimed in 2"
    paid = ["P1 +400 bonus 0", "P2 +600 bonus 0", "A1.2 -19 SILENT"]
    assert play.settle()[:3] == paid


@vector()
def the_last_counted_set_is_owed(world: World) -> None:
    play = at_hold(world)
    play.attempt("a", "b", "c", held=0b111)
    assert play.attempt("a", "b", "c", held=0b011)[-1] == "ABORTED 1.2 in 1700"
    assert play.settle() == ["P0 +333 bonus 0", "P1 +666 bonus 0", *ON]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 999, "burned": 100, "dust": 1}


@vector()
def a_counted_set_below_the_minimum_does_not_replace_one_that_was_owed(world: World) -> None:
    play = at_hold(world)
    play.attempt("a", "b", "c", held=0b101)
    assert play.holds(0b010, 0b010, 0b010)[0] == "counted 10"
    assert play.task.phase.name == "ABORTED"
    assert play.settle() == ["P0 +250 bonus 0", "P2 +750 bonus 0", *ON]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1000, "burned": 100}


@vector()
def a_quorum_is_two_thirds_of_the_drawn_seats(world: World) -> None:
    # Of four seats three must agree, of seven five; silence does not lower the bar.
    play = at_hold(world, "four", committee=4)
    play.holds(0b111, 0b111, 0b111, None)
    play.votes("m", "m", "a", None)
    assert play.opens(0, 1, 2)[0] == "attempt 1 failed NO_QUORUM"
    assert play.attempt("a", "m", "m", "m")[0] == "claimed in 2"
    play = at_hold(world, "seven", committee=7)
    assert play.attempt("m", "m", "m", "m", "a", "a", "a")[0] == "attempt 1 failed NO_QUORUM"
    assert play.attempt("a", "m", "m", "a", "m", "m", "m")[0] == "claimed in 2"
    assert play.task.current.attempts[1].agreed == 0b1110110


@vector()
def sealed_verdicts(world: World) -> None:
    play = at_hold(world)
    play.holds(0b111, 0b111, None)
    member, silent = play.member(0), play.member(2)
    ballot = play.ballot(0, "m")
    word = play.sealed(member, ballot)
    assert play.no(silent, play.sealed(silent, ballot)) == "NoBitmap"
    for sender in (play.member(0, attempt=2), play.participant(0), play.sponsor):
        assert play.no(sender, word) == "NotInCommittee"
    assert play.no(member, CommitVerdict(play.id, ZERO)) == "ZeroCommitment"
    assert play.no(member, CommitVerdict(digest("no task"), ZERO)) == "UnknownTask"
    assert play.do(member, word) == ["A1.0 voted"]
    assert play.no(member, word) == "AlreadyCommitted"
    assert play.no(member, CommitVerdict(play.id, ZERO)) == "AlreadyCommitted"


@vector()
def opened_verdicts(world: World) -> None:
    play = at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    play.votes("m", "m", None)
    member, ballot, other = play.member(0), play.ballots[0], digest("other")
    for changes, told in (
        ({"weights_root": other}, "WrongRoots"),
        ({"model_root": other}, "CommitmentMismatch"),
        ({"model_root": ZERO}, "WrongRoots"),
        ({"state_root": other}, "WrongRoots"),
        ({"receipt": other}, "CommitmentMismatch"),
        ({"salt": other}, "CommitmentMismatch"),
        ({"task": other}, "UnknownTask"),
    ):
        assert play.no(member, altered(ballot, **changes)) == told
    assert play.no(play.member(2), ballot) == "NotCommitted"
    assert play.no(play.member(1), ballot) == "CommitmentMismatch"
    for sender in (play.member(0, attempt=2), play.participant(0), play.sponsor):
        assert play.no(sender, ballot) == "NotInCommittee"
    assert play.do(member, ballot) == ["A1.0 opened"]
    assert play.no(member, ballot) == "AlreadyRevealed"
    assert play.no(member, play.ballot(0, (0, 0))) == "AlreadyRevealed"


@vector()
def a_verdict_over_another_counted_set_cannot_be_opened(world: World) -> None:
    play = at_hold(world)
    play.holds(0b111, 0b111, 0b111)
    member, ballot = play.member(0), play.ballot(0, "m")
    play.do(member, play.sealed(member, ballot, counted=0b011))
    play.close()
    assert play.no(member, ballot) == "CommitmentMismatch"


@vector()
def a_verdict_of_all_parts(world: World) -> None:
    # The optimiser's state and the receipt are part of the claim, or at least of the commitment.
    play = at_hold(world, "adam", **ADAM)
    play.holds(0b111, 0b111, 0b111)
    for slot in range(3):
        play.ballots[slot] = altered(play.ballot(slot, "m"), receipt=digest("receipt", slot))
        play.do(play.member(slot), play.sealed(play.member(slot), play.ballots[slot]))
    play.close()
    assert play.opens(0, 1, 2)[0] == "claimed in 1"
    whole, at = play.settlement("m"), play.task.deadline
    other = play.task.header(Kind.OPTIMISER_STATE, play.state_root("other"))
    for late, state in enumerate((ZERO, play.state_root("m"), other)):
        wrong = altered(whole, state_root=state)
        assert play.no(play.sponsor, wrong, at + late) == "WrongClaim"
    assert "settled 1" in play.do(play.sponsor, whole)
    assert play.task.state_root == whole.state_root


@vector()
def roots_that_a_verdict_may_not_have(world: World) -> None:
    # What was committed to is opened, and refused all the same: no rule gives weights, and an
    # optimiser always leaves a state.
    play = at_hold(world, "momentum", **MOMENTUM)
    play.holds(0b111, 0b111, 0b111)
    wrong = ({"weights_root": digest("w")}, {"model_root": ZERO}, {"state_root": ZERO})
    for slot, changes in enumerate(wrong):
        play.ballots[slot] = altered(play.ballot(slot, "m"), **changes)
        play.do(play.member(slot), play.sealed(play.member(slot), play.ballots[slot]))
    play.close()
    for slot in range(3):
        assert play.no(play.member(slot), play.ballots[slot]) == "WrongRoots"
    assert play.close()[0] == "attempt 1 failed NO_QUORUM"


@vector()
def states_of_every_optimiser(world: World) -> None:
    # Ten coordinates of 16 or 8 bytes in chunks of 32: five leaves, or three, the last one short.
    for number, (optimiser, element, leaves) in enumerate(
        ((MOMENTUM, 8, 3), (ADAM, 16, 5), (YOGI, 16, 5))
    ):
        terms = changed(TERMS, chunk_log2=5, rounds=1, **optimiser)
        play = Play(world, terms, document=f"document {number}").start()
        assert play.task.state_root == header(3, element, 10, leaves, play.state_root("initial"))
        assert "settled 1" in play.honest_round()
        assert play.task.state_root == header(3, element, 10, leaves, play.state_root("m"))
