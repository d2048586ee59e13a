"""Every liar's run ends as the rules say: who is slashed, by how much, and with which model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from sheaf.nodes.plan import Plan
from sheaf.nodes.verification import verify
from sheaf.protocol.optimisers import Constants
from sheaf.simulation.disputes import Liar, Outcome, Scenario, play
from tests.nodes.plans import STAKE, committee, plan, schedule
from tests.nodes.stage import Watcher

# A round is enough, but where a later one would go wrong by the lie.
PLAN = replace(plan(), chunk_bytes=16, committee=committee(3, 6), schedule=schedule(1))
FEDADAM = replace(
    PLAN,
    schedule=schedule(2),
    algorithm=replace(PLAN.algorithm, name="fedadam", server=Constants(10, 100, 2**20, 2**14)),
)


@dataclass(frozen=True)
class Ending:
    """What a scenario must come to: moves in order (those of one kind and block once), claims
    overturned, and by role what the court took and gave, in stake tokens."""

    liar: Liar
    withholds: bool
    moves: tuple[str, ...]
    overturned: int
    slashed: dict[str, int]
    earned: dict[str, float]


# Three seats voted for a wrong claim and lose 6 each: 9 of the 18 are burned, 9 earned.
OVERTURNED: tuple[dict[str, int], dict[str, float]] = {"aggregator": 18}, {"challenger": 9}
# A withheld update costs 4, of which who demanded it first gets half.
ENDINGS = [
    Ending(Liar.COMMITTEE, False, ("Challenge", "Decide", "Settle"), 1, *OVERTURNED),
    Ending(Liar.COMMITTEE, True, ("Descend", "Decide", "Settle"), 1, *OVERTURNED),
    Ending(Liar.SERVER, False, ("Challenge", "Decide", "Settle"), 1, *OVERTURNED),
    Ending(Liar.SERVER, True, ("Descend", "Decide", "Settle"), 1, *OVERTURNED),
    Ending(
        Liar.PARTICIPANT,
        False,
        ("RevealMissing", "Decide", "Settle"),
        0,
        {"participant": 4},
        {"aggregator": 2},
    ),
    Ending(
        Liar.CHALLENGER,
        True,
        ("Descend", "Unfold", "Decide", "Settle"),
        0,
        {"challenger": 1},
        {"aggregator": 0.5},
    ),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda e: f"{e.liar}-{e.withholds}")
def test_a_liar_pays_and_the_model_is_the_honest_one(ending: Ending, tmp_path: Path) -> None:
    task = FEDADAM if ending.liar is Liar.SERVER else PLAN
    outcome = _played(task, Scenario(ending.liar, 1, ending.withholds), tmp_path)
    assert outcome.summary["status"] == "settled"
    assert _kinds(outcome) == ending.moves
    assert outcome.overturned == ending.overturned
    assert _by_role(outcome, outcome.slashed) == ending.slashed
    assert _by_role(outcome, outcome.earned) == ending.earned
    assert outcome.model_root_final == outcome.model_root_honest
    verify(tmp_path / "run")


def test_a_made_up_column_is_refuted_however_often(tmp_path: Path) -> None:
    outcome = _played(PLAN, Scenario(Liar.CHALLENGER, 1, False), tmp_path)
    filed = sum(move.action == "Challenge" for move in outcome.moves)
    assert _kinds(outcome) == ("Challenge", "Refute") * filed + ("Settle",)
    # One bond each, and half of it for whoever refuted.
    assert _by_role(outcome, outcome.slashed) == {"challenger": filed}
    assert sum(_by_role(outcome, outcome.earned).values()) == filed / 2
    assert outcome.model_root_final == outcome.model_root_honest
    verify(tmp_path / "run")


def test_gas_in_court_is_that_of_its_moves(tmp_path: Path) -> None:
    outcome = _played(
        replace(PLAN, schedule=schedule(1)), Scenario(Liar.COMMITTEE, 1, False), tmp_path
    )
    challenge, decide, settle = outcome.moves
    assert outcome.gas == challenge.gas + decide.gas
    assert challenge.locked == STAKE
    assert [(m.why, m.amount) for m in settle.moved if m.amount > 0] == [
        ("its bond returns", STAKE),
        ("earns", 9 * STAKE),
    ]


def _played(task: Plan, scenario: Scenario, folder: Path) -> Outcome:
    for name in ("run", "twin"):
        (folder / name).mkdir()
    return play(task, scenario, folder / "run", folder / "twin", (Watcher(), Watcher()))


def _kinds(outcome: Outcome) -> tuple[str, ...]:
    """Kinds of moves in order; what several do in one block counts once."""
    kinds: list[tuple[int, str]] = []
    for move in outcome.moves:
        if (move.block, move.action) not in kinds:
            kinds.append((move.block, move.action))
    return tuple(kind for _, kind in kinds)


def _by_role(outcome: Outcome, amounts: Mapping[bytes, int]) -> dict[str, float]:
    """Stake tokens by the role in an account's name."""
    found: dict[str, float] = {}
    for account, units in amounts.items():
        role = outcome.summary["accounts"][to_checksum_address(account)].partition("-")[0]
        found[role] = found.get(role, 0) + units / STAKE
    return {role: amount for role, amount in found.items() if amount}
