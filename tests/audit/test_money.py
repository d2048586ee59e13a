"""Money in the report balances, and by sums made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sheaf.audit.dossier import dossier
from sheaf.nodes import effects as e
from sheaf.nodes.evidence import Evidence, Report
from sheaf.simulation import liars
from tests.audit.staging import Pageant, pageant, played, task_of
from tests.audit.trials import evidence_in, missed, overturned, served, withheld
from tests.nodes.courtroom import held
from tests.nodes.plans import STAKE, TOKEN


def running() -> Pageant:
    """Stopped in the middle of a settlement's pages, with slashes on the table."""
    made = Pageant(task_of(5, 2), 5, lambda round, number: "commit" if number == 1 else "")
    made.begin()
    made.updates()
    made.committee()
    made.now = made.state.deadline
    return made


HISTORIES: dict[str, Callable[[], tuple[Evidence, Report]]] = {
    "honest": lambda: evidence_in(held()),
    "overturned": lambda: evidence_in(overturned()),
    "withheld": lambda: evidence_in(withheld()),
    "served": lambda: evidence_in(served()),
    "missing": lambda: evidence_in(missed({e.Produce: liars.mute})),
    "missing, and served": lambda: evidence_in(missed({})),
    "with absences": lambda: played(
        pageant(7, 3, 5, absent=lambda r, n: ("commit", "reveal", "")[(r + n) % 3])
    ),
    "before it settled": lambda: played(running()),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_every_unit_that_came_in_is_somewhere(
    history: Callable[[], tuple[Evidence, Report]],
) -> None:
    money = dossier(*history())["money"]
    for flow in money["flows"]:
        came = sum(int(entry["units"]) for entry in flow["in"])
        went = sum(int(entry["units"]) for entry in flow["out"])
        assert came == went == int(flow["total"]), flow["title"]
        assert flow["balanced"]


def out(found: dict[str, Any], flow: int) -> dict[str, int]:
    return {e["what"]: int(e["units"]) for e in found["money"]["flows"][flow]["out"]}


def test_what_two_absent_participants_cost_is_known_by_hand() -> None:
    # One round of four with samples 10 to 13: number 0 commits nothing and loses 2 SHEAF, of which
    # half goes to the two who reveal and the rest is burned; number 1 does not reveal: 3 burned.
    absences = {0: "commit", 1: "reveal"}
    found = dossier(*played(pageant(4, 1, absent=lambda r, n: absences.get(n, ""))))
    assert out(found, 2) == {"shared among who revealed": STAKE, "burned": 4 * STAKE}
    # 100 USDX on 12 and 13 of 25 samples: 48 and 52; 10 on three members leave one unit of dust.
    accounts = found["money"]["accounts"]
    assert accounts["reward"][1:5] == ["0", "0", str(48 * TOKEN), str(52 * TOKEN)]
    assert out(found, 0) == {
        "paid to participants": 100 * TOKEN,
        "paid to committees": 9_999_999,
        "burned": 1,
    }
    assert accounts["slashed"][1:5] == [str(2 * STAKE), str(3 * STAKE), "0", "0"]
    assert accounts["bonus"][1:5] == ["0", "0", str(STAKE // 2), str(STAKE // 2)]


def test_a_withheld_update_costs_its_owner_and_pays_the_challenger() -> None:
    # Withholding costs 4 SHEAF; half of it goes to whoever demanded, and the bonds return.
    found = dossier(*evidence_in(withheld()))
    causes = {e["what"]: int(e["units"]) for e in found["money"]["flows"][2]["in"]}
    assert causes["withheld"] == 4 * STAKE
    assert out(found, 2)["earned in court"] == 2 * STAKE
    flow = found["money"]["flows"][1]
    bonds = next(int(e["units"]) for e in flow["in"] if e["what"] == "bonds of outsiders")
    assert out(found, 1)["bonds returned"] == bonds > 0


def test_a_bond_from_a_stake_is_no_outsiders() -> None:
    found = dossier(*evidence_in(missed({e.Produce: liars.mute})))
    assert {d["about"].partition(" of")[0] for d in found["disputes"]} == {"chunk 0"}
    assert [d["standing"] for d in found["disputes"]].count("upheld") == 1
    flow = found["money"]["flows"][1]
    assert [e["units"] for e in flow["in"] if e["what"] == "bonds of outsiders"] == ["0"]


def test_a_balance_that_is_off_by_one_unit_is_seen() -> None:
    evidence, report = played(pageant(4, 1))
    evidence.trail.payments[0].__dict__["reward"] += 1
    found = dossier(evidence, report)
    assert not found["money"]["flows"][0]["balanced"]
    assert "The books do not balance." in " ".join(found["summary"])
