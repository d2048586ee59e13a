"""Publication: every bound of the terms, violated one at a time, and the outermost that hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from tests.play import (
    ADAGRAD,
    ADAM,
    DEPOSIT,
    MOMENTUM,
    TERMS,
    YOGI,
    Play,
    changed,
    digest,
)
from tests.vectors.table import vector
from tests.worlds import REWARD, STAKE, TAXED, World

BIG = 2**96

# Field the rejection names -> the changes that violate it, each alone.
VIOLATIONS: dict[str, tuple[dict[str, int | bytes], ...]] = {
    "coordinates": ({"coordinates": 0, "trainable": 0}, {"coordinates": 2**33 + 1}),
    "trainable": ({"trainable": 11}, {"trainable": 0, **ADAM}, {"trainable": 0, **MOMENTUM}),
    "fraction_bits": ({"fraction_bits": 7}, {"fraction_bits": 25}),
    "chunk_log2": ({"chunk_log2": 3}, {"chunk_log2": 13}),
    "rule": ({"rule": 3}, {"rule": 255}),
    "trim": (
        {"trim_numerator": 1},
        {"trim_denominator": 1},
        {"rule": 1, "trim_numerator": 1, "trim_denominator": 4},
        {"rule": 2},
        {"rule": 2, "trim_numerator": 1, "trim_denominator": 2},
        {"rule": 2, "trim_numerator": 2, "trim_denominator": 4},
        {"rule": 2, "trim_numerator": 1, "trim_denominator": 2**16},
    ),
    "optimiser": ({"optimiser": 5}, {**YOGI, "optimiser": 2**64}),
    "mean_divisor": (
        {"mean_divisor": 1},
        {**MOMENTUM, "mean_divisor": 0},
        {**ADAGRAD, "mean_divisor": 0},
        {**ADAM, "mean_divisor": 0},
        {**YOGI, "mean_divisor": 2**24},
    ),
    "square_divisor": (
        {"square_divisor": 2},
        {**MOMENTUM, "square_divisor": 100},
        {**ADAGRAD, "square_divisor": 100},
        {**ADAM, "square_divisor": 1},
        {**YOGI, "square_divisor": 0},
        {**YOGI, "square_divisor": 2**24},
    ),
    "rate": (
        {"rate": 1},
        {**MOMENTUM, "rate": 0},
        {**ADAGRAD, "rate": 0},
        {**ADAM, "rate": 2**31},
    ),
    "floor": (
        {"floor": 1024},
        {**MOMENTUM, "floor": 1024},
        {**ADAGRAD, "floor": 1023},
        {**ADAM, "floor": 0},
        {**YOGI, "floor": 2**31},
    ),
    "rounds": ({"rounds": 0}, {"rounds": 2**16}),
    "register_s": ({"register_s": 0}, {"register_s": 2**32}),
    "open_s": ({"open_s": 0}, {"open_s": 2**32}),
    "commit_s": ({"commit_s": 0}, {"commit_s": 2**32}),
    "reveal_s": ({"reveal_s": 0}, {"reveal_s": 2**32}),
    "hold_s": ({"hold_s": 0}, {"hold_s": 2**32}),
    "verdict_commit_s": ({"verdict_commit_s": 0}, {"verdict_commit_s": 2**32}),
    "verdict_reveal_s": ({"verdict_reveal_s": 0}, {"verdict_reveal_s": 2**32}),
    "challenge_s": ({"challenge_s": 0}, {"challenge_s": 2**32}),
    "minimum": ({"minimum": 0}, {"minimum": 4}),
    "goal": ({"goal": 257},),
    "committee": ({"committee": 0}, {"committee": 2}, {"committee": 32}),
    "weight_cap": ({"weight_cap": 0}, {"weight_cap": 2**16}),
    "visibility": ({"visibility": 2},),
    "reward_token": ({"reward_token": bytes(20)},),
    "amounts": (
        {"round_reward": BIG},
        {"committee_fee": BIG},
        {"participant_stake": BIG},
        {"aggregator_stake": BIG},
        {"court_bond": BIG},
        {"slash_nonce": BIG},
        {"slash_commit": BIG},
        {"slash_reveal": BIG},
        {"slash_withheld": BIG},
        {"slash_silent": BIG},
        {"slash_overturned": BIG},
        {"round_reward": BIG // 2},  # two rounds of it are 2^96
        {"round_reward": BIG // 2 - 50},  # and so they are with the fee of 100 split in two
    ),
    "participant_stake": (
        {"participant_stake": 33},  # two rounds of 17
        {"slash_nonce": 101},
        {"slash_commit": 51},
        {"slash_reveal": 51},
        {"slash_withheld": 51},
        {"rounds": 6},
    ),
    "aggregator_stake": (
        {"aggregator_stake": 45},  # two rounds of 23
        {"slash_silent": 101},
        {"slash_overturned": 101},
        {"participant_stake": 201, "slash_nonce": 201},
    ),
    "court_bond": ({"court_bond": 24},),
}

# Changes after which the terms still hold, at the outermost values.
ACCEPTED: tuple[dict[str, int | bytes], ...] = (
    {"coordinates": 1, "trainable": 0},
    {"coordinates": 2**33, "trainable": 2**33},
    {"fraction_bits": 8, "chunk_log2": 12},
    {"fraction_bits": 24, "chunk_log2": 4},
    {"rule": 1},
    {"rule": 2, "trim_numerator": 0, "trim_denominator": 1},
    {"rule": 2, "trim_numerator": 32_767, "trim_denominator": 65_535},
    {**MOMENTUM, "mean_divisor": 1, "rate": 1, "trainable": 1},
    {**MOMENTUM, "mean_divisor": 2**24 - 1, "rate": 2**31 - 1, "fraction_bits": 24},
    {**ADAGRAD, "mean_divisor": 1, "rate": 2**31 - 1, "floor": 2**10},
    {**ADAM, "mean_divisor": 1, "square_divisor": 2, "floor": 2**31 - 1},
    {**YOGI, "mean_divisor": 2**24 - 1, "square_divisor": 2**24 - 1, "rate": 1},
    {"rounds": 1, "challenge_s": 1},
    {"register_s": 1, "open_s": 1, "commit_s": 1, "reveal_s": 1, "hold_s": 1},
    {"register_s": 2**32 - 1, "verdict_commit_s": 2**32 - 1, "challenge_s": 2**32 - 1},
    {"verdict_commit_s": 1, "verdict_reveal_s": 1},
    {"minimum": 1, "goal": 1, "committee": 1},
    {"minimum": 256, "goal": 256, "committee": 31, "weight_cap": 65_535},
    {"weight_cap": 1, "visibility": 1},
    {"round_reward": 0, "committee_fee": 0},
    {"round_reward": BIG // 2 - 101},  # rounds x (reward + fee) is 2^96 - 2
    {"participant_stake": 34, "aggregator_stake": 46},
    {"slash_nonce": 100, "slash_commit": 50, "slash_reveal": 50, "slash_withheld": 50},
    {"slash_silent": 100, "slash_overturned": 100, "court_bond": 100},
    {"participant_stake": BIG - 1, "aggregator_stake": BIG - 1},
)


@vector()
def terms_out_of_bounds(world: World) -> None:
    for field, violations in VIOLATIONS.items():
        for values in violations:
            play = Play(world, changed(TERMS, **values))
            told = play.no(play.sponsor, play.publication())
            assert told == f"InvalidTerms({field})", (field, values, told)


@vector()
def terms_at_their_bounds(world: World) -> None:
    for number, values in enumerate(ACCEPTED):
        terms = changed(TERMS, **values)
        play = Play(world, terms, document=f"document {number}")
        assert play.publish() == [f"REGISTER 0.0 in {terms.schedule.register_s}"]


@vector()
def the_first_violation_in_order_is_named(world: World) -> None:
    names = [field for field in VIOLATIONS if field != "trainable"]  # its bound moves
    for first, second in pairwise(names):
        values = VIOLATIONS[second][0] | VIOLATIONS[first][0]
        play = Play(world, changed(TERMS, **values))
        assert play.no(play.sponsor, play.publication()) == f"InvalidTerms({first})"


@vector()
def publication(world: World) -> None:
    play = Play(world)
    none, some = bytes(32), digest("state")
    for wrong, told in (
        (play.publication(model_root=none, state_root=some), "InvalidTerms(model_root)"),
        (play.publication(state_root=some, deposit=0), "InvalidTerms(state_root)"),
        (play.publication(deposit=DEPOSIT - 1), "Underfunded"),
        (play.publication(deposit=0), "Underfunded"),
        (play.publication(deposit=BIG), "AmountTooLarge"),
    ):
        assert play.no(play.sponsor, wrong) == told
    moving = Play(world, changed(TERMS, **ADAM), document="moving")
    assert moving.no(moving.sponsor, moving.publication(state_root=none)) == (
        "InvalidTerms(state_root)"
    )
    assert play.publish() == ["REGISTER 0.0 in 1000"]
    assert play.places(REWARD) == {"escrow": 2200}
    assert play.no(play.sponsor, play.publication(deposit=0)) == "TaskExists"
    # The same document by another sponsor is another task; so a sponsor cannot be forestalled.
    other = Play(world, sponsor="auditor")
    assert other.id != play.id
    assert other.publish() == ["REGISTER 0.0 in 1000"]
    assert play.places(REWARD) == {"escrow": 4400}


@vector()
def a_deposit_of_all_that_fits(world: World) -> None:
    play = Play(world)
    play.publish(deposit=BIG - 1)
    assert play.places(REWARD) == {"escrow": 2**96 - 1}


@vector()
def a_taxed_reward_counts_as_delivered(world: World) -> None:
    play = Play(world, changed(TERMS, reward_token=TAXED))
    # 2,200 asked deliver 1,980; 2,444 deliver 2,200; 2,445 deliver 2,201.
    assert play.no(play.sponsor, play.publication()) == "Underfunded"
    assert play.no(play.sponsor, play.publication(deposit=2443)) == "Underfunded"
    play.publish(deposit=2445)
    assert play.places(TAXED) == {"escrow": 2201}
    assert play.register(()) == ["OPEN 0.0 in 1100"]
    assert play.open(play.participants + play.aggregators) == ["ENDED refund 2201 TOO_FEW_SEATS"]
    assert play.places(TAXED) == {"withdrawable": 2201}


@vector(stake_tax_bps=1_000)
def a_taxed_stake_counts_as_delivered(world: World) -> None:
    play = Play(world)
    play.publish()
    seat = play.participants[0]
    # 100 asked deliver 90; 110 deliver 99; 112 deliver 101.
    assert play.no(seat, play.registration(seat)) == "StakeTooLow"
    assert play.no(seat, play.registration(seat, stake=110)) == "StakeTooLow"
    play.do(seat, play.registration(seat, stake=112))
    assert play.task.seats[seat].stake == 101


@vector()
def tasks_keep_apart(world: World) -> None:
    patient = changed(TERMS, commit_s=100_000, reveal_s=100_000)
    one = Play(world, patient).start()
    two = Play(world, document="another document").start()
    one.commit(0)
    one.commit(1)
    two.commit(2)
    assert [play.task.current.committed for play in (one, two)] == [2, 1]
    copied = one.updates[0]
    assert two.close() == ["aborted TOO_FEW_COMMITS", "ABORTED 1.0 in 1700"]
    assert one.close() == ["REVEAL 1.0 in 100000"]
    # An update of one task is none of the other's, though owner, round and samples are the same.
    assert two.settle()[-1] == "COMMIT 2.0 in 1200"
    assert two.no(one.participant(0), replace(copied, task=two.id)) == "WrongPhase"
    assert one.reveal(0) == ["P0 revealed 100"]
    assert one.places(REWARD) == {"escrow": 4400}
    assert one.places(STAKE) == {"stakes": 3178, "burned": 22}
