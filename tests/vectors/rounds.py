"""Commit, reveal, aborts and what a round leaves behind."""

from __future__ import annotations

from dataclasses import replace

from sheaf.protocol.actions import Commit, Hold, Report
from sheaf.protocol.hashing import ZERO
from tests.play import TERMS, Play, changed, digest
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, World, account


@vector()
def an_honest_task(world: World) -> None:
    play = Play(world).start()
    assert play.commits(0, 1, 2) == ["REVEAL 1.0 in 1300"]
    assert play.reveals(0, 1, 2) == ["HOLD 1.1 in 1400"]
    assert play.holds(0b111, 0b111, 0b111) == ["counted 111", "VERDICT_COMMIT 1.1 in 1500"]
    assert play.votes("m", "m", "m") == ["VERDICT_REVEAL 1.1 in 1600"]
    assert play.opens(0, 1, 2) == ["claimed in 1", "CHALLENGE 1.1 in 1700"]
    # 1,000 by 100 : 200 : 300 samples; a fee of 100 by three; one unit of each is left as dust.
    paid = ["P0 +166 bonus 0", "P1 +333 bonus 0", "P2 +500 bonus 0"]
    fees = ["A1.0 fee 33", "A1.1 fee 33", "A1.2 fee 33"]
    assert play.settle() == [*paid, *fees, "settled 1", "cohort of 3", "COMMIT 2.0 in 1200"]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 1098, "dust": 2}
    assert play.honest_round() == [*paid, *fees, "settled 2", "DONE refund 0 -"]
    assert play.places(REWARD) == {"rewards": 2196, "burned": 4}
    assert play.places(STAKE) == {"stakes": 1600}


@vector()
def commits(world: World) -> None:
    play = Play(world).start()
    member, drawn = play.participant(0), {play.participant(i) for i in range(3)}
    (left_out,) = set(play.participants) - drawn
    word = digest("a commitment")
    for sender in (left_out, play.aggregators[0], play.sponsor):
        assert play.no(sender, Commit(play.id, word)) == "NotInCohort"
    assert play.no(member, Commit(play.id, ZERO)) == "ZeroCommitment"
    assert play.no(member, Commit(digest("no task"), word)) == "UnknownTask"
    # Who is not in the cohort and sends nothing hears of the nothing first.
    assert play.no(left_out, Commit(play.id, ZERO)) == "ZeroCommitment"
    assert play.commit(0) == ["P0 committed"]
    assert play.no(member, Commit(play.id, word)) == "AlreadyCommitted"
    assert play.no(member, Commit(play.id, ZERO)) == "AlreadyCommitted"
    # The order of commitments is kept, whatever the positions are.
    assert play.commit(2) == ["P2 committed"]
    assert play.commit(1) == ["P1 committed"]
    order = [play.task.seats[play.participant(i)].sequence for i in range(3)]
    assert order == [0, 2, 1]


@vector()
def an_unopened_participant_cannot_commit(world: World) -> None:
    play = Play(world)
    play.publish()
    play.register()
    idle = play.participants[3]
    play.open([idle])
    assert play.no(idle, Commit(play.id, digest("a commitment"))) == "NotInCohort"


@vector()
def reveals(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1)
    update, owner = play.updates[0], play.participant(0)
    for changes, told in (
        ({"samples": 0}, "SamplesOutOfRange"),
        ({"samples": 1001}, "SamplesOutOfRange"),
        ({"samples": 101}, "CommitmentMismatch"),
        ({"root": digest("another root")}, "CommitmentMismatch"),
        ({"receipt": digest("another receipt")}, "CommitmentMismatch"),
        ({"salt": digest("another salt")}, "CommitmentMismatch"),
        ({"task": digest("no task")}, "UnknownTask"),
    ):
        assert play.no(owner, replace(update, **changes)) == told, changes
    for sender in (play.participant(2), play.aggregators[0], play.sponsor):
        assert play.no(sender, update) == "NotCommitted"
    assert play.no(play.participant(1), update) == "CommitmentMismatch"
    assert play.reveal(0) == ["P0 revealed 100"]
    assert play.no(owner, update) == "AlreadyRevealed"
    assert play.no(owner, replace(update, samples=0)) == "AlreadyRevealed"


