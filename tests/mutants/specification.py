"""Mutants of the executable specification; vectors, properties and golden hashes must notice."""

from __future__ import annotations

from tests.mutants.challenges import CHALLENGES
from tests.mutants.consequences import CONSEQUENCES
from tests.mutants.numbers import NUMBERS
from tests.mutants.papers import PAPERS
from tests.mutants.table import Mutant

SETTLEMENT, ROUNDS, ATTEMPTS = "settlement.py", "rounds.py", "attempts.py"
REGISTRATION, HASHING, DRAWS = "registration.py", "hashing.py", "draws.py"

ROUNDS_AND_MONEY = (
    Mutant(
        "all is shared",
        SETTLEMENT,
        "settlement.pool // 2 // revealed",
        "settlement.pool // revealed",
    ),
    Mutant("unearned is not burned", SETTLEMENT, "e.round_reward if owed else 0", "e.round_reward"),
    Mutant(
        "an aborted fee is not burned",
        SETTLEMENT,
        "e.committee_fee if task.phase == Phase.CHALLENGE else 0",
        "e.committee_fee",
    ),
    Mutant(
        "no reveals cost the sponsor",
        SETTLEMENT,
        "if current.attempts:  # reveals",
        "if task.round:  # reveals",
    ),
    Mutant(
        "duplicates are paid", SETTLEMENT, "if current.duplicates >> position & 1:", "if False:"
    ),
    Mutant(
        "its own duplicate",
        SETTLEMENT,
        "earlier.sequence >= later.sequence",
        "earlier.sequence > later.sequence",
    ),
    Mutant(
        "the fee stays",
        SETTLEMENT,
        "task.escrow -= e.round_reward + e.committee_fee",
        "task.escrow -= e.round_reward",
    ),
    Mutant("bonds stay", "restitution.py", "].stake += bonds", "].stake += 0"),
    Mutant("opened seats lose the deposit", SETTLEMENT, "if not seat.opened:", "if seat.opened:"),
    Mutant("claims are repeated", SETTLEMENT, "seat.stake = seat.credit = 0", "seat.stake = 0"),
    Mutant(
        "withdrawals are not booked",
        SETTLEMENT,
        "books.withdrawals += amount",
        "books.withdrawals += 0",
    ),
    Mutant(
        "payments are not booked",
        SETTLEMENT,
        "federation.account(token).withdrawals += amount",
        "federation.account(token).withdrawals += 0",
    ),
    Mutant(
        "what a token refuses is lost",
        SETTLEMENT,
        "federation.account(token).credit(env.sender, amount)",
        "pass",
    ),
    Mutant(
        "an overfull seat",
        SETTLEMENT,
        "if seat.stake + bonus > MAX_AMOUNT:",
        "if seat.stake > MAX_AMOUNT:",
    ),
    Mutant("a third counts", ATTEMPTS, "3 * votes > seats", "3 * votes >= seats"),
    Mutant("more than two thirds", ATTEMPTS, "3 * votes >= 2 * seats", "3 * votes > 2 * seats"),
    Mutant(
        "naming works in the first attempt, too",
        ATTEMPTS,
        "current.named if task.attempt == LAST_ATTEMPT else 0",
        "current.named",
        argued="Updates are named when verdicts open, after the first attempt's bitmaps are "
        "counted, and `named` is zero at the start of a round: the two can never differ.",
    ),
    Mutant(
        "a silent first attempt", ATTEMPTS, "attempt.silent = _others(task, attempt.held)", "pass"
    ),
    Mutant("the pool runs out early", ROUNDS, "< (task.attempt + 1) *", "<= (task.attempt + 1) *"),
    Mutant("a quorum and one", ATTEMPTS, "agreed.bit_count() >= need", "agreed.bit_count() > need"),
    Mutant("a Missing votes", ATTEMPTS, "attempt.opened & ~attempt.missing", "attempt.opened"),
    Mutant("no bond", ATTEMPTS, ".stake -= task.terms.economics.court_bond", ".stake -= 0"),
    Mutant("the minimum fails", ROUNDS, "committed < task.terms", "committed <= task.terms"),
    Mutant("no forgiveness", ROUNDS, "task.aborts + 1 if aborted else 0", "task.aborts + aborted"),
    Mutant("three aborts", ROUNDS, "if task.aborts == 2:", "if task.aborts == 3:"),
    Mutant(
        "drawn too early", ROUNDS, "seed if hidden else task.seed", "task.seed if hidden else seed"
    ),
    Mutant("the last salt alone", ROUNDS, "hashing.xor(current.salts, action.salt)", "action.salt"),
    Mutant(
        "an abort redraws", ROUNDS, "        _advance_seed(task)\n        abort", "        abort"
    ),
    Mutant("dust is left", ROUNDS, "task.burned += task.dust", "task.burned += 0"),
    Mutant("a nonce for anybody", HASHING, "task, account, nonce)", "task, nonce)"),
    Mutant(
        "nonces cancel",
        HASHING,
        "digest(OPENED_NONCE, nonce, account)",
        "digest(OPENED_NONCE, nonce)",
    ),
    Mutant(
        "a claim of any attempt",
        HASHING,
        "task, round, attempt, counted, *roots)",
        "task, round, 0, counted, *roots)",
    ),
    Mutant("eight rounds", DRAWS, "16 if width < 5 else 8", "8"),
    Mutant("half a permutation", DRAWS, "while value >= size:", "while value > size:"),
    Mutant("a stake too low", REGISTRATION, "if received < least:", "if received < least - 1:"),
    Mutant("a late action", "state.py", "if now >= self.deadline:", "if now > self.deadline:"),
    Mutant(
        "an early close",
        "machine.py",
        "if env.now < task.deadline:",
        "if env.now + 1 < task.deadline:",
    ),
    Mutant(
        "a stake for one round",
        "terms.py",
        "max(rounds * e.participant_round_stake, e.slash_nonce)",
        "e.slash_nonce",
    ),
)

SPECIFICATION = (*ROUNDS_AND_MONEY, *CHALLENGES, *CONSEQUENCES, *NUMBERS, *PAPERS)
