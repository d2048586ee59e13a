// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Phase} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Permutation} from "../libraries/Permutation.sol";
import {Words} from "../libraries/Words.sol";
import {State} from "./State.sol";

/// @title Who sits on the running committee
abstract contract Members is State {
    using Bitmap for uint256;

    /// @dev The running attempt's number and the sender's slot on its committee.
    function _member(Task storage state) internal view returns (uint256 number, uint256 slot) {
        Core storage core = state.core;
        Seat storage seat = state.seats[msg.sender];
        if (seat.standing != Standing.OpenedAggregator) revert NotInCommittee();
        uint256 position =
            Permutation.positionOf(state.keys.committee, core.aggregators, seat.index);
        uint256 seats = core.committee;
        number = core.attempt;
        uint256 first = (number - 1) * seats;
        if (position < first || position >= first + seats) revert NotInCommittee();
        slot = position - first;
    }

    /// @dev Where a member that may open its verdict now sits.
    function _openingMember(bytes32 task, Task storage state)
        internal
        view
        returns (Words.Place memory place, uint256 slot)
    {
        if (state.core.phase != Phase.VerdictReveal) revert WrongPhase();
        if (block.timestamp >= state.core.deadline) revert VerdictRevealClosed();
        uint256 number;
        (number, slot) = _member(state);
        Attempt storage attempt = state.attempts[number - 1];
        if (!uint256(attempt.committed).has(slot)) revert NotCommitted();
        if (uint256(attempt.opened).has(slot)) revert AlreadyRevealed();
        place = Words.Place({task: task, round: state.core.round, attempt: number});
    }
}
