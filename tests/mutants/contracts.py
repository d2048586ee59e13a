"""Mutants of the contracts, on money, guards, draws and phases, each with what must notice."""

from __future__ import annotations

from tests.mutants.court import COURT
from tests.mutants.details import DETAILS
from tests.mutants.libraries import LIBRARIES
from tests.mutants.limits import LIMITS
from tests.mutants.table import Mutant

SETTLING, ROUNDS = "federation/Settling.sol", "federation/Rounds.sol"
DUPLICATES = "court/Duplicates.sol"
ATTEMPTS, REGISTRATION = "federation/Attempts.sol", "federation/Registration.sol"
WORDS, PERMUTATION = "libraries/Words.sol", "libraries/Permutation.sol"
NOT_YET = "if (block.timestamp < state.core.deadline) revert NotYet();"

MONEY = (
    Mutant(
        "all of the slashes is shared",
        SETTLING,
        "page.pool / 2 / sharers",
        "page.pool / sharers",
        "half_of_what_the_absent_lose_is_shared",
    ),
    Mutant(
        "what is shared is burned as well",
        SETTLING,
        "page.burnedStake += page.pool - shared;",
        "page.burnedStake += page.pool;",
        "half_of_what_the_absent_lose_is_shared",
    ),
    Mutant(
        "slashes are shared before they are in",
        SETTLING,
        "if (step == cohort) _shareSlashes(page);",
        "if (step == cohort - 1) _shareSlashes(page);",
        "one_commit_short_of_the_minimum",
    ),
    Mutant(
        "a reward nobody earned is not burned",
        SETTLING,
        "(paid == 0 ? 0 : reward)",
        "reward",
        "everybody_silent",
    ),
    Mutant(
        "the fee of an aborted round is not burned",
        SETTLING,
        "(claimed ? fee : 0)",
        "fee",
        "an_exhausted_pool",
    ),
    Mutant(
        "a round without reveals costs the sponsor",
        SETTLING,
        "if (state.core.attempt == 0) return;",
        "",
        "one_commit_short_of_the_minimum",
    ),
    Mutant(
        "duplicates are paid",
        SETTLING,
        "if (page.duplicates.has(position)) page.burned += share;",
        "if (page.samples == 0) page.burned += share;",
        "the_later_of_two_equal_updates_is_not_paid",
    ),
    Mutant(
        "an update is its own duplicate",
        DUPLICATES,
        "first.sequence >= second.sequence",
        "first.sequence > second.sequence",
        "the_later_of_two_equal_updates_is_not_paid",
    ),
    Mutant(
        "duplicates are named during settlement",
        DUPLICATES,
        "if (!inside || state.settlement.progress == Progress.Running) revert WrongPhase();",
        "if (!inside) revert WrongPhase();",
        "duplicates_are_named_late_but_not_during_settlement",
    ),
    Mutant(
        "the fee stays in escrow",
        SETTLING,
        "state.money.escrow -= uint96(reward + fee);",
        "state.money.escrow -= uint96(reward);",
        "an_honest_task",
    ),
    Mutant(
        "the running counted set is paid, not the owed one",
        SETTLING,
        "uint256 paid = state.current.owed & ~state.current.dropped;",
        "uint256 paid = state.current.counted & ~state.current.dropped;",
        "a_counted_set_below_the_minimum_does_not_replace_one_that_was_owed",
    ),
    Mutant(
        "bonds do not return",
        "federation/Restitution.sol",
        "state.seats[account].stake += uint96(returned);",
        "{}",
        "a_member_misses_a_chunk_that_nobody_serves",
    ),
    Mutant(
        "who does not reveal loses as little as who does not commit",
        SETTLING,
        "state.amounts.slashReveal, Cause.NoReveal",
        "state.amounts.slashCommit, Cause.NoReveal",
        "one_does_not_reveal",
    ),
    Mutant(
        "an empty seat is slashed for silence",
        SETTLING,
        "if (state.seats[account].stake < _aggregatorRoundStake(amounts)) return;",
        "if (state.seats[account].stake < amounts.slashSilent) return;",
        "a_seat_that_does_not_cover_a_round_stays_empty",
    ),
    Mutant(
        "opened seats lose the nonce's deposit",
        SETTLING,
        "seat.standing < Standing.OpenedParticipant",
        "seat.standing <= Standing.OpenedParticipant",
        "too_few_participants_open",
    ),
    Mutant(
        "the last dust is not burned",
        ROUNDS,
        "money.burned += money.dust;",
        "",
        "an_honest_task",
    ),
    Mutant(
        "stale samples shine through",
        ROUNDS,
        "state.samples[slot] & ~mask | samples << shift",
        "state.samples[slot] | samples << shift",
        "samples_of_an_earlier_round_are_overwritten",
    ),
    Mutant(
        "a deposit counts as asked, not as delivered",
        "Vault.sol",
        "received = IERC20(token).balanceOf(address(this)) - before;",
        "received = amount + 0 * before;",
        "a_taxed_reward_counts_as_delivered",
    ),
    Mutant(
        "money is withdrawn again and again",
        "Vault.sol",
        "withdrawable[token][msg.sender] = 0;",
        "",
        "too_few_participants_open",
    ),
    Mutant(
        "a payment is announced and not made",
        "Vault.sol",
        "IERC20(token).safeTransfer(account, amount);",
        "",
        "claims_and_withdrawals",
    ),
    Mutant(
        "a seat is paid its stake twice",
        SETTLING,
        "vault.pay(state.amounts.rewardToken, msg.sender, credit)",
        "vault.pay(state.amounts.rewardToken, msg.sender, stake)",
        "claims_and_withdrawals",
    ),
)

