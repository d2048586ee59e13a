"""Who was drawn, who contributed, who was paid: held against the stated odds and the rule.

Each selection test is exact (`exact.two_sided`) and each family of tests is corrected after Holm to
a family-wise level of `LEVEL`. Concentration is the Gini coefficient over all participants that
opened their seats, those who never contributed included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import fmean
from typing import Any

from sheaf.audit.exact import gini, holm, two_sided
from sheaf.audit.ground import Ground, in_model
from sheaf.audit.odds import share
from sheaf.nodes.summary import metric_values
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol.events import Paid
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.state import Role

LEVEL = 0.05
CAVEATS = {
    "selection": (
        "A small p-value says that draws as lopsided as these are rare, not why. Draws are "
        "recomputed from their seeds in the verification; what is tested here is the seeds."
    ),
    "composition": (
        "Not a causal estimate: metrics are the sponsor's reports, a model gets better with the "
        "rounds whoever takes part, and with n rounds on either side a difference is mostly noise. "
        "Where everybody is counted in every round there is nothing to compare."
    ),
    "payouts": (
        "What is owed follows the task's own rule: of the round's reward, each counted update's "
        "share by its samples, rounded down; a duplicate gets nothing. That the samples exist is "
        "not shown."
    ),
}


def participation(ground: Ground) -> dict[str, Any]:
    """The whole audit, with its level and caveats."""
    return {
        "level": LEVEL,
        "selection": [_cohorts(ground), _committees(ground)],
        "concentration": _concentration(ground),
        "composition": _composition(ground),
        "payouts": _payouts(ground),
        "caveats": dict(CAVEATS),
    }


def _cohorts(ground: Ground) -> dict[str, Any]:
    pool = ground.trail.pools[Role.PARTICIPANT]
    drawn = Counter(account for found in ground.rounds for account in found.cohort)
    size = min(ground.trail.terms.cohort.goal, len(pool))
    return _selection(ground, "cohort", pool, drawn, (len(ground.trail.rounds), size))


def _committees(ground: Ground) -> dict[str, Any]:
    """First committees only: whether there is a second one depends on the first."""
    pool, size = ground.trail.pools[Role.AGGREGATOR], ground.trail.terms.cohort.committee
    held = [r for r in ground.rounds if r.committee_key != ZERO and len(pool) >= size]
    drawn = Counter(a for found in held for a in ground.trail.committee(found.number, 1))
    return _selection(ground, "first committee", pool, drawn, (len(held), size))


def _selection(
    ground: Ground,
    what: str,
    pool: Sequence[bytes],
    drawn: Mapping[bytes, int],
    draws: tuple[int, int],
) -> dict[str, Any]:
    """Exact tests of how often each was drawn, `draws` being how many and of what size."""
    trials, size = draws
    odds = share(size, len(pool))
    hits = [drawn.get(account, 0) for account in pool]
    by_hits = {count: two_sided(trials, count, odds) for count in range(trials + 1)}
    plain = [by_hits[count] for count in hits]
    adjusted = holm(plain)
    # The most that this family could ever say: an impossible count is no outcome.
    least = min(Fraction(1), len(pool) * min(p for p in by_hits.values() if p))
    return {
        "what": what,
        "trials": trials,
        "odds": [odds.numerator, odds.denominator],
        "expected": _short(trials * odds),
        "actor": [ground.places[account] for account in pool],
        "drawn": hits,
        "p": [_short(p) for p in plain],
        "adjusted": [_short(p) for p in adjusted],
        "least_adjusted": _short(least),
        "unlikely": [ground.places[a] for a, p in zip(pool, adjusted, strict=True) if p <= LEVEL],
    }


def _short(value: Fraction | float) -> float:
    """Six significant digits: for people, after everything was decided."""
    return float(f"{float(value):.6g}")


def _concentration(ground: Ground) -> list[dict[str, Any]]:
    pool = ground.trail.pools[Role.PARTICIPANT]
    samples, rewards = samples_of(ground), _rewards(ground)
    made = []
    for what, of in (("counted samples", samples), ("rewards", rewards)):
        shares = [of.get(account, 0) for account in pool]
        found = gini(shares)
        whole = sum(shares)
        made.append(
            {
                "what": what,
                "participants": len(pool),
                "gini": None if found is None else _short(found),
                "largest_share": _short(Fraction(max(shares), whole)) if whole else None,
            }
        )
    return made


def samples_of(ground: Ground) -> Counter[bytes]:
    """Samples of the updates that went into settled models, by participant."""
    made: Counter[bytes] = Counter()
    for found in ground.rounds:
        for position in in_model(found):
            made[found.cohort[position]] += found.reveals[position].samples
    return made


def _rewards(ground: Ground) -> Counter[bytes]:
    """What participants were paid for concluded rounds."""
    made: Counter[bytes] = Counter()
    for payment in ground.trail.payments:
        if isinstance(payment, Paid) and _concluded(ground, payment.round):
            made[payment.account] += payment.reward
    return made


def _composition(ground: Ground) -> list[dict[str, Any]]:
    """Of every reported metric, by participant: its mean, and its mean change since the report
    before, over settled rounds in which the participant's update was counted and over the others.
    """
    reports = {n: metric_values(r) for n, r in sorted(ground.trail.metrics.items())}
    names = sorted({name for values in reports.values() for name in values})
    inside = {r.number: {r.cohort[p] for p in in_model(r)} for r in ground.rounds if in_model(r)}
    return [_of_metric(ground, name, reports, inside) for name in names]


def _of_metric(
    ground: Ground,
    name: str,
    reports: Mapping[int, Mapping[str, float]],
    inside: Mapping[int, set[bytes]],
) -> dict[str, Any]:
    values = {n: row[name] for n, row in reports.items() if name in row}
    known = [n for n in inside if n in values]
    before = {n: values[max(m for m in values if m < n)] for n in known if min(values) < n}
    pool = ground.trail.pools[Role.PARTICIPANT]
    sides = {account: [account in inside[n] for n in known] for account in pool}
    return {
        "metric": name,
        "rounds": len(known),
        "actor": [ground.places[account] for account in pool],
        "rounds_with": [sum(sides[account]) for account in pool],
        "mean_with": [_mean(values, known, sides[a], True) for a in pool],
        "mean_without": [_mean(values, known, sides[a], False) for a in pool],
        "change_with": [_change(values, before, known, sides[a], True) for a in pool],
        "change_without": [_change(values, before, known, sides[a], False) for a in pool],
    }


def _mean(
    values: Mapping[int, float], rounds: Sequence[int], with_it: Sequence[bool], side: bool
) -> float | None:
    found = [values[n] for n, inside in zip(rounds, with_it, strict=True) if inside == side]
    return _short(fmean(found)) if found else None


def _change(
    values: Mapping[int, float],
    before: Mapping[int, float],
    rounds: Sequence[int],
    with_it: Sequence[bool],
    side: bool,
) -> float | None:
    pairs = zip(rounds, with_it, strict=True)
    found = [values[n] - before[n] for n, inside in pairs if inside == side and n in before]
    return _short(fmean(found)) if found else None


def _payouts(ground: Ground) -> dict[str, Any]:
    """What each participant was paid, and what the rule owes it for the same counted updates."""
    pool = ground.trail.pools[Role.PARTICIPANT]
    samples, paid, owed = samples_of(ground), _rewards(ground), owed_rewards(ground)
    counted = Counter(r.cohort[p] for r in ground.rounds for p in in_model(r))
    whole, money = sum(samples.values()), sum(paid.values())
    return {
        "actor": [ground.places[account] for account in pool],
        "rounds_counted": [counted[account] for account in pool],
        "samples": [samples[account] for account in pool],
        "owed": [str(owed[account]) for account in pool],
        "paid": [str(paid[account]) for account in pool],
        "share_of_samples": [_short(Fraction(samples[a], whole)) if whole else None for a in pool],
        "share_of_rewards": [_short(Fraction(paid[a], money)) if money else None for a in pool],
        "differences": [ground.places[a] for a in pool if owed[a] != paid[a]],
    }


def owed_rewards(ground: Ground) -> Counter[bytes]:
    """What the rule owes each participant, over all rounds that were settled or aborted after
    their reveals."""
    made: Counter[bytes] = Counter()
    for found in ground.rounds:
        if not _concluded(ground, found.number):
            continue
        due = [p for p in _owed(ground, found) if p not in found.dropped]
        whole = sum(found.reveals[p].samples for p in due)
        for position in due:
            if position not in found.duplicates:
                reward = ground.trail.terms.economics.round_reward
                part = reward * found.reveals[position].samples // whole
                made[found.cohort[position]] += part
    return made


def _concluded(ground: Ground, number: int) -> bool:
    """Whether the money of a round has moved, all of it."""
    return number < ground.trail.round or ground.trail.over


def _owed(ground: Ground, found: RoundTrail) -> tuple[int, ...]:
    """The last counted set that reached the minimum."""
    for attempt in sorted(found.counted, reverse=True):
        positions = found.counted_positions(attempt)
        if len(positions) >= ground.trail.terms.cohort.minimum:
            return positions
    return ()
