// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFederation} from "../interfaces/IFederation.sol";
import {Cause, Phase} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Permutation} from "../libraries/Permutation.sol";
import {Words} from "../libraries/Words.sol";
import {Phases} from "./Phases.sol";
import {Wiring} from "./Wiring.sol";

/// @title Rounds: commit, reveal, abort, the next round, the end
/// @notice Conforms to `sheaf.protocol.rounds`.
abstract contract Rounds is Phases, Wiring {
    using Bitmap for uint256;

    uint256 private constant MAX_REPORT_BYTES = 1024;
    uint256 private constant COMMITTEE_ONLY = 1;
    uint256 private constant ABORTS_TO_END = 2;

    /// @inheritdoc IFederation
    function commit(bytes32 task, bytes32 commitment) external {
        Task storage state = _task(task);
        Core storage core = state.core;
        if (core.phase != Phase.Commit) revert WrongPhase();
        if (block.timestamp >= core.deadline) revert CommitClosed();
        Seat storage seat = state.seats[msg.sender];
        if (seat.standing != Standing.OpenedParticipant) revert NotInCohort();
        uint256 round = core.round;
        if (seat.committedRound == round) revert AlreadyCommitted();
        if (commitment == 0) revert ZeroCommitment();
        uint256 position =
            Permutation.positionOf(state.keys.cohort, core.participants, seat.index);
        // All positions lie below the number of participants.
        if (position >= core.goal) revert NotInCohort();
        uint256 sequence = core.committed;
        seat.word = commitment;
        seat.committedRound = uint16(round);
        seat.sequence = uint8(sequence);
        seat.position = uint8(position);
        core.committed = uint16(sequence + 1);
        emit Committed(task, msg.sender, round, position, commitment);
    }

    /// @inheritdoc IFederation
    function reveal(bytes32 task, bytes32 root, uint256 samples, bytes32 receipt, bytes32 salt)
        external
    {
        Task storage state = _task(task);
        Core storage core = state.core;
        if (core.phase != Phase.Reveal) revert WrongPhase();
        if (block.timestamp >= core.deadline) revert RevealClosed();
        Seat storage seat = state.seats[msg.sender];
        uint256 round = core.round;
        // Only opened participants ever commit, so a seat of this round is one.
        if (seat.committedRound != round) revert NotCommitted();
        uint256 position = seat.position;
        uint256 revealed = state.current.revealed;
        if (revealed.has(position)) revert AlreadyRevealed();
        if (samples == 0 || samples > core.weightCap) revert SamplesOutOfRange();
        if (seat.word != Words.updateCommitment(task, round, root, samples, receipt, salt)) {
            revert CommitmentMismatch();
        }
        seat.word = root;
        state.current.revealed = revealed | 1 << position;
        state.current.salts ^= salt;
        _storeSamples(state, position, samples);
        emit Revealed(task, msg.sender, round, position, root, samples, receipt, salt);
    }

    /// @inheritdoc IFederation
    function report(bytes32 task, uint256 round, bytes calldata metrics) external {
        Task storage state = _task(task);
        if (msg.sender != state.identity.sponsor) revert NotSponsor();
        if (round > state.core.round) revert UnknownRound();
        if (metrics.length > MAX_REPORT_BYTES) revert ReportTooLong();
        emit Reported(task, round, metrics);
    }

    /// @dev COMMIT -> REVEAL, or an abort before reveals when fewer than the minimum committed.
    function _closeCommits(bytes32 task, Task storage state) internal {
        Core storage core = state.core;
        if (core.committed < core.minimum) {
            _advanceSeed(state);
            _abort(task, state, Cause.TooFewCommits);
        } else {
            _start(task, core, Phase.Reveal, state.durations.revealS);
        }
    }

    /// @dev REVEAL -> HOLD: fix the next seed and draw the round's committees.
    function _closeReveals(bytes32 task, Task storage state) internal {
        bytes32 seed = state.keys.seed;
        bytes32 next = _advanceSeed(state);
        bytes32 key = Words.committeeKey(state.core.visibility == COMMITTEE_ONLY ? seed : next);
        state.keys.committee = key;
        emit CommitteeDrawn(task, state.core.round, key);
        _startAttempt(task, state);
    }

    /// @dev Draw a cohort under the task's seed and open COMMIT, over a fresh round.
    function _startRound(bytes32 task, Task storage state) internal {
        Core storage core = state.core;
        bytes32 seed = state.keys.seed;
        core.round += 1;
        core.attempt = 0;
        core.committed = 0;
        core.disputes = 0;
        delete state.current;
        delete state.attempts;
        state.keys.cohort = Words.cohortKey(seed);
        emit CohortDrawn(task, core.round, seed, _cohort(core));
        _start(task, core, Phase.Commit, state.durations.commitS);
    }

    /// @dev After the last settle page: the next round, or the task's end.
    function _endRound(bytes32 task, Task storage state, bool aborted) internal {
        Core storage core = state.core;
        core.aborts = aborted ? core.aborts + 1 : 0;
        if (core.aborts == ABORTS_TO_END) {
            _finish(task, state, Phase.Ended, Cause.TwoAborts);
        } else if (core.round == core.rounds) {
            _finish(task, state, Phase.Done, Cause.None);
        } else {
            _startRound(task, state);
        }
    }

    /// @dev End the task: what is left in escrow goes back to the sponsor, the last dust is burned.
    function _finish(bytes32 task, Task storage state, Phase phase, Cause cause) internal {
        Money storage money = state.money;
        uint256 refund = money.escrow;
        money.escrow = 0;
        money.burned += money.dust;
        money.dust = 0;
        state.core.phase = phase;
        state.core.deadline = 0;
        emit TaskEnded(task, phase, refund, cause);
        if (refund != 0) {
            vault.credit(state.amounts.rewardToken, state.identity.sponsor, refund);
        }
    }

    function _advanceSeed(Task storage state) private returns (bytes32 next) {
        next = Words.nextSeed(state.keys.seed, state.core.round, state.current.salts);
        state.keys.seed = next;
    }

    /// @dev Overwrites what an earlier round left in the lane.
    function _storeSamples(Task storage state, uint256 position, uint256 samples) private {
        uint256 slot = position / SAMPLES_PER_SLOT;
        uint256 shift = position % SAMPLES_PER_SLOT * SAMPLES_BITS;
        uint256 mask = uint256(type(uint16).max) << shift;
        state.samples[slot] = state.samples[slot] & ~mask | samples << shift;
    }
}
