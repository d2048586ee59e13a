"""Seeds and what is drawn under them, and a round as large as committees get."""

from __future__ import annotations

from sheaf.protocol import draws, hashing
from sheaf.protocol.hashing import ZERO
from tests.play import TERMS, Play, changed, digest
from tests.vectors.attempts import at_hold
from tests.vectors.table import vector
from tests.worlds import DEPLOYMENT, STAKE, World


def salts(play: Play, *positions: int) -> bytes:
    """The exclusive or of what these positions reveal."""
    mixed = ZERO
    for position in positions:
        mixed = hashing.xor(mixed, digest("salt", play.task.round, play.participant(position)))
    return mixed


@vector()
def the_first_seed(world: World) -> None:
    play = Play(world)
    play.publish()
    play.register()
    play.open(play.participants[:1] + play.aggregators[:1])
    mixed = ZERO
    for seat in play.participants[1:] + play.aggregators[1:]:
        mixed = hashing.xor(mixed, hashing.opened_nonce(digest("nonce", seat), seat))
    assert play.task.seed == DEPLOYMENT.first_seed(play.id, mixed)
    assert play.task.cohort_key == hashing.cohort_key(play.task.seed)
    # Three of three opened: the cohort is a permutation of them, by their order of opening.
    order = [play.participants[1 + draws.permute(play.task.cohort_key, 3, i)] for i in range(3)]
    assert [play.participant(i) for i in range(3)] == order


@vector()
def the_next_seed_takes_in_what_was_revealed(world: World) -> None:
    play = Play(world).start()
    first = play.task.seed
    play.commits(0, 1, 2)
    # A withheld salt does not enter.
    mixed = salts(play, 0, 2)
    play.reveals(0, 2)
    second = hashing.next_seed(first, 1, mixed)
    assert play.task.seed == second
    assert play.task.committee_key == hashing.committee_key(second)
    play.attempt("m", "m", "m", held=0b101)
    play.settle()
    assert play.task.seed == second
    assert play.task.cohort_key == hashing.cohort_key(second)


@vector()
def the_next_seed_after_an_abort_before_reveals(world: World) -> None:
    play = Play(world).start()
    first = play.task.seed
    play.commits(0)
    play.settle()
    assert play.task.seed == hashing.next_seed(first, 1, ZERO)
    play.commits(0, 1)
    mixed = salts(play, 0, 1)
    play.reveals(0, 1)
    assert play.task.seed == hashing.next_seed(hashing.next_seed(first, 1, ZERO), 2, mixed)


@vector()
def a_committee_that_alone_may_read_is_drawn_under_the_rounds_own_seed(world: World) -> None:
    play = Play(world, changed(TERMS, visibility=1)).start()
    first = play.task.seed
    play.commits(0, 1, 2)
    play.reveals(0, 1, 2)
    assert play.task.committee_key == hashing.committee_key(first)
    assert play.task.seed != first
    play.attempt("m", "m", "m")
    assert play.settle()[-1] == "COMMIT 2.0 in 1200"
    assert play.task.cohort_key == hashing.cohort_key(play.task.seed)


@vector()
def two_committees_of_one_permutation(world: World) -> None:
    play = at_hold(world)
    key = play.task.committee_key
    play.attempt("a", "b", "c")
    assert play.task.committee_key == key
    drawn = [play.aggregators[draws.permute(key, 6, i)] for i in range(6)]
    assert [play.member(s, attempt=a) for a in (1, 2) for s in range(3)] == drawn
    assert set(drawn) == set(play.aggregators)


@vector()
def the_largest_committee_and_a_wide_cohort(world: World) -> None:
    # Eighteen of twenty reach into a second slot of samples; 31 seats are the most. Position i
    # reveals 100 * (i + 1) samples, P9 does not commit, ten of 31 seats hold P4 and eleven P5.
    terms = changed(TERMS, goal=18, committee=31, weight_cap=1800, round_reward=15_600)
    play = Play(world, terms, participants=20, aggregators=33).start()
    present = [i for i in range(18) if i != 9]
    play.commits(*present)
    play.reveals(*present)
    everything = (1 << 18) - 1 & ~(1 << 9)
    bitmaps = [
        everything & ~(0 if slot < 10 else 1 << 4) & ~(0 if slot < 11 else 1 << 5)
        for slot in range(31)
    ]
    assert play.holds(*bitmaps)[0] == f"counted {everything & ~(1 << 4):b}"
    # Twenty-one of 31 are two thirds: 63 >= 62.
    play.votes(*["m"] * 21, *["a"] * 10)
    assert play.opens(*range(31))[0] == "claimed in 1"
    told = play.settle(steps=7)
    # 17,100 samples without P4's 500 and P9's 1,000 are the reward: one unit a sample. Half of
    # 11 is 5, too little for seventeen.
    paid = [f"P{i} +{100 * (i + 1)} bonus 0" for i in present if i != 4]
    fees = [f"A1.{slot} fee 4" for slot in range(21)]
    assert told == ["P9 -11 NO_COMMIT", *paid, *fees, "settled 1", "cohort of 18", told[-1]]
    assert play.places(STAKE) == {"stakes": 8589, "burned": 11}
