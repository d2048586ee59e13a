// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFederation} from "../interfaces/IFederation.sol";
import {Cause, OptimiserKind, Phase} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Words} from "../libraries/Words.sol";
import {Members} from "./Members.sol";
import {Rounds} from "./Rounds.sol";

/// @title Attempts: which updates count, and what the committee says of them
/// @notice Conforms to `sheaf.protocol.attempts`.
abstract contract Attempts is Rounds, Members {
    using Bitmap for Bitmap.Votes;
    using Bitmap for uint256;

    /// @inheritdoc IFederation
    function hold(bytes32 task, uint256 bitmap) external {
        Task storage state = _task(task);
        if (state.core.phase != Phase.Hold) revert WrongPhase();
        if (block.timestamp >= state.core.deadline) revert HoldClosed();
        (uint256 number, uint256 slot) = _member(state);
        Attempt storage attempt = state.attempts[number - 1];
        uint256 stake = state.seats[msg.sender].stake;
        if (stake < _aggregatorRoundStake(state.amounts)) revert SeatEmpty();
        uint256 held = attempt.held;
        if (held.has(slot)) revert AlreadyHeld();
        if (bitmap & ~state.current.revealed != 0) revert NotRevealed();
        attempt.held = uint32(held | 1 << slot);
        state.bitmaps[slot] = bitmap;
        emit Held(task, msg.sender, state.core.round, number, slot, bitmap);
    }

    /// @inheritdoc IFederation
    function commitVerdict(bytes32 task, bytes32 commitment) external {
        Task storage state = _task(task);
        if (state.core.phase != Phase.VerdictCommit) revert WrongPhase();
        if (block.timestamp >= state.core.deadline) revert VerdictCommitClosed();
        (uint256 number, uint256 slot) = _member(state);
        Attempt storage attempt = state.attempts[number - 1];
        if (!uint256(attempt.held).has(slot)) revert NoBitmap();
        uint256 committed = attempt.committed;
        if (committed.has(slot)) revert AlreadyCommitted();
        if (commitment == 0) revert ZeroCommitment();
        attempt.committed = uint32(committed | 1 << slot);
        state.words[slot] = commitment;
        emit VerdictCommitted(task, msg.sender, state.core.round, number, slot, commitment);
    }

    /// @inheritdoc IFederation
    /// @dev From here on the slot's word is the claim it supports.
    function revealVerdict(
        bytes32 task,
        bytes32 weightsRoot,
        bytes32 modelRoot,
        bytes32 stateRoot,
        bytes32 receipt,
        bytes32 salt
    ) external {
        Task storage state = _task(task);
        (Words.Place memory place, uint256 slot) = _openingMember(task, state);
        Shape memory shape = state.shape;
        _checkRoots(shape, weightsRoot, modelRoot, stateRoot);
        Words.Verdict memory verdict = Words.Verdict({
            counted: state.current.counted,
            weightsRoot: weightsRoot,
            modelRoot: _modelHeader(shape, modelRoot),
            stateRoot: _stateHeader(shape, stateRoot)
        });
        if (state.words[slot] != Words.verdictCommitment(place, verdict, receipt, salt)) {
            revert CommitmentMismatch();
        }
        state.attempts[place.attempt - 1].opened |= uint32(1 << slot);
        state.words[slot] = Words.claim(place, verdict);
        emit VerdictRevealed(
            task,
            msg.sender,
            place.round,
            place.attempt,
            slot,
            weightsRoot,
            modelRoot,
            stateRoot,
            receipt,
            salt
        );
    }

    /// @dev HOLD -> VERDICT_COMMIT over the counted set, or a failed attempt.
    function _closeHolds(bytes32 task, Task storage state) internal {
        Core storage core = state.core;
        Current storage current = state.current;
        Attempt storage attempt = state.attempts[core.attempt - 1];
        uint256 held = attempt.held;
        uint256 counted = _count(state, held);
        // Before the first count nothing is found withheld and nothing is owed, so that no update
        // is dropped and none is a duplicate: an honest round need not look.
        bool again = core.attempt != 1;
        if (again) counted &= ~current.dropped;
        current.counted = counted;
        emit Counted(task, core.round, core.attempt, counted);
        if (counted.count() < core.minimum) {
            attempt.silent = _others(core, held);
            _failAttempt(task, state, Cause.TooFewCounted);
        } else {
            current.owed = counted;
            if (again) current.duplicates = 0;
            _start(task, core, Phase.VerdictCommit, state.durations.verdictCommitS);
        }
    }

    /// @dev VERDICT_COMMIT -> VERDICT_REVEAL.
    function _closeVerdictCommits(bytes32 task, Task storage state) internal {
        _start(task, state.core, Phase.VerdictReveal, state.durations.verdictRevealS);
    }

    /// @dev VERDICT_REVEAL -> CHALLENGE with a claim, or a failed attempt, once no demand is open.
    function _closeVerdicts(bytes32 task, Task storage state) internal {
        Core storage core = state.core;
        Attempt storage attempt = state.attempts[core.attempt - 1];
        uint256 opened = attempt.opened;
        (bytes32 word, uint256 agreed) = _majority(state, opened & ~uint256(attempt.missing));
        attempt.silent = _others(core, opened);
        if (3 * agreed.count() < 2 * uint256(core.committee)) {
            if (core.open != 0) revert DisputeOpen();
            _failAttempt(task, state, Cause.NoQuorum);
            return;
        }
        attempt.agreed = uint32(agreed);
        state.current.claim = word;
        emit Claimed(task, core.round, core.attempt, word);
        _start(task, core, Phase.Challenge, state.durations.challengeS);
    }

    /// @dev CHALLENGE -> the next attempt, where the running one is void: so long as the window is
    /// open its claim can still be overturned, which punishes more.
    function _closeWindow(bytes32 task, Task storage state) internal {
        if (state.core.open != 0) revert DisputeOpen();
        _failAttempt(task, state, Cause.Withheld);
    }

    /// @dev Positions held by more than a third of the seats; in the last attempt, of what an
    /// opened `Missing` named, by two thirds.
    function _count(Task storage state, uint256 held) private view returns (uint256 counted) {
        uint256 seats = state.core.committee;
        // Memory starts as zeros, and so does the count.
        // slither-disable-next-line uninitialized-local
        Bitmap.Votes memory votes;
        for (uint256 slot = 0; slot < seats; ++slot) {
            if (held.has(slot)) votes.add(state.bitmaps[slot]);
        }
        counted = votes.atLeast(seats / 3 + 1);
        uint256 named = state.core.attempt == MAX_ATTEMPTS ? state.current.named : 0;
        if (named != 0) {
            counted = counted & ~named | votes.atLeast((2 * seats + 2) / 3) & named;
        }
    }

    /// @dev The word that more than half of the `results` share, if one does, and who shares it:
    /// each differing pair is struck out, then what is left is counted.
    function _majority(Task storage state, uint256 results)
        private
        view
        returns (bytes32 word, uint256 agreed)
    {
        uint256 seats = state.core.committee;
        uint256 lead = 0;
        for (uint256 slot = 0; slot < seats; ++slot) {
            if (!results.has(slot)) continue;
            bytes32 other = state.words[slot];
            if (lead == 0) word = other;
            if (word == other) ++lead;
            else --lead;
        }
        for (uint256 slot = 0; slot < seats; ++slot) {
            if (results.has(slot) && state.words[slot] == word) agreed |= 1 << slot;
        }
    }

    /// @dev The seats of the committee that are not in `mask`.
    function _others(Core storage core, uint256 mask) private view returns (uint32) {
        return uint32((1 << uint256(core.committee)) - 1 & ~mask);
    }

    /// @dev Always a model, a state exactly where there is an optimiser; no rule gives weights yet.
    function _checkRoots(
        Shape memory shape,
        bytes32 weightsRoot,
        bytes32 modelRoot,
        bytes32 stateRoot
    ) private pure {
        bool plain = shape.optimiser == OptimiserKind.Plain;
        if (weightsRoot != 0 || modelRoot == 0 || stateRoot == 0 != plain) revert WrongRoots();
    }
}
