"""More mutants of the court's contracts: openings, bonds, what closes with an attempt."""

from __future__ import annotations

from tests.mutants.table import Mutant

DOCKET, CHALLENGES = "court/Docket.sol", "court/Challenges.sol"
COLUMNS, TREES, OPENINGS = "libraries/Columns.sol", "libraries/Trees.sol", "libraries/Openings.sol"
PHASES, WITHHOLDING = "federation/Phases.sol", "court/Withholding.sol"
REENTRANCE = "tests/contracts/test_reentrance.py::"
PAYOUTS = "tests/contracts/test_payouts.py::test_a_move_from_within_counts_once_as_if_it_came_after"

DETAILS = (
    Mutant(
        "an upheld demand does not bar settlement",
        DOCKET,
        "state.settlement.progress = Progress.Barred;",
        "",
        "an_unanswered_demand",
    ),
    Mutant(
        "what is beyond a bond is kept",
        DOCKET,
        "if (received != due) vault.credit(token, msg.sender, received - due);",
        "",
        "bonds",
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
        "the entry of another participant is refuted",
        CHALLENGES,
        "uint256 rank = (state.current.counted & (1 << position) - 1).count();",
        "uint256 rank = position;",
        "a_lie_of_the_last_of_some",
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
    Mutant(
        "a chunk is demanded over and over",
        WITHHOLDING,
        "if (demanded.has(chunk & 0xff)) revert AlreadyDemanded();",
        "",
        "an_owner_cannot_price_out_a_challenger_by_demanding_what_is_known",
    ),
    Mutant(
        "chunks of one page for all",
        WITHHOLDING,
        "uint256 page = place | 1 + (chunk >> 8);",
        "uint256 page = place | 1;",
        "demands_of_chunks_far_apart",
    ),
    Mutant(
        "the window's first end is forgotten",
        WITHHOLDING,
        "if (state.windows[place] == 0) state.windows[place] = core.deadline;",
        "state.windows[place] = core.deadline;",
        "nobody_draws_a_round_out_by_asking_and_answering",
    ),
    Mutant(
        "a served chunk has a path",
        WITHHOLDING,
        "if (opening.path.length != 0 || !array.fits(opening.chunk, dispute.index)) return false;",
        "if (!array.fits(opening.chunk, dispute.index)) return false;",
        "moves_out_of_turn",
    ),
    Mutant(
        "outsiders challenge what only a committee may read",
        DOCKET,
        "        _expectAdmitted(state);\n",
        "        _expectRoom(state.core);\n",
        "who_may_open_a_dispute_where_updates_are_hidden",
    ),
    Mutant(
        "outsiders demand what only a committee may read",
        WITHHOLDING,
        "        _expectAdmitted(state);\n",
        "        _expectRoom(state.core);\n",
        "outsiders_demand_nothing_before_a_claim_either",
    ),
    Mutant(
        "a seat that was not opened judges",
        DOCKET,
        "if (seat.standing != Standing.OpenedAggregator) revert NotAdmitted();",
        "",
        "an_unopened_seat_is_nobodys_where_updates_are_hidden",
    ),
    Mutant(
        "a descent's bond is pulled before it is told of",
        WITHHOLDING,
        "        _emitDescended(task, state, number, dispute);\n        _lock(state, bond, 1);",
        "        _lock(state, bond, 1);\n        _emitDescended(task, state, number, dispute);",
        PAYOUTS + "[descend]",
    ),
    Mutant(
        "a demand's bond is pulled before it is told of",
        WITHHOLDING,
        "        _emitDemanded(task, state, number, bonds);\n        _lock(state, bond, bonds);",
        "        _lock(state, bond, bonds);\n        _emitDemanded(task, state, number, bonds);",
        PAYOUTS + "[demand]",
    ),
    Mutant(
        "what was dropped counts in the next attempt",
        "federation/Attempts.sol",
        "if (again) counted &= ~current.dropped;",
        "",
        "an_unanswered_demand",
    ),
)
