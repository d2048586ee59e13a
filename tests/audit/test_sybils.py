"""Accounts that may be one party: bits by hand, and precision and recall on planted parties."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sheaf.audit.sightings import PASSED_ON, Transfer, likeness, sightings, trails
from sheaf.audit.sybils import Likeness, Sightings, suspect
from sheaf.nodes import effects as e
from sheaf.nodes.ledgers import LedgerInFile
from sheaf.nodes.payments import Payment
from sheaf.simulation import liars
from tests.audit.planted import HABITS, Kind, Score, account, plant, score
from tests.audit.scene import evidence_of, played, trained
from tests.nodes.courtroom import Courtroom
from tests.nodes.stage import Played
from tests.nodes.stage import evidence_of as verified

COPIES: Kind = "noisy copies"
PURSE: Kind = "one purse"
SEEDS = range(100, 120)
"""Not those that the constants were looked at with."""


def measured(kinds: tuple[Kind, ...], noise: float) -> Score:
    """Thirty honest accounts and two parties of five, twenty times: 400 true pairs."""
    planted = [plant(seed, kinds, noise) for seed in SEEDS]
    scores = [score(suspect(each.sightings), each.parties) for each in planted]
    return reduce(Score.__add__, scores)


@pytest.mark.parametrize(
    ("kinds", "noise"),
    [
        ((COPIES, COPIES), 0.02),
        ((COPIES, COPIES), 0.1),
        ((PURSE, PURSE), 0),
        ((COPIES, PURSE), 0.02),
        (("a burst", "a burst, coin alone"), 0),
        (("a burst, by wallets", "a burst, coin alone, by wallets"), 0),
    ],
)
def test_precision_and_recall_on_planted_parties(kinds: tuple[Kind, ...], noise: float) -> None:
    total = measured(kinds, noise)
    assert total.right + total.missed == 400
    assert total.precision >= 0.9
    assert total.recall >= 0.9


def test_the_guide_says_what_is_measured() -> None:
    """What is not found, too."""
    page = (Path(__file__).parents[2] / "docs" / "guides" / "auditor.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]*) \| (\d\.\d\d) \| (\d\.\d\d) \|$", page, re.MULTILINE)
    tried = [(COPIES, 0.02), (COPIES, 0.1), (COPIES, 0.15), *((kind, 0.0) for kind in HABITS)]
    totals = [measured((kind, kind), noise) for kind, noise in tried]
    assert [row[1:] for row in rows] == [
        (f"{total.precision:.2f}", f"{total.recall:.2f}") for total in totals
    ]
    named = [re.match(r"copies with (\d+) % noise", row[0]) for row in rows[:3]]
    assert [int(each[1]) for each in named if each] == [2, 10, 15]
    assert [row[0].partition(":")[0] for row in rows[3:]] == [*HABITS]


def test_nobody_is_suspected_where_nobody_is_planted() -> None:
    """One pair in twenty tasks is what the threshold allows for, and decoys are about."""
    found = [suspect(plant(seed, ()).sightings).clusters for seed in SEEDS]
    assert sum(map(len, found)) <= 1


def test_what_all_have_in_common_says_nothing() -> None:
    """One deployer, one block, one order: as on an embedded ledger."""
    accounts = tuple(account(i) for i in range(1, 11))
    orders = [[(each, 10 + i) for each in accounts] for i in range(20)]
    joined, funders = dict.fromkeys(accounts, 1), dict.fromkeys(accounts, (b"\xdd" * 20,))
    found = suspect(Sightings(accounts, joined, funders, orders))
    assert found.clusters == ()
    assert [each.partition(":")[0].split(" ")[0] for each in found.common] == [
        "joined",
        "first",
        "acted",
    ]


def test_small_cohorts_that_one_process_sends_for_say_nothing() -> None:
    """Six of forty act in a block, always in the order they registered in: few are neighbours often
    enough to stand out, and those are by the order alone."""
    accounts = tuple(account(i) for i in range(1, 41))
    dice = np.random.default_rng(3)
    drawn = [sorted(dice.permutation(40)[:6].tolist()) for _ in range(150)]
    orders = [[(accounts[i], block) for i in each] for block, each in enumerate(drawn)]
    (told,) = suspect(Sightings(accounts, {}, {}, orders)).common
    assert told.startswith("acted next to the same accounts: ")
    assert int(told.split(" ")[6]) <= 20


def test_bits_by_hand() -> None:
    """Three of nine accounts joined together, two of nine were funded together: 2 and 3 bits. Two
    updates are an eighth of the median distance apart: with five directions, 15 bits."""
    accounts = tuple(account(i) for i in range(1, 10))
    joined = {each: i for i, each in enumerate(accounts)} | dict.fromkeys(accounts[:3], 90)
    funders = {each: (account(50 + i),) for i, each in enumerate(accounts)}
    funders |= dict.fromkeys(accounts[:2], (b"\xee" * 20,))
    distances = np.full((9, 9), 32.0)
    distances[0, 1] = distances[1, 0] = 4.0
    found = suspect(Sightings(accounts, joined, funders, (), [Likeness(1, accounts, distances)]))
    assert found.threshold == pytest.approx(log2(36 / 0.05))
    (cluster,) = found.clusters
    assert cluster.accounts == tuple(sorted(accounts[:2]))
    assert [(each.signal, each.bits) for each in cluster.reasons] == [
        ("updates", 15),
        ("funded", 3),
        ("joined", 2),
    ]
    assert cluster.bits == 20


def near(accounts: tuple[bytes, ...]) -> list[Likeness]:
    """Updates of the first two, which are a quarter of the median distance apart: with five
    directions 10 bits, above the 9.5 that a pair of nine accounts takes."""
    distances = np.full((9, 9), 32.0)
    distances[0, 1] = distances[1, 0] = 8.0
    return [Likeness(1, accounts, distances)]


def test_a_burst_by_hand() -> None:
    """Of eight others one joined within a block of each of the two: 3 bits. With a third account
    two blocks before the first, three blocks from the second, two of eight are as close as the two
    blocks that now lie between those: 2 bits."""
    accounts = tuple(account(i) for i in range(1, 10))
    joined = {each: 10 * i for i, each in enumerate(accounts)}
    for others, bits, words in (
        ({accounts[0]: 100, accounts[1]: 101}, 3, "blocks 100 and 101, as close as 1 of 8 others"),
        (
            {accounts[0]: 100, accounts[1]: 102, accounts[2]: 98},
            2,
            "blocks 100 and 102, as close as 2 of 8 others",
        ),
    ):
        found = suspect(Sightings(accounts, {**joined, **others}, {}, (), near(accounts)))
        (cluster,) = found.clusters
        assert [(r.signal, r.bits) for r in cluster.reasons] == [("updates", 10), ("joined", bits)]
        assert cluster.reasons[1].words == f"joined in {words}"


def test_funds_by_hand() -> None:
    """Two of nine have one giver of coin: 3 bits, at once or with a wallet in between, also where
    one of the two is that giver; three of nine one giver of tokens: 2 bits. The rarest
    counts."""
    accounts = tuple(account(i) for i in range(1, 10))
    purse, wallet, bank = b"\xee" * 20, b"\xaa" * 20, b"\xbb" * 20
    funders = {each: (account(50 + i),) for i, each in enumerate(accounts)}
    one, two = accounts[:2]
    few = dict.fromkeys(accounts[:3], (bank,))
    for changed, payers, bits, what in (
        ({}, {one: (purse,), two: (purse,)}, 3, "native coin"),
        ({}, {one: (wallet, purse), two: (purse,)}, 3, "native coin"),
        ({}, {two: (wallet, one)}, 3, "native coin"),
        (few, {}, 2, "stake token"),
        (few, {one: (purse,), two: (purse,)}, 3, "native coin"),
    ):
        seen = Sightings(accounts, {}, {**funders, **changed}, (), near(accounts), payers)
        (cluster,) = suspect(seen).clusters
        assert [(r.signal, r.bits) for r in cluster.reasons] == [("updates", 10), ("funded", bits)]
        assert cluster.reasons[1].words.startswith(f"first funded ({what}, at most two hops) by ")


def test_neighbours_in_a_shuffled_order_by_hand() -> None:
    """In blocks of thirty-two accounts two are next to each other with chance 1/16; three times of
    three that is 12 bits, of which one signal counts ten. With the same funder, 4.95 bits more."""
    accounts = [account(i) for i in range(1, 33)]
    dice, orders = np.random.default_rng(5), []
    for block in range(3):
        others = [accounts[i] for i in dice.permutation(np.arange(2, 32))]
        orders.append(
            [(each, block) for each in [*others[:9], accounts[1], accounts[0], *others[9:]]]
        )
    funders = {each: (account(50 + i),) for i, each in enumerate(accounts)}
    funders |= dict.fromkeys(accounts[:2], (b"\xee" * 20,))
    found = suspect(Sightings(tuple(accounts), {}, funders, orders))
    (cluster,) = found.clusters
    assert cluster.accounts == tuple(sorted(accounts[:2]))
    timing, funded = cluster.reasons
    assert (timing.signal, timing.bits, timing.words) == ("timing", 10, "next to each other 3 of 3")
    assert funded.bits == pytest.approx(log2(31))


def test_equal_updates_are_enough() -> None:
    """Distances from bytes: two of four participants send the same, in one round."""
    same = trained(7, 7, 7, 7)
    others = {"participant-3": trained(0, 900, 0, 0), "participant-4": trained(500, 0, 0, 3)}
    room = played(
        {"participant-1": same, "participant-2": same, **others},
        coordinates=4,
        initial=np.zeros(4, np.int32),
    )
    evidence = evidence_of(room)
    alike = likeness(evidence, 1, stripe_bytes=16)
    assert alike is not None
    by_account = {each: i for i, each in enumerate(alike.accounts)}
    one, two, three = (by_account[room.account(f"participant-{i}")] for i in (1, 2, 3))
    assert alike.distances[one, two] == 0
    # (7, 7, 7, 7) and (0, 900, 0, 0) are sqrt(3 * 49 + 893**2) units apart.
    assert alike.distances[one, three] == pytest.approx(np.sqrt(147 + 893**2) / 2**16)
    seen = Sightings(alike.accounts, {}, {}, (), [alike])
    (cluster,) = suspect(seen).clusters
    assert set(cluster.accounts) == {room.account("participant-1"), room.account("participant-2")}
    assert cluster.reasons[0].words == "updates equal in 1 of 1 round"


def test_updates_that_are_not_in_the_store_are_left_out() -> None:
    """Of two that are left no distance can be called usual."""
    keeping: dict[type[object], Any] = {e.PublishUpdate: liars.keeping}
    room = Courtroom({"participant-2": keeping})
    room.run()
    alike = likeness(evidence_of(room), 1)
    assert alike is not None
    others = {room.account(f"participant-{i}") for i in (1, 3, 4)}
    assert {*alike.accounts} == others
    room = Courtroom({"participant-2": keeping, "participant-3": keeping})
    room.run()
    assert likeness(evidence_of(room), 1) is None


def test_the_first_who_gave_before_somebody_joined() -> None:
    """Mints, empty transfers and gifts after joining fund nobody."""
    nobody, bank, friend, taker = bytes(20), b"\xbb" * 20, b"\xff" * 20, b"\x11" * 20
    moved = [
        Transfer(1, nobody, taker, 5),
        Transfer(2, friend, taker, 0),
        Transfer(3, bank, taker, 5),
        Transfer(4, friend, taker, 5),
    ]
    assert trails(moved, {taker: 4}) == {taker: (bank,)}
    assert trails(moved, {taker: 2}) == {}
    assert trails(moved, {}) == {}


def test_funds_are_followed_two_hops_back_in_time() -> None:
    """Not a third hop, not in a circle, not to who gave a wallet something once it had given."""
    one, two, three, four, five = (bytes([i]) * 20 for i in range(1, 6))
    chain = [Transfer(i, bytes([5 - i]) * 20, bytes([4 - i]) * 20, 1) for i in range(4)]
    assert [(each.giver, each.taker) for each in chain[:3]] == [
        (five, four),
        (four, three),
        (three, two),
    ]
    assert trails(chain, {one: 9, two: 9}) == {one: (two, three), two: (three, four)}
    circle = [Transfer(1, one, two, 1), Transfer(2, two, one, 1)]
    assert trails(circle, {one: 9}) == {one: (two,)}
    late = [Transfer(1, two, one, 1), Transfer(2, three, two, 1)]
    assert trails(late, {one: 9}) == {one: (two,)}


def test_sightings_of_a_real_run(honest: Played) -> None:
    """Everybody joined in one block, funded by the deployer; nobody is suspected."""
    evidence = verified(honest.directory)
    seen = sightings(evidence, LedgerInFile("own", honest.directory / "ledger.sqlite"))
    assert set(seen.accounts) == {*seen.joined} == {*seen.funders}
    assert len(seen.accounts) == 7
    assert len({*seen.funders.values()}) == len({*seen.joined.values()}) == 1
    assert seen.payers == {}  # the genesis gave all their coin
    assert seen.unseen == (PASSED_ON,)
    assert {each.round for each in seen.likenesses} == {1, 2}
    found = suspect(seen)
    assert found.clusters == ()
    assert len(found.common) >= 2


PURSE_ADDRESS, WALLET = b"\xee" * 20, b"\xaa" * 20


@dataclass(frozen=True)
class Paying(LedgerInFile):
    """A ledger on which `paid`, and nobody else, was paid through a wallet."""

    paid: bytes = b""

    def payments(self, last: int) -> Iterator[Payment]:
        yield Payment(0, PURSE_ADDRESS, WALLET, 2)
        yield Payment(0, WALLET, self.paid, 1)


def test_native_coin_of_a_real_run_is_followed(honest: Played) -> None:
    evidence = verified(honest.directory)
    account = next(iter(evidence.trail.seats))
    ledger = Paying("own", honest.directory / "ledger.sqlite", paid=account)
    seen = sightings(evidence, ledger)
    assert seen.payers == {account: (WALLET, PURSE_ADDRESS)}
    assert suspect(seen).unseen == (PASSED_ON,)