REENTRANCE = "tests/contracts/test_reentrance.py::"
WITHIN = REENTRANCE + "test_from_within_a_transfer_nothing_goes"
BEFORE = REENTRANCE + "test_the_federation_turns_away_before_it_looks"

GUARDS = (
    Mutant(
        "a pull can be entered again",
        "Vault.sol",
        "        nonReentrant\n        returns",
        "        returns",
        WITHIN + "[claim]",
    ),
    Mutant(
        "a payment can be entered again",
        "Vault.sol",
        "        nonReentrant\n    {",
        "    {",
        WITHIN + "[withdraw]",
    ),
    Mutant(
        "a withdrawal can be entered again",
        "Vault.sol",
        "external nonReentrant {",
        "external {",
        WITHIN + "[withdraw]",
    ),
    Mutant(
        "a publication can be entered again",
        REGISTRATION,
        "external nonReentrant {",
        "external {",
        BEFORE + "[publish]",
    ),
    Mutant(
        "a registration can be entered again",
        REGISTRATION,
        "        nonReentrant\n    {",
        "    {",
        BEFORE + "[register]",
    ),
    Mutant(
        "anybody delivers",
        "Vault.sol",
        "external onlyVault {",
        "external {",
        "tests/contracts/test_tokens.py::test_a_hook_cannot_be_paid_from_within_a_payment",
    ),
)

DRAWS = (
    Mutant(
        "small domains mix in eight rounds",
        PERMUTATION,
        "NARROW_ROUNDS = 16",
        "NARROW_ROUNDS = 8",
        "an_honest_task",
    ),
    Mutant(
        "wide domains mix in four rounds",
        PERMUTATION,
        "uint256 private constant ROUNDS = 8;",
        "uint256 private constant ROUNDS = 4;",
        "the_largest_committee_and_a_wide_cohort",
    ),
    Mutant(
        "the walk stops one beyond the range",
        PERMUTATION,
        "while (position >= size)",
        "while (position > size)",
        "commits",
    ),
    Mutant(
        "equal nonces cancel",
        WORDS,
        "abi.encode(OPENED_NONCE, nonce, account)",
        "abi.encode(OPENED_NONCE, nonce, account == address(0))",
        "equal_nonces_do_not_cancel",
    ),
    Mutant(
        "an update can be revealed by anybody",
        WORDS,
        "round,\n                msg.sender,\n                root,",
        "round,\n                address(0),\n                root,",
        "reveals",
    ),
    Mutant(
        "a claim is good on any chain",
        WORDS,
        "abi.encode(CLAIM, block.chainid,",
        "abi.encode(CLAIM, uint256(1),",
        "an_honest_task",
    ),
    Mutant(
        "only the last salt enters the seed",
        ROUNDS,
        "state.current.salts ^= salt;",
        "state.current.salts = salt;",
        "the_next_seed_takes_in_what_was_revealed",
    ),
    Mutant(
        "an aborted round is drawn again",
        ROUNDS,
        "_advanceSeed(state);\n            _abort",
        "_abort",
        "the_next_seed_after_an_abort_before_reveals",
    ),
    Mutant(
        "a public committee is known before reveals",
        ROUNDS,
        "== COMMITTEE_ONLY ? seed : next",
        "== COMMITTEE_ONLY ? next : seed",
        "the_next_seed_takes_in_what_was_revealed",
    ),
    Mutant(
        "attempt 2 settles on attempt 1's members",
        "federation/State.sol",
        "(attempt - 1) * state.core.committee + slot",
        "attempt * 0 + slot",
        "a_second_attempt_after_no_quorum",
    ),
)

