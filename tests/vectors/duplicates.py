"""Equal updates: the later commitment loses its pay, not its weight."""

from __future__ import annotations

from sheaf.protocol.actions import Duplicate
from tests.play import TERMS, Play, changed, digest
from tests.vectors.table import vector
from tests.worlds import REWARD, World, account

SAME = digest("the same root")


def copied(world: World, *order: int, **terms: int) -> Play:
    """Three reveals of which those in `order` commit to one root, in that order."""
    play = Play(world, changed(TERMS, **terms)).start()
    for position in order:
        play.commit(position, root=SAME)
    play.commits(*(i for i in range(3) if i not in order))
    play.reveals(0, 1, 2)
    return play


def named(play: Play, earlier: int, later: int) -> list[str]:
    """Anybody names a duplicate."""
    return play.do(account("auditor"), Duplicate(play.id, earlier, later))


def refused(play: Play, earlier: int, later: int) -> str:
    """Somebody names what is none."""
    return play.no(account("auditor"), Duplicate(play.id, earlier, later))


@vector()
def the_later_of_two_equal_updates_is_not_paid(world: World) -> None:
    play = copied(world, 2, 0)
    play.holds(0b111, 0b111, 0b111)
    assert refused(play, 0, 2) == "NotDuplicate"
    assert refused(play, 0, 1) == "NotDuplicate"
    assert refused(play, 1, 0) == "NotDuplicate"
    assert refused(play, 0, 0) == "NotDuplicate"
    assert refused(play, 2, 3) == refused(play, 3, 2) == refused(play, 255, 0) == "NotCounted"
    assert play.no(play.sponsor, Duplicate(SAME, 2, 0)) == "UnknownTask"
    assert named(play, 2, 0) == ["P0 repeats P2"]
    assert refused(play, 2, 0) == "AlreadyDuplicate"
    assert refused(play, 1, 0) == "AlreadyDuplicate"
    play.votes("m", "m", "m")
    play.opens(0, 1, 2)
    # P0's 166 are burned: its samples still weigh, so nobody gains by pointing at it.
    assert play.settle()[:2] == ["P1 +333 bonus 0", "P2 +500 bonus 0"]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 932, "burned": 166, "dust": 2}


@vector()
def three_equal_updates(world: World) -> None:
    play = copied(world, 1, 2, 0)
    play.attempt("m", "m", "m")
    assert named(play, 2, 0) == ["P0 repeats P2"]
    assert refused(play, 0, 1) == "NotDuplicate"
    assert named(play, 1, 2) == ["P2 repeats P1"]
    assert refused(play, 1, 0) == "AlreadyDuplicate"
    # P1 committed first: a third of 1,000 for its 200 of 600 samples. The others get nothing.
    assert play.settle()[:1] == ["P1 +333 bonus 0"]


@vector()
def duplicates_are_named_late_but_not_during_settlement(world: World) -> None:
    play = copied(world, 0, 1, 2)
    play.attempt("m", "m", "m")
    late = Duplicate(play.id, 0, 1)
    assert play.do(account("auditor"), late, play.task.deadline + 5) == ["P1 repeats P0"]
    page = play.settlement("m", steps=1)
    assert play.do(account("auditor"), page) == []
    assert refused(play, 0, 2) == "WrongPhase"
    assert play.settle()[:2] == ["P0 +166 bonus 0", "P2 +500 bonus 0"]


