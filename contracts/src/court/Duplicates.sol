// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {State} from "../federation/State.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {Phase} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";

/// @title Duplicates: of two equal counted updates the later one is not paid
/// @notice Conforms to `sheaf.protocol.settlement`.
abstract contract Duplicates is State, ICourt {
    using Bitmap for uint256;

    /// @inheritdoc ICourt
    function duplicate(bytes32 task, uint256 earlier, uint256 later) external {
        Task storage state = _task(task);
        Phase phase = state.core.phase;
        bool inside = phase >= Phase.Hold && phase <= Phase.Aborted;
        if (!inside || state.settlement.progress == Progress.Running) revert WrongPhase();
        uint256 owed = state.current.owed;
        if (!owed.has(earlier) || !owed.has(later)) revert NotCounted();
        uint256 duplicates = state.current.duplicates;
        if (duplicates.has(later)) revert AlreadyDuplicate();
        Seat storage first = state.seats[_participantAt(state, earlier)];
        Seat storage second = state.seats[_participantAt(state, later)];
        if (first.word != second.word || first.sequence >= second.sequence) revert NotDuplicate();
        state.current.duplicates = duplicates | 1 << later;
        emit DuplicateFound(task, state.core.round, earlier, later);
    }
}