PHASES = (
    Mutant(
        "a third of the seats count an update",
        ATTEMPTS,
        "votes.atLeast(seats / 3 + 1)",
        "votes.atLeast((seats + 2) / 3)",
        "counted_is_what_more_than_a_third_hold",
    ),
    Mutant(
        "a named update needs less than two thirds",
        ATTEMPTS,
        "(2 * seats + 2) / 3",
        "2 * seats / 3",
        "a_named_update_needs_two_thirds",
    ),
    Mutant(
        "a named update needs more than two thirds",
        ATTEMPTS,
        "(2 * seats + 2) / 3",
        "2 * seats / 3 + 1",
        "exactly_two_thirds_are_enough",
    ),
    Mutant(
        "two thirds are not enough",
        ATTEMPTS,
        "if (3 * agreed.count() < 2 *",
        "if (3 * agreed.count() <= 2 *",
        "one_silent_member_of_three",
    ),
    Mutant(
        "a Missing votes",
        ATTEMPTS,
        "_majority(state, opened & ~uint256(attempt.missing))",
        "_majority(state, opened)",
        "a_committee_of_one_that_misses",
    ),
    Mutant(
        "two committees of a pool are too few for two attempts",
        "federation/Phases.sol",
        "core.aggregators < (number + 1) * core.committee",
        "core.aggregators <= (number + 1) * core.committee",
        "a_second_attempt_after_no_quorum",
    ),
    Mutant(
        "a second counted set keeps the first one's duplicates",
        ATTEMPTS,
        "if (again) current.duplicates = 0;",
        "",
        "a_duplicate_that_is_no_longer_counted",
    ),
    Mutant(
        "bitmaps are taken at the deadline",
        ATTEMPTS,
        "if (block.timestamp >= state.core.deadline) revert HoldClosed();",
        "if (block.timestamp > state.core.deadline) revert HoldClosed();",
        "deadlines",
    ),
    Mutant(
        "the minimum is not enough",
        ROUNDS,
        "if (core.committed < core.minimum)",
        "if (core.committed <= core.minimum)",
        "nobody_reveals",
    ),
    Mutant(
        "a settled round does not forgive an abort",
        ROUNDS,
        "core.aborts = aborted ? core.aborts + 1 : 0;",
        "core.aborts = aborted ? core.aborts + 1 : core.aborts;",
        "a_settled_round_forgives_an_abort",
    ),
    Mutant(
        "three aborts end a task",
        ROUNDS,
        "ABORTS_TO_END = 2",
        "ABORTS_TO_END = 3",
        "nobody_commits_twice",
    ),
    Mutant(
        "attempts reach into the next round",
        ROUNDS,
        "delete state.attempts;",
        "",
        "an_honest_task",
    ),
    Mutant(
        "a phase closes late", "Federation.sol", NOT_YET, NOT_YET.replace("<", "<="), "deadlines"
    ),
    Mutant(
        "a phase closes early",
        "Federation.sol",
        NOT_YET,
        NOT_YET.replace("block.timestamp", "block.timestamp + 1"),
        "no_phase_closes_a_second_early",
    ),
    Mutant(
        "a round settles late",
        SETTLING,
        NOT_YET,
        NOT_YET.replace("<", "<="),
        "settlement_in_single_steps",
    ),
)

CONTRACTS = MONEY + GUARDS + DRAWS + PHASES + COURT + DETAILS + LIBRARIES + LIMITS