@vector()
def a_duplicate_in_each_phase(world: World) -> None:
    play = Play(world)
    assert refused(play, 0, 1) == "UnknownTask"
    play.publish()
    assert refused(play, 0, 1) == "WrongPhase"
    play.register()
    assert refused(play, 0, 1) == "WrongPhase"
    play.open()
    assert refused(play, 0, 1) == "WrongPhase"
    play.commits(0, 1, 2, root=SAME)
    assert refused(play, 0, 1) == "WrongPhase"
    play.reveals(0, 1, 2)
    assert refused(play, 0, 1) == "NotCounted"
    play.holds(0b111, 0b111, 0b111)
    assert named(play, 0, 1) == ["P1 repeats P0"]
    play.votes("m", "m", "m")
    assert named(play, 1, 2) == ["P2 repeats P1"]
    play.opens(0, 1, 2)
    assert refused(play, 0, 2) == "AlreadyDuplicate"
    assert play.settle()[:1] == ["P0 +166 bonus 0"]
    assert refused(play, 0, 1) == "WrongPhase"


@vector()
def a_second_counted_set_starts_afresh(world: World) -> None:
    play = copied(world, 0, 1)
    play.holds(0b111, 0b111, 0b111)
    assert named(play, 0, 1) == ["P1 repeats P0"]
    play.votes("a", "b", "c")
    play.opens(0, 1, 2)
    # Between the attempts, what the first counted is still owed.
    assert refused(play, 0, 1) == "AlreadyDuplicate"
    play.holds(0b111, 0b111, 0b111)
    assert named(play, 0, 1) == ["P1 repeats P0"]
    play.votes("m", "m", "m")
    play.opens(0, 1, 2)
    assert play.settle()[:2] == ["P0 +166 bonus 0", "P2 +500 bonus 0"]


@vector()
def a_duplicate_that_is_no_longer_counted(world: World) -> None:
    play = copied(world, 0, 1)
    play.holds(0b111, 0b111, 0b111)
    named(play, 0, 1)
    play.votes("a", "b", "c")
    play.opens(0, 1, 2)
    # Without the earlier one, the later one is paid.
    play.holds(0b110, 0b110, 0b110)
    assert refused(play, 0, 1) == "NotCounted"
    play.votes("m", "m", "m")
    play.opens(0, 1, 2)
    assert play.settle()[:2] == ["P1 +400 bonus 0", "P2 +600 bonus 0"]


@vector()
def a_duplicate_in_the_window_of_an_aborted_round(world: World) -> None:
    play = copied(world, 1, 0)
    play.attempt("a", "b", "c")
    play.attempt("a", "b", "c")
    assert play.task.phase.name == "ABORTED"
    assert named(play, 1, 0) == ["P0 repeats P1"]
    assert play.settle()[:2] == ["P1 +333 bonus 0", "P2 +500 bonus 0"]
    assert play.places(REWARD) == {"escrow": 1100, "rewards": 833, "burned": 266, "dust": 1}


@vector()
def a_duplicate_of_a_failed_second_hold(world: World) -> None:
    play = copied(world, 0, 1)
    play.holds(0b111, 0b111, 0b111)
    named(play, 0, 1)
    play.votes("a", "b", "c")
    play.opens(0, 1, 2)
    # Nothing replaced the first counted set, so its duplicates stand.
    assert play.holds(0b001, 0b001, 0b001)[-1] == "ABORTED 1.2 in 1700"
    assert refused(play, 0, 1) == "AlreadyDuplicate"
    assert play.settle()[:2] == ["P0 +166 bonus 0", "P2 +500 bonus 0"]


@vector()
def nothing_is_owed_after_too_few_commits(world: World) -> None:
    play = Play(world).start()
    play.commits(0)
    assert refused(play, 0, 1) == "NotCounted"


@vector()
def a_bonus_survives_a_duplicate(world: World) -> None:
    # The slash share is for revealing in time; only the reward is the duplicate's to lose.
    play = Play(world).start()
    play.commits(0, 1, root=SAME)
    play.reveals(0, 1)
    play.holds(0b011, 0b011, 0b011)
    named(play, 0, 1)
    play.votes("m", "m", "m")
    play.opens(0, 1, 2)
    paid = ["P2 -11 NO_COMMIT", "P0 +333 bonus 2", "P1 +0 bonus 2"]
    assert play.settle()[:3] == paid
