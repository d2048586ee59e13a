// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProtocol} from "../interfaces/IProtocol.sol";
import {
    Cohort,
    Economics,
    Model,
    OptimiserKind,
    Schedule,
    Terms
} from "../interfaces/Terms.sol";

/// @title Every bound on a task's terms, in the order the specification checks them
/// @notice Conforms to `sheaf.protocol.terms`. Sums and products cannot overflow: each factor is
/// bounded before it is used.
library Bounds {
    uint256 internal constant MAX_AMOUNT = type(uint96).max;
    uint256 internal constant MAX_SEATS = type(uint24).max;
    uint256 internal constant TRIMMED_MEAN = 2;
    uint256 private constant MAX_COORDINATES = 2 ** 33;
    uint256 private constant MAX_COHORT = 256;
    uint256 private constant MAX_COMMITTEE = 31;
    uint256 private constant MAX_DURATION_S = type(uint32).max;
    uint256 private constant MAX_VISIBILITY = 1;
    uint256 private constant MAX_DIVISOR = type(uint24).max;
    uint256 private constant MAX_FIXED = 2 ** 31 - 1;
    /// @dev 2**-14 at the moments' 24 fraction bits.
    uint256 private constant LEAST_FLOOR = 2 ** 10;

    /// @notice Reverts with the first field that is out of bounds.
    /// @return escrow What the sponsor must fund: every round's reward and fee.
    function check(Terms calldata terms) internal pure returns (uint256 escrow) {
        _model(terms.model);
        _schedule(terms.schedule);
        _cohort(terms.cohort);
        escrow = _economics(terms.economics, terms.schedule.rounds);
    }

    function _model(Model calldata m) private pure {
        _require(_within(m.coordinates, 1, MAX_COORDINATES), "coordinates");
        uint256 least = m.optimiser == 0 ? 0 : 1;
        _require(_within(m.trainable, least, m.coordinates), "trainable");
        _require(_within(m.fractionBits, 8, 24), "fraction_bits");
        _require(_within(m.chunkLog2, 4, 12), "chunk_log2");
        _require(m.rule <= TRIMMED_MEAN, "rule");
        if (m.rule == TRIMMED_MEAN) {
            _require(_within(m.trimDenominator, 1, type(uint16).max), "trim");
            _require(m.trimNumerator < m.trimDenominator, "trim");
            _require(2 * m.trimNumerator < m.trimDenominator, "trim");
        } else {
            _require(m.trimNumerator | m.trimDenominator == 0, "trim");
        }
        _optimiser(m);
    }

    function _optimiser(Model calldata m) private pure {
        uint256 kind = m.optimiser;
        _require(kind <= uint256(type(OptimiserKind).max), "optimiser");
        bool any = kind > uint256(OptimiserKind.Plain);
        _constant(any, m.meanDivisor, 1, MAX_DIVISOR, "mean_divisor");
        bool decaying = kind >= uint256(OptimiserKind.Adam);
        _constant(decaying, m.squareDivisor, 2, MAX_DIVISOR, "square_divisor");
        _constant(any, m.rate, 1, MAX_FIXED, "rate");
        bool dividing = kind >= uint256(OptimiserKind.Adagrad);
        _constant(dividing, m.floor, LEAST_FLOOR, MAX_FIXED, "floor");
    }

    /// @dev A constant without use is zero.
    function _constant(bool used, uint256 value, uint256 low, uint256 high, bytes32 field)
        private
        pure
    {
        _require(used ? _within(value, low, high) : value == 0, field);
    }

    function _schedule(Schedule calldata s) private pure {
        _require(_within(s.rounds, 1, type(uint16).max), "rounds");
        _require(_within(s.registerS, 1, MAX_DURATION_S), "register_s");
        _require(_within(s.openS, 1, MAX_DURATION_S), "open_s");
        _require(_within(s.commitS, 1, MAX_DURATION_S), "commit_s");
        _require(_within(s.revealS, 1, MAX_DURATION_S), "reveal_s");
        _require(_within(s.holdS, 1, MAX_DURATION_S), "hold_s");
        _require(_within(s.verdictCommitS, 1, MAX_DURATION_S), "verdict_commit_s");
        _require(_within(s.verdictRevealS, 1, MAX_DURATION_S), "verdict_reveal_s");
        _require(_within(s.challengeS, 1, MAX_DURATION_S), "challenge_s");
    }

    function _cohort(Cohort calldata c) private pure {
        _require(_within(c.minimum, 1, c.goal), "minimum");
        _require(c.goal <= MAX_COHORT, "goal");
        _require(c.committee == 1 || _within(c.committee, 3, MAX_COMMITTEE), "committee");
        _require(_within(c.weightCap, 1, type(uint16).max), "weight_cap");
        _require(c.visibility <= MAX_VISIBILITY, "visibility");
    }

    function _economics(Economics calldata e, uint256 rounds)
        private
        pure
        returns (uint256 escrow)
    {
        _require(e.rewardToken != address(0), "reward_token");
        _require(_amounts(e), "amounts");
        escrow = rounds * (e.roundReward + e.committeeFee);
        _require(escrow <= MAX_AMOUNT, "amounts");
        uint256 round = _max(_max(e.slashCommit, e.slashReveal), e.slashWithheld);
        _require(e.participantStake >= _max(rounds * round, e.slashNonce), "participant_stake");
        round = _max(e.slashSilent, e.slashOverturned);
        _require(e.aggregatorStake >= _max(rounds * round, e.slashNonce), "aggregator_stake");
        _require(e.courtBond <= round, "court_bond");
    }

    /// @dev The bits of all amounts together fit 96 bits if and only if each amount does.
    function _amounts(Economics calldata e) private pure returns (bool) {
        uint256 funding = e.roundReward | e.committeeFee | e.participantStake | e.aggregatorStake;
        uint256 slashes = e.courtBond | e.slashNonce | e.slashCommit | e.slashReveal;
        uint256 court = e.slashWithheld | e.slashSilent | e.slashOverturned;
        return funding | slashes | court <= MAX_AMOUNT;
    }

    function _require(bool holds, bytes32 field) private pure {
        if (!holds) revert IProtocol.InvalidTerms(field);
    }

    function _within(uint256 value, uint256 low, uint256 high) private pure returns (bool) {
        return low <= value && value <= high;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
