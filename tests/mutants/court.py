"""Mutants of the court's contracts: who may move and when, what is proven, and what it costs."""

from __future__ import annotations

from tests.mutants.table import Mutant

CHALLENGES, DOCKET = "court/Challenges.sol", "court/Docket.sol"
WITHHOLDING, RESTITUTION = "court/Withholding.sol", "federation/Restitution.sol"
SETTLING = "federation/Settling.sol"
ATTEMPTS = "federation/Attempts.sol"
COLUMNS, OPENINGS, TREES = "libraries/Columns.sol", "libraries/Openings.sol", "libraries/Trees.sol"

MOVES = (
    Mutant(
        "a right claim can be challenged",
        CHALLENGES,
        "            revert NothingWrong();\n        }",
        "            number = number;\n        }",
        "a_right_claim_cannot_be_challenged",
    ),
    Mutant(
        "a true entry can be refuted",
        CHALLENGES,
        "if (entry == Columns.entryAt(column, rank)) revert NothingWrong();",
        "",
        "a_lie_in_the_column_is_refuted",
    ),
    Mutant(
        "any column refutes",
        CHALLENGES,
        "if (sha256(column) != dispute.evidence) revert WrongColumn();",
        "",
        "a_lie_in_the_column_is_refuted",
    ),
    Mutant(
        "an entry is looked up one off",
        CHALLENGES,
        "(state.current.counted & (1 << position) - 1).count()",
        "(state.current.counted & (1 << position)).count()",
        "a_lie_of_the_last_of_some",
    ),
    Mutant(
        "any past model",
        CHALLENGES,
        "bool model = _modelHeader(shape, roots.oldModel) == state.identity.modelRoot;",
        "bool model = true;",
        "only_the_wrong_coordinate_can_be_challenged",
    ),
    Mutant(
        "weights of the cohort's first",
        CHALLENGES,
        "let wanted := and(counted, 0xffff)",
        "let wanted := 0xffff",
        "columns_of_some_of_the_cohort",
    ),
    Mutant(
        "statistics are moved by the optimiser",
        CHALLENGES,
        "if (coordinate >= shape.trainable) constants.kind = OptimiserKind.Plain;",
        "",
        "statistics_are_added_whatever_the_optimiser",
    ),
    Mutant(
        "a square that is not compared",
        CHALLENGES,
        "return moments.mean == claimed.mean && moments.square == claimed.square;",
        "return moments.mean == claimed.mean;",
        "states_of_every_optimiser",
    ),
    Mutant(
        "somebody else goes on with a descent",
        CHALLENGES,
        "if (dispute.opener != msg.sender) revert NotChallenger();",
        "",
        "moves_out_of_turn",
    ),
    Mutant(
        "a move at its deadline",
        DOCKET,
        "if (block.timestamp >= dispute.deadline) revert MoveClosed();",
        "if (block.timestamp > dispute.deadline) revert MoveClosed();",
        "a_refutation_to_the_second",
    ),
    Mutant(
        "a decision before the deadline",
        DOCKET,
        "if (block.timestamp < dispute.deadline) revert NotYet();",
        "if (block.timestamp + 1 < dispute.deadline) revert NotYet();",
        "a_decision_to_the_second",
    ),
    Mutant(
        "a challenge when the window has closed",
        DOCKET,
        "if (block.timestamp >= state.core.deadline) revert WindowClosed();",
        "if (block.timestamp > state.core.deadline) revert WindowClosed();",
        "a_challenge_in_the_last_second",
    ),
    Mutant(
        "disputes outlive their attempt",
        DOCKET,
        "_isDisputed(core.phase) && number > state.attempts[core.attempt - 1].first",
        "_isDisputed(core.phase)",
        "only_a_decision_for_a_challenger_closes_the_others",
    ),
    Mutant(
        "a challenger's silence wins",
        DOCKET,
        "if (stage == Stage.Unfolded || stage == Stage.Served) return Stage.Dismissed;",
        "if (stage == Stage.Unfolded) return Stage.Dismissed;",
        "a_served_challenge_that_comes_too_late",
    ),
    Mutant(
        "every demand drops, also what is dropped",
        DOCKET,
        "return moot ? Stage.Moot : Stage.Upheld;",
        "return moot ? Stage.Upheld : Stage.Upheld;",
        "a_moot_demand",
    ),
    Mutant(
        "outsiders dispute what only a committee may read",
        DOCKET,
        "if (position >= uint256(core.attempt) * core.committee) revert NotAdmitted();",
        "",
        "who_may_open_a_dispute_where_updates_are_hidden",
    ),
    Mutant(
        "a bond that is too low",
        DOCKET,
        "if (received < due) revert BondTooLow();",
        "if (received + 1 < due) revert BondTooLow();",
        "bonds_in_a_taxed_token",
    ),
)

