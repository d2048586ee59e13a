"""Mutants of the court's contracts, each with the vector or the test that must notice."""

from __future__ import annotations

from tests.mutants.table import Mutant

DOCKET, CHALLENGES = "court/Docket.sol", "court/Challenges.sol"
WITHHOLDING, RESTITUTION = "court/Withholding.sol", "federation/Restitution.sol"
COLUMNS, TREES, OPENINGS = "libraries/Columns.sol", "libraries/Trees.sol", "libraries/Openings.sol"
SETTLING, PHASES = "federation/Settling.sol", "federation/Phases.sol"
REENTRANCE = "tests/contracts/test_reentrance.py::"

COURT = (
    Mutant(
        "silence of a challenger upholds",
        DOCKET,
        "if (stage == Stage.Unfolded || stage == Stage.Served) return Stage.Dismissed;",
        "",
        "a_challenger_that_does_not_choose",
    ),
    Mutant(
        "nothing is moot",
        DOCKET,
        "_isDemand(dispute) && state.current.dropped.has(dispute.position)",
        "false",
        "a_moot_demand",
    ),
    Mutant(
        "an upheld demand does not bar settlement",
        DOCKET,
        "state.settlement.progress = Progress.Barred;",
        "",
        "an_unanswered_demand",
    ),
    Mutant(
        "a move at its deadline",
        DOCKET,
        "if (block.timestamp >= dispute.deadline) revert MoveClosed();",
        "if (block.timestamp > dispute.deadline) revert MoveClosed();",
        "a_refutation_to_the_second",
    ),
    Mutant(
        "disputes of an attempt that failed go on",
        DOCKET,
        " && number > state.attempts[core.attempt - 1].first;",
        ";",
        "a_descent_closed_by_anothers_success",
    ),
    Mutant(
        "members of a committee that was not drawn yet challenge",
        DOCKET,
        "position >= uint256(core.attempt) * core.committee",
        "position >= uint256(core.attempt) * core.committee + 1",
        "who_may_open_a_dispute_where_updates_are_hidden",
    ),
    Mutant(
        "a bond short of what is due",
        DOCKET,
        "if (received < due) revert BondTooLow();",
        "if (received < due - 1) revert BondTooLow();",
        "bonds",
    ),
    Mutant(
        "what is beyond a bond is kept",
        DOCKET,
        "if (received != due) vault.credit(token, msg.sender, received - due);",
        "",
        "bonds",
    ),
    Mutant(
        "right claims are challenged",
        CHALLENGES,
        "revert NothingWrong();\n        }",
        "}",
        "a_right_claim_cannot_be_challenged",
    ),
    Mutant(
        "a column longer than the counted set",
        CHALLENGES,
        "if (column.length != ELEMENT_BYTES * count) revert WrongColumn();",
        "if (column.length < ELEMENT_BYTES * count) revert WrongColumn();",
        "a_challenge_of_what_was_not_claimed",
    ),
    Mutant(
        "any coordinate of a model whose chunk was served",
        CHALLENGES,
        "if (number != 0 && array.chunkOf(coordinate) != _dispute(state, number).index) {",
        "if (number != 0 && array.chunkOf(coordinate) == type(uint256).max) {",
        "a_descent_to_a_wrong_entry",
    ),
    Mutant(
        "any old state",
        CHALLENGES,
        "!model || _stateHeader(shape, roots.oldState) != state.identity.stateRoot",
        "!model",
        "what_a_challenge_of_a_state_must_open",
    ),
    Mutant(
        "statistics are trained",
        CHALLENGES,
        "if (coordinate >= shape.trainable) constants.kind = OptimiserKind.Plain;",
        "",
        "statistics_are_added_whatever_the_optimiser",
    ),
    Mutant(
        "a state's square is not compared",
        CHALLENGES,
        "moments.mean == claimed.mean && moments.square == claimed.square",
        "moments.mean == claimed.mean",
        "a_wrong_state_is_overturned",
    ),
    Mutant(
        "the entry of another participant is refuted",
        CHALLENGES,
        "uint256 rank = (counted & (1 << position) - 1).count();",
        "uint256 rank = position;",
        "a_lie_of_the_last_of_some",
    ),
    Mutant(
        "the least integer is read as it is",
        COLUMNS,
        "if slt(entry, least) { entry := least }",
        "",
        "values_at_the_ends_of_the_range_and_weights_at_the_cap",
    ),
    Mutant(
        "a trim of one end too little",
        COLUMNS,
        "orderStatistic(lanes, count - dropped - 1)",
        "orderStatistic(lanes, count - dropped)",
        "trimmed_means",
    ),
    Mutant(
        "a right edge does not rise",
        TREES,
        "while (index & 1 == 0 && index != 0) {",
        "while (false) {",
        "descents_through_ragged_trees",
    ),
    Mutant(
        "a path may be longer",
        TREES,
        "if (last == 0) return false;",
        "if (last == 0) return found == root;",
        "openings_that_prove_nothing",
    ),
    Mutant(
        "the last chunk may be padded",
        OPENINGS,
        "return chunk.length == (left < full ? left : full);",
        "return chunk.length >= (left < full ? left : full);",
        "an_update_of_another_shape",
    ),
    Mutant(
        "an answer does not extend the window",
        WITHHOLDING,
        "        core.deadline = uint40(deadline);\n        emit",
        "        emit",
        "an_answer_extends_the_window",
    ),
    Mutant(
        "demands in time that answers added",
        WITHHOLDING,
        "(end == 0 ? state.core.deadline : end)",
        "state.core.deadline",
        "nobody_draws_a_round_out_by_asking_and_answering",
    ),
    Mutant(
        "bonds of demands do not rise",
        WITHHOLDING,
        "state.demands[place] = bonds;",
        "",
        "bonds_of_demands_rise",
    ),
    Mutant(
        "any hashes may be picked from",
        WITHHOLDING,
        "if (!known || child >= hashes.length) revert WrongNodes();",
        "if (!known && child >= hashes.length) revert WrongNodes();",
        "hashes_that_are_not_below_the_node",
    ),
    Mutant(
        "a refuter earns the whole bond",
        RESTITUTION,
        "matter >= Matter.Update ? bonds : bonds / 2",
        "bonds",
        "a_lie_in_the_column_is_refuted",
    ),
    Mutant(
        "the whole slash is shared",
        RESTITUTION,
        "uint256 left = pot / 2;",
        "uint256 left = pot;",
        "a_wrong_claim_is_overturned",
    ),
    Mutant(
        "who missed a chunk dissents",
        RESTITUTION,
        "attempt.opened & ~attempt.missing & ~attempt.agreed",
        "attempt.opened & ~attempt.agreed",
        "silence_and_a_miss_are_no_dissent",
    ),
    Mutant(
        "a round settles while a dispute is open",
        SETTLING,
        "if (state.core.open != 0) revert DisputeOpen();",
        "",
        "a_challenge_in_the_last_second",
    ),
    Mutant(
        "open disputes of a failed attempt stay open",
        PHASES,
        "core.open = 0;",
        "",
        "only_a_decision_for_a_challenger_closes_the_others",
    ),
    Mutant(
        "a challenge can be entered from within a pull",
        CHALLENGES,
        ") external nonReentrant {",
        ") external {",
        f"{REENTRANCE}test_the_federation_turns_away_before_it_looks",
    ),
)