@vector()
def samples_at_their_bounds(world: World) -> None:
    play = Play(world).start()
    play.commit(0, samples=1)
    play.commit(1, samples=1000)
    play.commit(2, samples=1001)  # a commitment hides it; the reveal does not
    play.close()
    assert play.reveal(0) == ["P0 revealed 1"]
    assert play.reveal(1) == ["P1 revealed 1000"]
    assert play.no(play.participant(2), play.updates[2]) == "SamplesOutOfRange"


@vector()
def a_commitment_of_an_earlier_round_cannot_be_revealed(world: World) -> None:
    play = Play(world, participants=3).start()
    play.commits(0, 1, 2)
    owner, update = play.participant(0), play.updates[0]
    play.reveals(1, 2)
    play.attempt("m", "m", "m", held=0b110)
    play.settle()
    others = [i for i in range(3) if play.participant(i) != owner]
    play.commits(*others)
    assert play.no(owner, update) == "NotCommitted"


@vector()
def the_cohort_is_everybody(world: World) -> None:
    play = Play(world, participants=3).start()
    assert {play.participant(i) for i in range(3)} == set(play.participants)
    assert play.honest_round()[-2:] == ["cohort of 3", "COMMIT 2.0 in 1200"]
    assert {play.participant(i) for i in range(3)} == set(play.participants)


@vector()
def nobody_commits_twice(world: World) -> None:
    play = Play(world).start()
    assert play.commits() == ["aborted TOO_FEW_COMMITS", "ABORTED 1.0 in 1700"]
    slashed = ["P0 -11 NO_COMMIT", "P1 -11 NO_COMMIT", "P2 -11 NO_COMMIT"]
    # Nobody revealed, so nobody shares: all is burned. The escrow is untouched.
    assert play.settle() == [*slashed, "cohort of 3", "COMMIT 2.0 in 1200"]
    assert play.places(STAKE) == {"stakes": 1567, "burned": 33}
    assert play.places(REWARD) == {"escrow": 2200}
    assert play.commits() == ["aborted TOO_FEW_COMMITS", "ABORTED 2.0 in 1700"]
    assert play.settle() == [*slashed, "ENDED refund 2200 TWO_ABORTS"]
    assert play.places(STAKE) == {"stakes": 1534, "burned": 66}
    assert play.places(REWARD) == {"withdrawable": 2200}


@vector()
def one_commit_short_of_the_minimum(world: World) -> None:
    play = Play(world).start()
    assert play.commits(1) == ["aborted TOO_FEW_COMMITS", "ABORTED 1.0 in 1700"]
    # Reveals never opened: whoever committed is not slashed for not revealing.
    assert play.settle()[:2] == ["P0 -11 NO_COMMIT", "P2 -11 NO_COMMIT"]
    assert play.places(STAKE) == {"stakes": 1578, "burned": 22}
    assert play.places(REWARD) == {"escrow": 2200}


@vector()
def an_unspent_round_goes_back_to_the_sponsor_at_the_end(world: World) -> None:
    play = Play(world).start()
    play.commits(0)
    play.settle()
    assert play.honest_round()[-1] == "DONE refund 1100 -"
    assert play.places(REWARD) == {"rewards": 1098, "burned": 2, "withdrawable": 1100}


@vector()
def nobody_reveals(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1)
    assert play.reveals() == ["HOLD 1.1 in 1400"]
    for attempt in (1, 2):
        assert play.no(play.member(0), Hold(play.id, 1)) == "NotRevealed"
        assert play.holds(0, 0, 0)[:2] == ["counted 0", f"attempt {attempt} failed TOO_FEW_COUNTED"]
    # The absent one's 11 have nobody to share them; the two others lose the larger 13.
    assert play.settle()[:3] == ["P0 -13 NO_REVEAL", "P1 -13 NO_REVEAL", "P2 -11 NO_COMMIT"]
    assert play.places(STAKE) == {"stakes": 1563, "burned": 37}
    assert play.places(REWARD) == {"escrow": 1100, "burned": 1100}


