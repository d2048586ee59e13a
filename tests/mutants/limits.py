"""Mutants of what contracts hold others to: bounds of terms, committees' members, the guard, the
federation's wiring, and the token."""

from __future__ import annotations

from tests.mutants.table import Mutant

BOUNDS = "libraries/Bounds.sol"
MEMBERS, GUARDED = "federation/Members.sol", "libraries/Guarded.sol"
PARTS = "tests/contracts/test_libraries.py"
REENTRANCE = "tests/contracts/test_reentrance.py"
OUT_OF_BOUNDS = "terms_out_of_bounds"

TERMS = (
    *(
        Mutant(f"a {what}", BOUNDS, old, new, OUT_OF_BOUNDS)
        for what, old, new in (
            ("coordinate too many", "MAX_COORDINATES = 2 ** 33", "MAX_COORDINATES = 2 ** 33 + 1"),
            ("participant too many", "MAX_COHORT = 256", "MAX_COHORT = 257"),
            ("round too many", "(s.rounds, 1, type(uint16).max)", "(s.rounds, 1, 2 ** 16)"),
            (
                "member too few",
                "(c.committee, 3, MAX_COMMITTEE)",
                "(c.committee, 2, MAX_COMMITTEE)",
            ),
            ("floor too low", "LEAST_FLOOR = 2 ** 10", "LEAST_FLOOR = 2 ** 10 - 1"),
            ("trim of a half", "2 * m.trimNumerator < m", "2 * m.trimNumerator <= m"),
            ("constant nobody uses", "high) : value == 0", "high) : true"),
            (
                "stake for one round",
                "e.participantStake >= _max(rounds * round,",
                "e.participantStake >= _max(round,",
            ),
            ("lie without a stake", "_max(e.slashSilent, e.slashOverturned)", "e.slashSilent"),
            ("bond above every slash", "e.courtBond <= round", "e.courtBond <= MAX_AMOUNT"),
        )
    ),
    Mutant(
        "an escrow of one round",
        BOUNDS,
        "escrow = rounds * (e.roundReward + e.committeeFee);",
        "escrow = e.roundReward + e.committeeFee;",
        "publication",
    ),
    Mutant(
        "the last of a range",
        BOUNDS,
        "low <= value && value <= high",
        "low <= value && value < high",
        "terms_at_their_bounds",
    ),
)

SEATS = (
    Mutant(
        "anybody sits",
        MEMBERS,
        "if (seat.standing != Standing.OpenedAggregator) revert NotInCommittee();",
        "",
        "holds",
    ),
    Mutant(
        "a seat too many", MEMBERS, "position >= first + seats", "position > first + seats", "holds"
    ),
    Mutant(
        "those before stay",
        MEMBERS,
        "position < first || position",
        "position",
        "a_second_attempt_after_no_quorum",
    ),
    Mutant(
        "attempts share a committee",
        MEMBERS,
        "first = (number - 1) * seats;",
        "first = 0 * number;",
        "a_second_attempt_after_no_quorum",
    ),
    Mutant(
        "verdicts open at any time",
        MEMBERS,
        "if (state.core.phase != Phase.VerdictReveal) revert WrongPhase();",
        "",
        "every_action_in_every_phase",
    ),
    Mutant(
        "verdicts open a second late",
        MEMBERS,
        "block.timestamp >= state.core.deadline",
        "block.timestamp > state.core.deadline",
        "deadlines",
    ),
    Mutant(
        "a verdict nobody committed",
        MEMBERS,
        "if (!uint256(attempt.committed).has(slot)) revert NotCommitted();",
        "",
        "opened_verdicts",
    ),
    Mutant(
        "a verdict is opened twice",
        MEMBERS,
        "if (uint256(attempt.opened).has(slot)) revert AlreadyRevealed();",
        "",
        "opened_verdicts",
    ),
    Mutant(
        "verdicts of the first attempt",
        MEMBERS,
        "attempt: number});",
        "attempt: 1});",
        "a_second_attempt_after_no_quorum",
    ),
)

REST = (
    Mutant(
        "a guard that is never up", GUARDED, "_entered = true;", "_entered = false;", REENTRANCE
    ),
    Mutant(
        "a guard that stays up",
        GUARDED,
        "        _entered = false;",
        "",
        f"{REENTRANCE}::test_a_guard_is_down_again_within_the_transaction",
    ),
    Mutant(
        "the deployer gets the supply",
        "Token.sol",
        "_mint(holder, supply);",
        "_mint(msg.sender, supply);",
        PARTS,
    ),
    Mutant(
        "a unit too few",
        "Token.sol",
        "_mint(holder, supply);",
        "_mint(holder, supply - 1);",
        PARTS,
    ),
    Mutant(
        "decimals nobody chose",
        "Token.sol",
        "return _decimals;",
        "return 18 + 0 * _decimals;",
        PARTS,
    ),
    Mutant(
        "a court of nothing",
        "federation/Wiring.sol",
        "if (court_.code.length == 0) revert NoCourt(court_);",
        "",
        f"{PARTS}::test_a_court_without_code_is_refused",
    ),
)

LIMITS = (*TERMS, *SEATS, *REST)