WITHHELD = (
    Mutant(
        "any hashes unfold a node",
        WITHHOLDING,
        "if (Trees.rootOf(hashes) != dispute.evidence) revert WrongNodes();",
        "",
        "hashes_that_are_not_below_the_node",
    ),
    Mutant(
        "any hashes are picked from",
        WITHHOLDING,
        "if (!known || child >= hashes.length) revert WrongNodes();",
        "if (child >= hashes.length) revert WrongNodes();",
        "hashes_that_are_not_below_the_node",
    ),
    Mutant(
        "five levels a step",
        WITHHOLDING,
        "STEP_LEVELS = 6;",
        "STEP_LEVELS = 5;",
        "descents_through_ragged_trees",
    ),
    Mutant(
        "demands of one price",
        WITHHOLDING,
        "bonds = state.demands[place] + 1;",
        "bonds = 1;",
        "bonds_of_demands_rise",
    ),
    Mutant(
        "a demand of what was dropped",
        WITHHOLDING,
        "uint256 due = state.current.counted & ~state.current.dropped;",
        "uint256 due = state.current.counted;",
        "a_dropped_update_is_not_demanded",
    ),
    Mutant(
        "a window that asking and answering keeps open",
        WITHHOLDING,
        "(end == 0 ? state.core.deadline : end)",
        "state.core.deadline",
        "nobody_draws_a_round_out_by_asking_and_answering",
    ),
    Mutant(
        "an answer leaves no time to judge it",
        WITHHOLDING,
        "core.deadline = uint40(deadline);",
        "deadline = core.deadline;",
        "an_answer_extends_the_window",
    ),
    Mutant(
        "any chunk of the right length ends a descent",
        WITHHOLDING,
        "return Trees.leafHash(opening.chunk) == dispute.evidence;",
        "return true;",
        "chunks_that_do_not_answer",
    ),
)

JUDGED = (
    Mutant(
        "halves of a column",
        COLUMNS,
        "if (_upTo(lanes, middle) > rank) high = middle;",
        "if (_upTo(lanes, middle) >= rank) high = middle;",
        "medians",
    ),
    Mutant(
        "a median above the middle",
        COLUMNS,
        "return (count - 1) / 2;",
        "return count / 2;",
        "medians",
    ),
    Mutant(
        "equal lows are dropped",
        COLUMNS,
        "int256 lows = int256(upTo - dropped);",
        "int256 lows = 1;",
        "trimmed_means",
    ),
    Mutant(
        "the least int32 is itself",
        COLUMNS,
        "return entry < -Arithmetic.LIMIT ? -Arithmetic.LIMIT : entry;",
        "return entry;",
        "values_at_the_ends_of_the_range_and_weights_at_the_cap",
    ),
    Mutant(
        "a chunk of any length",
        OPENINGS,
        "if (!fits(array, opening.chunk, index)) return false;",
        "",
        "an_update_of_another_shape",
    ),
    Mutant(
        "a path of any length",
        TREES,
        "return last == 0 && found == root;",
        "return found == root;",
        "an_update_of_fewer_chunks",
    ),
    Mutant(
        "a last node that is hashed with itself",
        TREES,
        "if (size & 1 == 1) hashes[size / 2] = hashes[size - 1];",
        "if (size & 1 == 1) hashes[size / 2] = nodeHash(hashes[size - 1], hashes[size - 1]);",
        "descents_through_ragged_trees",
    ),
)

CONSEQUENCES = (
    Mutant(
        "a void attempt settles",
        SETTLING,
        "if (progress == Progress.Barred) revert WrongPhase();",
        "",
        "a_void_attempt_is_challenged_to_the_end_of_its_window",
    ),
    Mutant(
        "a round settles over an open dispute",
        SETTLING,
        "if (state.core.open != 0) revert DisputeOpen();",
        "",
        "a_wrong_claim_is_overturned",
    ),
    Mutant(
        "an attempt fails over an open demand",
        ATTEMPTS,
        "            if (core.open != 0) revert DisputeOpen();",
        "",
        "verdicts_wait_for_what_is_missed",
    ),
    Mutant(
        "the accuser gets all",
        RESTITUTION,
        "uint256 left = pot / 2;",
        "uint256 left = pot;",
        "accuser_and_accused_in_one_hand_lose_half_of_every_slash",
    ),
    Mutant(
        "a refutation earns the whole bond",
        RESTITUTION,
        "earned = matter >= Matter.Update ? bonds : bonds / 2;",
        "earned = bonds;",
        "a_lie_in_the_column_is_refuted",
    ),
    Mutant(
        "who withholds is not slashed",
        RESTITUTION,
        "lost = _slashOwner(state, page, dispute);",
        "lost = 0;",
        "an_unanswered_demand",
    ),
    Mutant(
        "dissenters go with nothing",
        RESTITUTION,
        "uint256 dissent = attempt.opened & ~attempt.missing & ~attempt.agreed;",
        "uint256 dissent = 0;",
        "who_did_not_vote_for_it_is_not_slashed",
    ),
    Mutant(
        "a miss is dissent",
        RESTITUTION,
        "attempt.opened & ~attempt.missing & ~attempt.agreed",
        "attempt.opened & ~attempt.agreed",
        "silence_and_a_miss_are_no_dissent",
    ),
)

COURT = MOVES + WITHHELD + JUDGED + CONSEQUENCES
