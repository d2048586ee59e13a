"""Draws against their odds, pay against contribution, metrics by who was counted."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from sheaf.audit.dossier import dossier
from sheaf.nodes.evidence import Evidence, Report
from sheaf.protocol.hashing import cohort_key
from tests.audit.staging import pageant, played
from tests.nodes.plans import TOKEN


@pytest.fixture(scope="module")
def verified() -> tuple[Evidence, Report]:
    """Twenty rounds of 4 of 10, of whom number 3 never reveals."""
    absent = pageant(10, 20, 4, absent=lambda round, number: "reveal" if number == 3 else "")
    return played(absent)


@pytest.fixture(scope="module")
def made(verified: tuple[Evidence, Report]) -> dict[str, Any]:
    return dossier(*verified)


def test_selection_is_tested_against_the_odds_of_each_draw(made: dict[str, Any]) -> None:
    cohort, committee = made["participation"]["selection"]
    assert (cohort["odds"], cohort["trials"], cohort["expected"]) == ([2, 5], 20, 8.0)
    assert (committee["odds"], committee["trials"]) == ([1, 3], 20)
    assert sum(cohort["drawn"]) == 20 * 4
    assert sum(committee["drawn"]) == 20 * 3
    for hits, p in zip(cohort["drawn"], cohort["p"], strict=True):
        assert p == pytest.approx(stats.binomtest(hits, 20, 0.4).pvalue, rel=1e-5)
    # The most lopsided count there is: twenty of twenty at 2/5, times ten seats.
    assert cohort["least_adjusted"] == pytest.approx(10 * 0.4**20, rel=1e-5)


def test_a_draw_that_always_takes_the_same_is_called_unlikely(
    verified: tuple[Evidence, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, report = verified
    first = evidence.trail.rounds[1]
    assert first.seed
    assert cohort_key(first.seed)
    for found in evidence.trail.rounds.values():
        monkeypatch.setitem(found.__dict__, "cohort", first.cohort)
    selection = dossier(evidence, report)["participation"]["selection"][0]
    pool = evidence.trail.pools[next(iter(evidence.trail.pools))]
    always = {index for index, account in enumerate(pool) if account in first.cohort}
    # Always at 2/5 over twenty draws: one in ninety million, whichever of ten seats it is.
    assert {selection["actor"].index(actor) for actor in selection["unlikely"]} >= always


def test_everybody_drawn_every_round_has_nothing_to_test() -> None:
    made = dossier(*played(pageant(3, 2)))
    selection = made["participation"]["selection"][0]
    assert selection["odds"] == [1, 1]
    assert selection["adjusted"] == [1.0, 1.0, 1.0]
    assert selection["least_adjusted"] == 1.0


def test_concentration_counts_who_never_contributed() -> None:
    # Samples 10, 11 and 12, the last of whom never reveals: shares 0, 10, 11 of 21. Over all pairs
    # the differences are 10, 11 and 1, twice each: 44 of 2 x 3 x 21.
    absent = pageant(3, 1, absent=lambda round, number: "reveal" if number == 2 else "")
    found = dossier(*played(absent))["participation"]["concentration"]
    assert [c["gini"] for c in found] == pytest.approx([44 / 126] * 2, rel=1e-5)
    assert found[0]["largest_share"] == pytest.approx(11 / 21, rel=1e-5)


def test_everybody_is_paid_what_the_rule_owes(made: dict[str, Any]) -> None:
    payouts = made["participation"]["payouts"]
    assert payouts["owed"] == payouts["paid"]
    assert payouts["differences"] == []
    assert payouts["paid"][payouts["actor"].index(4)] == "0"
    # The participant of number 3 is the fourth that registered: place 4, after the sponsor.
    assert sum(int(p) for p in payouts["paid"]) > 0


def test_a_copy_is_owed_nothing() -> None:
    # Samples 10 to 13: 46 in all; number 3 copies number 2, and whoever was later is not paid.
    made = dossier(*played(pageant(4, 1, copies={3: 2})))
    payouts = made["participation"]["payouts"]
    assert payouts["owed"] == payouts["paid"]
    twins = [int(payouts["paid"][payouts["actor"].index(place)]) for place in (3, 4)]
    shares = (100 * TOKEN * 12 // 46, 100 * TOKEN * 13 // 46)
    assert twins in ([shares[0], 0], [0, shares[1]])
    assert len(made["rounds"][0]["contributions"]["duplicates"]) == 1


def test_pay_that_differs_from_the_rule_is_named(verified: tuple[Evidence, Report]) -> None:
    evidence, report = played(pageant(4, 1))
    changed = evidence.trail.payments[1]
    changed.__dict__["reward"] += 5
    payouts = dossier(evidence, report)["participation"]["payouts"]
    place = list(evidence.trail.seats).index(changed.account) + 1
    assert payouts["differences"] == [place]


def test_metrics_are_compared_by_who_was_counted(made: dict[str, Any]) -> None:
    # Accuracy of round r is (50 + r) %; whoever is counted in rounds R has their mean.
    (composition,) = made["participation"]["composition"]
    rounds = {
        actor: [
            found["round"]
            for found in made["rounds"]
            if actor in found["contributions"]["actor"]
            and found["contributions"]["counted"][found["contributions"]["actor"].index(actor)]
        ]
        for actor in composition["actor"]
    }
    for place, actor in enumerate(composition["actor"]):
        inside = rounds[actor]
        assert composition["rounds_with"][place] == len(inside)
        mean = sum(50 + r for r in inside) / len(inside) / 100 if inside else None
        assert composition["mean_with"][place] == (mean and pytest.approx(mean, rel=1e-5))
    # Every report is one point above the one before it.
    changes = [c for c in composition["change_with"] if c is not None]
    assert changes == pytest.approx([0.01] * len(changes), rel=1e-3)
