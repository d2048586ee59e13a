// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cause, Phase} from "../interfaces/Terms.sol";
import {State} from "./State.sol";

/// @title How a round goes on: to the next attempt, or to an end without a claim
/// @notice Conforms to `sheaf.protocol.rounds`.
abstract contract Phases is State {
    /// @dev Enter a phase.
    function _start(bytes32 task, Core storage core, Phase phase, uint256 duration) internal {
        uint256 deadline = block.timestamp + duration;
        core.phase = phase;
        core.deadline = uint40(deadline);
        emit PhaseStarted(task, core.round, core.attempt, phase, deadline);
    }

    /// @dev Enter HOLD with the next committee.
    function _startAttempt(bytes32 task, Task storage state) internal {
        state.core.attempt += 1;
        _start(task, state.core, Phase.Hold, state.durations.holdS);
    }

    /// @dev Close what is open in court, then go on with the next committee, or abort after the
    /// last attempt or with an empty pool.
    function _failAttempt(bytes32 task, Task storage state, Cause cause) internal {
        Core storage core = state.core;
        uint256 number = core.attempt;
        state.current.claim = 0;
        delete state.settlement;
        core.open = 0;
        emit AttemptFailed(task, core.round, number, cause);
        if (number == MAX_ATTEMPTS) {
            _abort(task, state, cause);
        } else if (core.aggregators < (number + 1) * core.committee) {
            _abort(task, state, Cause.PoolExhausted);
        } else {
            state.attempts[number].first = core.disputes;
            _startAttempt(task, state);
        }
    }

    /// @dev End the round without a claim; one window remains in which duplicates can be named.
    function _abort(bytes32 task, Task storage state, Cause cause) internal {
        emit RoundAborted(task, state.core.round, cause);
        _start(task, state.core, Phase.Aborted, state.durations.challengeS);
    }
}
