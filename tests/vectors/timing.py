"""Deadlines to the second, and every action in every phase."""

from __future__ import annotations

from sheaf.protocol.actions import (
    Action,
    Advance,
    Challenge,
    Claim,
    Commit,
    CommitVerdict,
    Decide,
    Demand,
    Descend,
    Duplicate,
    Hold,
    Pick,
    Refute,
    Report,
    Reveal,
    Roots,
    Settle,
    Supply,
    Unfold,
)
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.opening import Opening
from tests.play import TERMS, Play, altered, changed, digest
from tests.vectors.table import vector
from tests.worlds import World, account

ROOTS, NOTHING = Roots(ZERO, ZERO, ZERO, ZERO), Opening(b"", ())


def on_time(play: Play, sender: bytes, action: Action, closed: str) -> None:
    """Too late at the deadline, whatever else is wrong; the phase cannot close a second before."""
    deadline, auditor = play.task.deadline, account("auditor")
    assert play.no(auditor, Advance(play.id), deadline - 2) == "NotYet"
    play.do(sender, action, deadline - 1)
    assert play.no(sender, action, deadline) == closed
    assert play.no(account("auditor"), action) == closed
    play.do(auditor, Advance(play.id))


@vector()
def deadlines(world: World) -> None:
    play = Play(world)
    play.publish()
    for seat in play.participants + play.aggregators[:-1]:
        play.do(seat, play.registration(seat))
    last = play.aggregators[-1]
    on_time(play, last, play.registration(last), "RegistrationClosed")
    for seat in play.participants + play.aggregators[:-1]:
        play.do(seat, play.opening(seat))
    on_time(play, last, play.opening(last), "OpeningClosed")
    play.commit(0)
    play.updates[1] = play.update(1)
    commitment = play.commitment(1, play.updates[1])
    on_time(play, play.participant(1), commitment, "CommitClosed")
    play.reveal(0)
    on_time(play, play.participant(1), play.updates[1], "RevealClosed")
    play.do(play.member(0), Hold(play.id, 0b11))
    on_time(play, play.member(1), Hold(play.id, 0b11), "HoldClosed")
    play.vote(0, "m")
    ballot = play.ballots[1] = play.ballot(1, "m")
    on_time(play, play.member(1), play.sealed(play.member(1), ballot), "VerdictCommitClosed")
    play.do(play.member(0), play.ballots[0])
    on_time(play, play.member(1), ballot, "VerdictRevealClosed")
    assert play.task.phase.name == "CHALLENGE"
    assert play.no(play.sponsor, play.settlement("m"), play.task.deadline - 1) == "NotYet"
    assert play.do(play.sponsor, play.settlement("m"), play.task.deadline + 1)[-3:] == [
        "settled 1",
        "cohort of 3",
        "COMMIT 2.0 in 1200",
    ]


def refuse_early(play: Play) -> None:
    """A second before the deadline nobody can close the phase."""
    assert play.no(account("auditor"), Advance(play.id), play.task.deadline - 1) == "NotYet"


@vector()
def no_phase_closes_a_second_early(world: World) -> None:
    play = Play(world)
    play.publish()
    for seat in play.participants + play.aggregators:
        play.do(seat, play.registration(seat))
    refuse_early(play)
    play.close()
    for seat in play.participants + play.aggregators:
        play.do(seat, play.opening(seat))
    refuse_early(play)
    play.close()
    play.commit(0)
    play.commit(1)
    refuse_early(play)
    play.close()
    refuse_early(play)
    play.reveals()
    refuse_early(play)
    assert play.holds() == ["counted 0", "attempt 1 failed TOO_FEW_COUNTED", "HOLD 1.2 in 1400"]


@vector()
def no_verdict_phase_closes_a_second_early(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1)
    play.reveals(0, 1)
    play.holds(0b11, 0b11, 0b11)
    refuse_early(play)
    assert play.votes() == ["VERDICT_REVEAL 1.1 in 1600"]
    refuse_early(play)
    assert play.opens() == ["attempt 1 failed NO_QUORUM", "HOLD 1.2 in 1400"]


@vector()
def a_missing_at_its_deadline(world: World) -> None:
    play = Play(world).start()
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    play.holds(0b111, 0b111, 0b111)
    play.votes((0, 0), "m", "m")
    for slot in (1, 2):
        play.do(play.member(slot), play.ballots[slot])
    on_time(play, play.member(0), play.ballots[0], "VerdictRevealClosed")
    assert play.task.phase.name == "CHALLENGE"


@vector()
def a_late_advance_shifts_what_follows(world: World) -> None:
    # A deadline counts from the phase's start, so nobody's window shrinks by others' delay.
    play = Play(world)
    play.publish()
    late = play.task.deadline + 500
    assert play.do(account("auditor"), Advance(play.id), late) == ["OPEN 0.0 in 1100"]
    assert play.task.deadline == late + 1100


