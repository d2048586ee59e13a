"""Gas of every action of an honest task and of the court, against the promised limits and the
committed snapshot.

A cohort of 100 of 100 participants, a committee of 7, everybody honest; then disputes (`contest`).
The first round, which pays for storage that later rounds reuse, is played but not counted. The
chain is deterministic, so the snapshot is compared to the unit. Without options: print the table.
`--check`: fail when a figure differs from `gas.json` or exceeds its limit. `--write`: renew
`gas.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import contest
from benchmarks.staging import PARTICIPANTS, ROUNDS, Gas, Stage, begin, claim, reveal, word
from sheaf.protocol.actions import Claim, Report, Settle, Withdraw
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Task

SNAPSHOT = Path(__file__).with_name("gas.json")
PAGE_STEPS = 50
METRICS = word("metrics") * 2
"""As many bytes as a loss and an accuracy take, hardly a zero among them."""

LIMITS = {
    "commit + reveal, per participant and round": 105_000,
    "hold + verdict, per member": 160_000,
    "settlement, per counted participant": 20_000,
    "claim, which pays out, once a task": 110_000,
}

BEFORE_COURT = {
    "Advance": 60_373,
    "Claim": 80_132,
    "Claim, two tokens": 107_524,
    "Commit": 46_812,
    "CommitVerdict": 46_741,
    "Hold": 50_620,
    "Open": 66_828,
    "Publish": 386_932,
    "Register": 98_999,
    "Reveal": 53_262,
    "RevealVerdict": 57_539,
    "Settle": 480_226,
}
"""What the actions of honest tasks cost before there was a court: they cost no more for it."""

ALL_LIMITS = LIMITS | contest.LIMITS


def play_round(stage: Stage, task: Task) -> int:
    """An honest round, to its end; the gas of its settlement."""
    model = word("model", task.round)
    reveal(stage, task, [word(task.round, seat) for seat in stage.seats[:PARTICIPANTS]])
    claim(stage, task, task.current.revealed, model, ZERO)
    stage.now = max(stage.now, task.deadline)
    page = (stage.auditor, Settle(task.id, PAGE_STEPS, ZERO, task.header(Kind.MODEL, model), ZERO))
    return sum(stage.act([page]) for _ in range(2 * PARTICIPANTS // PAGE_STEPS))


def play(same_token: bool) -> tuple[Gas, list[int]]:
    """A whole task: gas by action from the second round on, and of each such settlement."""
    stage = Stage(same_token)
    task = begin(stage)
    play_round(stage, task)
    for kind in ("Commit", "Reveal", "Hold", "CommitVerdict", "RevealVerdict", "Settle", "Advance"):
        stage.gas[kind].clear()
    settled = [play_round(stage, task) for _ in range(ROUNDS - 1)]
    stage.act([(stage.sponsor, Report(task.id, ROUNDS, METRICS))])
    stage.act((seat, Claim(task.id)) for seat in stage.seats)
    if refund := stage.spec.account(stage.tokens[-1]).withdrawable:
        stage.act((account, Withdraw(stage.tokens[-1])) for account in list(refund))
    return stage.gas, settled


def mean(values: Sequence[int]) -> int:
    """The mean, rounded up: a limit is not met by rounding."""
    return -int(-statistics.fmean(values) // 1)


def figures() -> tuple[Gas, dict[str, int]]:
    """Gas by action, and the promised figures."""
    gas, settled = play(same_token=True)
    two, _ = play(same_token=False)
    gas["Claim, two tokens"] = two["Claim"]
    means = {kind: statistics.fmean(values) for kind, values in gas.items()}
    promised = (
        means["Commit"] + means["Reveal"],
        means["Hold"] + means["CommitVerdict"] + means["RevealVerdict"],
        statistics.fmean(settled) / PARTICIPANTS,
        max(gas["Claim, two tokens"]),
    )
    found = {name: mean([round(x)]) for name, x in zip(LIMITS, promised, strict=True)}
    moves, disputes = contest.figures()
    return gas | moves, found | disputes


def main() -> int:
    """The table; with `--check`, 1 when a figure differs or is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    gas, promised = figures()
    print(f"{'action':<52}{'mean':>10}{'least':>10}{'most':>10}")
    for kind, values in gas.items():
        print(f"{kind:<52}{mean(values):>10,}{min(values):>10,}{max(values):>10,}")
    print(f"\n{'promised':<52}{'found':>10}{'limit':>10}")
    for name, value in promised.items():
        print(f"{name:<52}{value:>10,}{ALL_LIMITS[name]:>10,}")
    found = {**{kind: mean(values) for kind, values in gas.items()}, **promised}
    if options.write:
        SNAPSHOT.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    return complain(found) if options.check else 0


def complain(found: dict[str, int]) -> int:
    """Say what differs from the snapshot or breaks its limit; 1 if anything does."""
    expected = json.loads(SNAPSHOT.read_text())
    wrong = [
        f"{name}: found {found.get(name)}, {SNAPSHOT.name} says {expected.get(name)}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    wrong += [
        f"{name}: found {found[name]}, at most {limit} accepted"
        for name, limit in (ALL_LIMITS | BEFORE_COURT).items()
        if found[name] > limit
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
