"""Where the money went, to the unit: what came in must be what went out and what is still there.

What was burned and what is held is taken from the specification's state, what moved from the
ledger's events, so that a balance is found and not made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sheaf.audit.ground import Ground
from sheaf.protocol import court_events as c
from sheaf.protocol import events as e
from sheaf.protocol.state import Matter

Entry = tuple[str, int]


def money(ground: Ground) -> dict[str, Any]:
    """Both tokens' flows, what slashes became, and the sums of every account. Amounts are decimal
    strings in the token's own unit."""
    moved = _Moved(ground)
    flows = [_reward_flow(ground, moved), _stake_flow(ground, moved), _slash_flow(ground, moved)]
    return {
        "tokens": ground.units,
        "flows": flows,
        "accounts": _accounts(ground, moved),
    }


class _Moved:
    """Sums over the task's payments, and over the bonds that outsiders put up."""

    def __init__(self, ground: Ground) -> None:
        task, bond = ground.trail.task, ground.trail.terms.economics.court_bond
        self.by: dict[str, Counter[bytes]] = {name: Counter() for name in COLUMNS}
        self.causes: Counter[int] = Counter()
        self.bonds = self.returned = 0
        missing = {
            (found.number, number)
            for found in ground.rounds
            for number, dispute in found.disputes.items()
            if dispute.matter == Matter.MISSING
        }
        for found in ground.rounds:
            own = [d for n, d in found.disputes.items() if (found.number, n) not in missing]
            self.bonds += sum(dispute.bonds * bond for dispute in own)
        for payment in ground.trail.payments:
            self._add(payment, missing)
        for account, claim in ground.trail.claims.items():
            self.by["stake_back"][account] += claim.stake
            self.by["credit_back"][account] += claim.credit
        for account, seat in ground.trail.seats.items():
            self.by["staked"][account] += seat.stake
        self.task = task

    def _add(self, payment: object, missing: set[tuple[int, int]]) -> None:
        match payment:
            case e.Paid():
                self.by["reward"][payment.account] += payment.reward
                self.by["bonus"][payment.account] += payment.bonus
            case e.FeePaid():
                self.by["fee"][payment.account] += payment.amount
            case e.Slashed():
                self.by["slashed"][payment.account] += payment.amount
                self.causes[payment.cause] += payment.amount
            case c.CourtPaid():
                self.by["court"][payment.account] += payment.earned
                if (payment.round, payment.number) not in missing:
                    self.returned += payment.returned

    def total(self, column: str) -> int:
        """The sum of a column."""
        return sum(self.by[column].values())


COLUMNS = (
    "reward",
    "fee",
    "bonus",
    "court",
    "slashed",
    "staked",
    "stake_back",
    "credit_back",
)


def _reward_flow(ground: Ground, moved: _Moved) -> dict[str, Any]:
    trail, state = ground.trail, ground.state
    assert trail.published is not None
    put = [("put up by the sponsor", trail.published.deposit)]
    out = [
        ("paid to participants", moved.total("reward")),
        ("paid to committees", moved.total("fee")),
        ("returned to the sponsor", trail.ended.refund if trail.ended else 0),
        ("burned", state.burned),
        ("still in escrow", state.escrow),
        ("being divided", state.dust),
    ]
    return _flow("reward", "The reward token", put, out)


def _stake_flow(ground: Ground, moved: _Moved) -> dict[str, Any]:
    state = ground.state
    bond = ground.trail.terms.economics.court_bond
    put = [("staked by seats", moved.total("staked")), ("bonds of outsiders", moved.bonds)]
    seats = sum(seat.stake for seat in state.seats.values())
    pool = state.current.settled.pool if state.current.settled else 0
    out = [
        ("taken out by seats", moved.total("stake_back")),
        ("bonds returned", moved.returned),
        ("earned in court", moved.total("court")),
        ("burned", state.burned_stake),
        ("still at seats", seats),
        ("locked in bonds", state.locked_bonds * bond),
        ("being divided", pool),
    ]
    return _flow("stake", "The stake token", put, out)


def _slash_flow(ground: Ground, moved: _Moved) -> dict[str, Any]:
    state = ground.state
    put = [
        (e.Cause(cause).name.lower().replace("_", " "), lost)
        for cause, lost in sorted(moved.causes.items())
    ]
    pool = state.current.settled.pool if state.current.settled else 0
    out = [
        ("shared among who revealed", moved.total("bonus")),
        ("earned in court", moved.total("court")),
        ("burned", state.burned_stake),
        ("being divided", pool),
    ]
    return _flow("stake", "What slashes became", put, out)


def _flow(token: str, title: str, put: Sequence[Entry], out: Sequence[Entry]) -> dict[str, Any]:
    came, went = (sum(units for _, units in side) for side in (put, out))
    return {
        "token": token,
        "title": title,
        "in": [{"what": what, "units": str(units)} for what, units in put],
        "out": [{"what": what, "units": str(units)} for what, units in out if units],
        "total": str(came),
        "balanced": came == went,
    }


def _accounts(ground: Ground, moved: _Moved) -> dict[str, list[Any]]:
    """Columns by account, in the order of the report's actors."""
    return {name: [str(moved.by[name][account]) for account in ground.accounts] for name in COLUMNS}