@vector()
def a_deadline_as_late_as_can_be(world: World) -> None:
    play = Play(world, changed(TERMS, register_s=2**32 - 1))
    play.publish()
    assert play.task.deadline == world.now + 4_294_967_295


# Which actions a phase takes, but `report`, which all take, and moves in a dispute, which ask for
# its number first. `duplicate` in HOLD only asks what is owed.
TAKEN: dict[str, tuple[str, ...]] = {
    "REGISTER": ("register", "advance"),
    "OPEN": ("open", "advance"),
    "COMMIT": ("commit", "advance"),
    "REVEAL": ("reveal", "advance"),
    "HOLD": ("hold", "duplicate", "advance"),
    "VERDICT_COMMIT": ("commit_verdict", "demand", "duplicate", "advance"),
    "VERDICT_REVEAL": ("reveal_verdict", "reveal_missing", "demand", "duplicate", "advance"),
    "CHALLENGE": ("challenge", "descend", "demand", "duplicate", "settle"),
    "ABORTED": ("duplicate", "settle"),
    "DONE": ("claim",),
    "ENDED": ("claim",),
}


def attempted(play: Play) -> dict[str, Action]:
    """Every action of a phase as a stranger would send it: never enabled, whatever the phase."""
    stranger, word = account("auditor"), digest("word")
    return {
        "register": play.registration(stranger, role=0),
        "open": play.opening(stranger),
        "advance": Advance(play.id),
        "commit": Commit(play.id, word),
        "reveal": Reveal(play.id, word, 1, ZERO, word),
        "hold": Hold(play.id, 0),
        "commit_verdict": CommitVerdict(play.id, word),
        "reveal_verdict": play.ballot(0, "m"),
        "reveal_missing": play.ballot(0, (0, 0)),
        "duplicate": Duplicate(play.id, 255, 255),
        "settle": Settle(play.id, 0, ZERO, ZERO, ZERO),
        "claim": Claim(play.id),
        "challenge": Challenge(play.id, 0, 0, 0, ROOTS, (), b"", 0),
        "descend": Descend(play.id, 0, ROOTS, 0),
        "demand": Demand(play.id, 255, 0, 0),
    }


def moves(play: Play) -> dict[str, Action]:
    """Every move in a dispute that there is not."""
    return {
        "challenge": Challenge(play.id, 1, 0, 0, ROOTS, (), b"", 0),
        "refute": Refute(play.id, 1, 0, b"", NOTHING),
        "unfold": Unfold(play.id, 1, ()),
        "pick": Pick(play.id, 1, 0, ()),
        "supply": Supply(play.id, 1, NOTHING),
        "decide": Decide(play.id, 1),
    }


def assert_taken(play: Play) -> str:
    """Exactly the actions of the running phase get beyond the phase check; the phase's name."""
    phase = play.task.phase.name
    for name, action in attempted(play).items():
        told = play.no(account("auditor"), action)
        assert (told == "WrongPhase") == (name not in TAKEN[phase]), (phase, name, told)
    for name, action in moves(play).items():
        assert play.no(account("auditor"), action) == "UnknownDispute", (phase, name)
    report = Report(play.id, 0, b"metrics")
    assert play.no(account("auditor"), report) == "NotSponsor"
    assert play.do(play.sponsor, report) == []
    return phase


@vector()
def every_action_in_every_phase(world: World) -> None:
    play = Play(world, changed(TERMS, rounds=1))
    assert play.publish() == ["REGISTER 0.0 in 1000"]
    seen = [assert_taken(play)]
    play.register()
    seen.append(assert_taken(play))
    play.open()
    seen.append(assert_taken(play))
    play.commits(0, 1, 2)
    seen.append(assert_taken(play))
    play.reveals(0, 1, 2)
    seen.append(assert_taken(play))
    play.holds(0b111, 0b111, 0b111)
    seen.append(assert_taken(play))
    play.votes("m", "m", "m")
    seen.append(assert_taken(play))
    play.opens(0, 1, 2)
    seen.append(assert_taken(play))
    play.settle()
    seen.append(assert_taken(play))
    play = Play(world, document="aborted").start()
    play.commits(0)
    seen.append(assert_taken(play))
    play.settle()
    play.commits(0)
    play.settle()
    seen.append(assert_taken(play))
    assert sorted(seen) == sorted(TAKEN)


@vector()
def no_task_no_action(world: World) -> None:
    play = Play(world).start()
    for name, action in (*attempted(play).items(), *moves(play).items()):
        lost = altered(action, task=digest("no task"))
        assert play.no(account("auditor"), lost) == "UnknownTask", name
