"""What is as full, as wide and as deep as it gets, in both worlds: verdicts, reasons and events;
and what it takes in gas, since no chain has as much of that as the tests' own.

Of state nothing is compared: 256 seats after each of a thousand actions would take minutes, and
surgery fills a docket without the disputes in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest

from sheaf.ledger.federation import DEFAULT_GAS, GAS
from sheaf.nodes.closing import SETTLE_STEPS
from sheaf.protocol.actions import Action, Settle
from sheaf.protocol.state import Standing
from tests import extremes
from tests.conformance.chain import FEDERATION
from tests.conformance.worlds import LABELS, BothWorlds, Verdicts
from tests.trial import LIAR, WATCHER, Trial, in_court
from tests.worlds import World, account

TRANSACTION_GAS = 2**24
"""The most that a transaction may have (EIP-7825)."""
BLOCK_GAS = 30_000_000
GAS_STEP = 10_000
INTRINSIC_GAS = 21_000


class Metered(Verdicts):
    """As `Verdicts`; `gas` is the most that actions of each kind took."""

    def __init__(self) -> None:
        super().__init__()
        self.gas: dict[type[Action], int] = defaultdict(int)

    def act(self, sender: bytes, action: Action, now: int) -> tuple[object, ...]:
        """As `World.act`."""
        told = super().act(sender, action, now)
        self.gas[type(action)] = max(self.gas[type(action)], self.chain.gas_used)
        return told


@pytest.mark.parametrize("script", extremes.SCRIPTS)
def test_extremes(script: Callable[[World], object]) -> None:
    world = Metered()
    script(world)
    assert world.federation.tasks
    for kind, used in world.gas.items():
        assert used <= GAS.get(kind, DEFAULT_GAS), kind


def test_what_nodes_allow_their_transactions_any_chain_allows() -> None:
    assert max(GAS.values(), default=DEFAULT_GAS) < TRANSACTION_GAS


def pages(play: Trial, model: str) -> list[int]:
    """Settle a page of the cohort's steps, then each dispute in a page of its own: their gas."""
    found, world = [], play.world
    assert isinstance(world, Metered)
    for steps in (2 * play.task.cohort, *[1] * len(play.task.current.disputes)):
        play.do(WATCHER, play.settlement(model, steps), max(play.task.deadline, world.now + 1))
        found.append(world.chain.gas_used)
    return found


def test_disputes_of_any_outcome_settle_in_the_pages_that_nodes_send() -> None:
    world = Metered()
    play = in_court(world, "wrong")
    play.do(LIAR, play.challenge("wrong", 7, lies={0: 999}))
    play.do(WATCHER, play.refutation(1, 0))
    for number, (position, chunk) in enumerate(((0, 0), (1, 0), (1, 1)), start=2):
        play.do(account("participant 3"), play.demanding(position, chunk, bond=10))
        if number == 2:
            play.do(WATCHER, play.supplying(number))
    play.do(account("participant 2"), play.challenge("wrong", 7))
    play.do(account("participant 1"), play.descent("wrong"))
    play.decide(3)
    play.decide(4)
    play.decide(5)
    standings = [dispute.standing.name for dispute in play.task.current.disputes]
    assert standings == ["DISMISSED", "DISMISSED", "UPHELD", "MOOT", "UPHELD", "ASKED"]
    play.attempt("true", "true", "true", held=0b101)
    cohort, *disputes, last = pages(play, "true")
    steps = [(cohort - INTRINSIC_GAS) // 6, *(gas - INTRINSIC_GAS for gas in disputes)]
    # The last page has what is due to the committees, too: of three members here, of 33 at most.
    assert SETTLE_STEPS * max(steps) + 11 * last <= GAS[Settle] <= BLOCK_GAS


def too_little(play: Trial, sender: bytes, action: Action) -> int:
    """Send it with ever more gas until that is enough: so often it was not, and nothing changed."""
    world = play.world
    assert isinstance(world, BothWorlds)
    data, gas, tries = FEDERATION.encode(action), 40_000, 0
    while True:
        now = world.now + tries + 1
        there = world.chain.federation
        if world.chain.transact(LABELS[sender], there, data, now, gas).status:
            break
        world.assert_equal()
        gas += GAS_STEP
        tries += 1
    world.spec.act(sender, action, now)
    world.assert_equal()
    return tries


def test_what_has_too_little_gas_changes_nothing() -> None:
    play = in_court(BothWorlds(), "wrong")
    assert too_little(play, LIAR, play.challenge("wrong", 7, lies={0: 999})) > 10
    assert too_little(play, WATCHER, play.refutation(1, 0)) > 5
    assert play.dispute(1).standing == Standing.DISMISSED
