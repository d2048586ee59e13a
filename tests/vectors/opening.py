"""Registration and opening: seats, stakes, nonces, and tasks that never begin."""

from __future__ import annotations

from sheaf.protocol.actions import Advance, Claim, Open, Withdraw
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Role
from tests.play import TERMS, Play, changed, digest
from tests.vectors.table import vector
from tests.worlds import DEPLOYMENT, REWARD, STAKE, World, account


@vector()
def registration(world: World) -> None:
    play = Play(world)
    seat, other = play.participants[:2]
    assert play.no(seat, play.registration(seat)) == "UnknownTask"
    play.publish()
    for changes, told in (
        ({"role": 0}, "UnknownRole"),
        ({"role": 3}, "UnknownRole"),
        ({"role": 255, "nonce_hash": ZERO}, "UnknownRole"),
        ({"nonce_hash": ZERO, "stake": 0}, "ZeroCommitment"),
        ({"stake": 99}, "StakeTooLow"),
        ({"stake": 2**96}, "AmountTooLarge"),
        ({"role": Role.AGGREGATOR, "stake": 199}, "StakeTooLow"),
        ({"task": digest("no task")}, "UnknownTask"),
    ):
        assert play.no(seat, play.registration(seat, **changes)) == told, changes
    play.do(seat, play.registration(seat))
    assert play.no(seat, play.registration(seat)) == "AlreadyRegistered"
    twice = play.registration(seat, role=Role.AGGREGATOR, stake=0, nonce_hash=ZERO)
    assert play.no(seat, twice) == "AlreadyRegistered"
    play.do(other, play.registration(other, stake=2**96 - 1))
    assert play.places(STAKE) == {"stakes": 2**96 + 99}
    assert play.task.registered == {Role.PARTICIPANT: 2, Role.AGGREGATOR: 0}


@vector()
def a_full_role(world: World) -> None:
    play = Play(world)
    play.publish()
    seat, other = play.participants[:2]
    world.set_registered(play.id, Role.PARTICIPANT, 2**24 - 2)
    play.do(seat, play.registration(seat))
    assert play.no(other, play.registration(other)) == "RoleFull"
    aggregator = play.registration(play.aggregators[0])
    play.do(play.aggregators[0], aggregator)
    assert play.task.registered == {Role.PARTICIPANT: 2**24 - 1, Role.AGGREGATOR: 1}


@vector()
def opening(world: World) -> None:
    play = Play(world)
    play.publish()
    seat, late = play.participants[0], account("auditor")
    assert play.no(seat, play.opening(seat)) == "WrongPhase"
    assert play.register() == ["OPEN 0.0 in 1100"]
    assert play.no(late, play.registration(late)) == "WrongPhase"
    assert play.no(late, play.opening(late)) == "NotRegistered"
    assert play.no(seat, Open(play.id, digest("another nonce"))) == "NonceMismatch"
    assert play.no(seat, Open(digest("no task"), ZERO)) == "UnknownTask"
    # Indices are given per role, in the order of opening.
    assert play.do(play.aggregators[2], play.opening(play.aggregators[2])) == [
        "opened AGGREGATOR 0"
    ]
    second = play.participants[1]
    assert play.do(second, play.opening(second)) == ["opened PARTICIPANT 0"]
    assert play.do(seat, play.opening(seat)) == ["opened PARTICIPANT 1"]
    assert play.no(seat, play.opening(seat)) == "AlreadyOpened"
    # An opened seat says so before a wrong nonce does.
    assert play.no(seat, Open(play.id, digest("another nonce"))) == "AlreadyOpened"


@vector()
def the_first_cohort(world: World) -> None:
    play = Play(world)
    play.publish()
    play.register()
    assert play.open() == ["cohort of 3", "COMMIT 1.0 in 1200"]
    cohort = {play.participant(i) for i in range(3)}
    assert len(cohort) == 3
    assert cohort < set(play.participants)


@vector()
def a_smaller_cohort_than_the_goal(world: World) -> None:
    play = Play(world, changed(TERMS, goal=5))
    play.publish()
    play.register()
    assert play.open(play.participants[:1]) == ["cohort of 3", "COMMIT 1.0 in 1200"]


