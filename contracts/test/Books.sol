// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Federation} from "../src/Federation.sol";
import {Phase} from "../src/interfaces/Terms.sol";

/// @notice A federation that also says where a task's tokens are.
contract Books is Federation {
    constructor(address token, address court_) Federation(token, court_) {}

    function phaseOf(bytes32 id) external view returns (Phase) {
        return tasks[id].core.phase;
    }

    function deadlineOf(bytes32 id) external view returns (uint256) {
        return tasks[id].core.deadline;
    }

    function placeOf(bytes32 id)
        external
        view
        returns (uint256 round, uint256 attempt, uint256 revealed, uint256 counted)
    {
        Task storage task = tasks[id];
        return (
            task.core.round, task.core.attempt, task.current.revealed, task.current.counted
        );
    }

    /// @notice Reward tokens that lie with the task, withdrawable ones aside.
    function rewards(bytes32 id, address[] calldata accounts) external view returns (uint256 sum) {
        Money storage money = tasks[id].money;
        sum = uint256(money.escrow) + money.dust + money.burned;
        for (uint256 index = 0; index < accounts.length; ++index) {
            sum += tasks[id].seats[accounts[index]].credit;
        }
    }

    /// @notice Stake tokens that lie with the task, withdrawable ones aside.
    function stakes(bytes32 id, address[] calldata accounts) external view returns (uint256 sum) {
        Task storage task = tasks[id];
        sum = uint256(task.money.burnedStake) + task.settlement.pool;
        sum += _locks(task) * task.amounts.courtBond;
        for (uint256 index = 0; index < accounts.length; ++index) {
            sum += task.seats[accounts[index]].stake;
        }
    }

    function isVoid(bytes32 id) external view returns (bool) {
        return tasks[id].settlement.progress == Progress.Barred;
    }

    function docketOf(bytes32 id) external view returns (uint256 disputes, uint256 open) {
        return (tasks[id].core.disputes, tasks[id].core.open);
    }

    function disputeOf(bytes32 id, uint256 number) external view returns (Dispute memory) {
        return _dispute(tasks[id], number);
    }

    function modelRootOf(bytes32 id) external view returns (bytes32) {
        return tasks[id].identity.modelRoot;
    }

    function overturned(bytes32 id, uint256 attempt) external view returns (bool) {
        return tasks[id].attempts[attempt - 1].overturned != 0;
    }

    /// @notice The root of the update that a cohort position revealed.
    function updateOf(bytes32 id, uint256 position) external view returns (bytes32) {
        return tasks[id].seats[_participantAt(tasks[id], position)].word;
    }

    /// @dev Bonds that settlement has not moved yet.
    function _locks(Task storage task) private view returns (uint256 locks) {
        if (task.core.phase >= Phase.Done) return 0;
        uint256 swept = 2 * _cohort(task.core);
        uint256 step = task.settlement.step;
        uint256 moved = step > swept ? step - swept : 0;
        for (uint256 number = moved + 1; number <= task.core.disputes; ++number) {
            locks += 1 + uint256(_dispute(task, number).more);
        }
    }
}