@vector()
def one_does_not_reveal(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1, 2)
    play.reveals(0, 2)
    play.attempt("m", "m", "m", held=0b101)
    # 1,000 by 100 : 300. What a withheld opening costs is burned, never shared.
    assert play.settle()[:3] == ["P1 -13 NO_REVEAL", "P0 +250 bonus 0", "P2 +750 bonus 0"]
    assert play.places(STAKE) == {"stakes": 1587, "burned": 13}


@vector()
def two_aborts_in_a_row_end_the_task(world: World) -> None:
    play = Play(world, changed(TERMS, rounds=5), aggregators=3)
    play.start()
    paid = ["P0 +166 bonus 0", "P1 +333 bonus 0", "P2 +500 bonus 0"]
    for last in (["cohort of 3", "COMMIT 2.0 in 1200"], ["ENDED refund 3300 TWO_ABORTS"]):
        play.commits(0, 1, 2)
        play.reveals(0, 1, 2)
        assert play.attempt("a", "b", "c")[-1].startswith("ABORTED")
        assert play.settle() == paid + last
    # Both rewards were owed; both fees are burned, and so is the dust at the end.
    assert play.places(REWARD) == {"rewards": 1998, "burned": 202, "withdrawable": 3300}


@vector()
def a_settled_round_forgives_an_abort(world: World) -> None:
    play = Play(world, changed(TERMS, rounds=4)).start()
    play.commits(0)
    play.settle()
    assert play.task.aborts == 1
    model = play.task.model_root
    play.honest_round()
    assert play.task.aborts == 0
    assert play.task.model_root != model
    settled = play.task.model_root
    play.commits(0)
    assert play.settle()[-1] == "COMMIT 4.0 in 1200"
    assert play.task.model_root == settled
    # The fourth and last round aborts as well: with the third that makes two in a row.
    play.commits(0)
    assert play.settle()[-1] == "ENDED refund 3300 TWO_ABORTS"


@vector()
def a_last_round_that_aborts_alone(world: World) -> None:
    play = Play(world).start()
    play.honest_round()
    play.commits(0)
    assert play.settle()[-1] == "DONE refund 1100 -"
    assert play.task.aborts == 1


@vector()
def samples_of_an_earlier_round_are_overwritten(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1, 2, samples=1000)
    play.reveals(0, 1, 2)
    play.attempt("m", "m", "m")
    assert play.settle()[:2] == ["P0 +333 bonus 0", "P1 +333 bonus 0"]
    play.commit(0, samples=1)
    play.commit(1, samples=2)
    play.commits(2, samples=5)
    play.reveals(0, 1, 2)
    play.attempt("m", "m", "m")
    assert play.settle()[:3] == ["P0 +125 bonus 0", "P1 +250 bonus 0", "P2 +625 bonus 0"]


@vector()
def reports(world: World) -> None:
    play = Play(world)
    metrics = digest("metrics")
    assert play.no(play.sponsor, Report(play.id, 0, metrics)) == "UnknownTask"
    play.publish()
    assert play.no(account("auditor"), Report(play.id, 0, metrics)) == "NotSponsor"
    assert play.no(account("auditor"), Report(play.id, 9, bytes(2000))) == "NotSponsor"
    assert play.no(play.sponsor, Report(play.id, 1, bytes(2000))) == "UnknownRound"
    assert play.no(play.sponsor, Report(play.id, 0, bytes(1025))) == "ReportTooLong"
    play.do(play.sponsor, Report(play.id, 0, bytes(1024)))
    play.do(play.sponsor, Report(play.id, 0, b""))
    play.register()
    play.open()
    play.do(play.sponsor, Report(play.id, 1, metrics))
    assert play.no(play.sponsor, Report(play.id, 2, metrics)) == "UnknownRound"