@vector()
def too_few_participants_open(world: World) -> None:
    play = Play(world)
    play.publish(deposit=2300)
    play.register()
    assert play.open(play.participants[1:]) == ["ENDED refund 2300 TOO_FEW_SEATS"]
    assert play.places(REWARD) == {"withdrawable": 2300}
    assert play.do(play.sponsor, Withdraw(REWARD)) == ["withdrew 2300"]
    assert play.no(play.sponsor, Withdraw(REWARD)) == "NothingToWithdraw"
    # Three participants lose the nonce's 7 of 100, all others get their stake back.
    opened, unopened = play.participants[:2]
    assert play.do(opened, Claim(play.id)) == ["claims 100 and 0", "withdrew 100"]
    left = ["unnamed -7 NO_NONCE", "claims 93 and 0", "withdrew 93"]
    assert play.do(unopened, Claim(play.id)) == left
    assert play.no(unopened, Claim(play.id)) == "NothingToClaim"
    assert play.places(STAKE) == {"stakes": 1400, "burned": 7}


@vector()
def too_few_aggregators_open(world: World) -> None:
    play = Play(world)
    play.publish()
    play.register()
    assert play.open(play.aggregators[2:]) == ["ENDED refund 2200 TOO_FEW_SEATS"]
    assert play.no(account("auditor"), Advance(play.id)) == "WrongPhase"
    assert play.no(account("auditor"), Claim(play.id)) == "NothingToClaim"


@vector()
def just_enough_seats(world: World) -> None:
    play = Play(world)
    play.publish()
    play.register()
    without = play.participants[2:] + play.aggregators[3:]
    assert play.open(without) == ["cohort of 2", "COMMIT 1.0 in 1200"]


@vector()
def nobody_registers(world: World) -> None:
    play = Play(world)
    play.publish()
    assert play.register(()) == ["OPEN 0.0 in 1100"]
    assert play.close() == ["ENDED refund 2200 TOO_FEW_SEATS"]


@vector()
def an_unopened_seat_is_dropped_and_pays_at_claim(world: World) -> None:
    play = Play(world, changed(TERMS, rounds=1), aggregators=7)
    play.publish()
    play.register()
    idle = play.aggregators[6]
    play.open([idle])
    assert idle not in [play.task.member_at(a, s) for a in (1, 2) for s in range(3)]
    play.honest_round()
    left = ["unnamed -7 NO_NONCE", "claims 193 and 0", "withdrew 193"]
    assert play.do(idle, Claim(play.id)) == left
    assert play.no(idle, Claim(play.id)) == "NothingToClaim"
    assert play.places(STAKE) == {"stakes": 1600, "burned": 7}


@vector()
def a_nonce_deposit_of_the_whole_stake(world: World) -> None:
    play = Play(world, changed(TERMS, slash_nonce=100))
    play.publish()
    play.register()
    play.open(play.participants)
    seat = play.participants[0]
    assert play.do(seat, Claim(play.id)) == ["unnamed -100 NO_NONCE", "claims 0 and 0"]
    assert play.no(seat, Claim(play.id)) == "NothingToClaim"
    assert play.no(seat, Withdraw(STAKE)) == "NothingToWithdraw"


@vector()
def a_copied_nonce_hash_cannot_be_opened(world: World) -> None:
    play = Play(world)
    play.publish()
    owner, copier = play.participants[:2]
    copied = play.registration(owner)
    play.do(owner, copied)
    play.do(copier, play.registration(copier, nonce_hash=copied.nonce_hash))
    play.close()
    play.do(owner, play.opening(owner))
    assert play.no(copier, play.opening(owner)) == "NonceMismatch"


@vector()
def equal_nonces_do_not_cancel(world: World) -> None:
    play = Play(world)
    play.publish()
    nonce = digest("the same nonce")
    for seat in play.participants[:2]:
        word = DEPLOYMENT.nonce_hash(play.id, seat, nonce)
        play.do(seat, play.registration(seat, nonce_hash=word))
    play.close()
    for seat in play.participants[:2]:
        play.do(seat, Open(play.id, nonce))
    assert play.task.nonces != ZERO


@vector()
def the_sponsor_takes_a_seat(world: World) -> None:
    play = Play(world)
    play.publish()
    play.do(play.sponsor, play.registration(play.sponsor))
    play.register()
    play.do(play.sponsor, play.opening(play.sponsor))
    assert play.task.seats[play.sponsor].index == 0
