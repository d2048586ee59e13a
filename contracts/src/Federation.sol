// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFederation} from "./interfaces/IFederation.sol";
import {Phase} from "./interfaces/Terms.sol";
import {Attempts} from "./federation/Attempts.sol";
import {Registration} from "./federation/Registration.sol";
import {Settling} from "./federation/Settling.sol";
import {Wiring} from "./federation/Wiring.sol";
import {Vault} from "./Vault.sol";

/// @title Federated tasks, from publication to payment
contract Federation is Registration, Attempts, Settling {
    /// @param token The ERC-20 of all stakes, bonds and slashes.
    /// @param court_ Whose code runs for what is not here.
    constructor(address token, address court_) Wiring(token, court_, new Vault()) {}

    /// @notice What is not here is the court's: its code runs on this contract's storage.
    fallback() external {
        address code = court;
        assembly ("memory-safe") {
            let input := mload(0x40)
            calldatacopy(input, 0, calldatasize())
            let done := delegatecall(gas(), code, input, calldatasize(), 0, 0)
            returndatacopy(input, 0, returndatasize())
            if iszero(done) { revert(input, returndatasize()) }
            return(input, returndatasize())
        }
    }

    /// @inheritdoc IFederation
    function advance(bytes32 task) external {
        Task storage state = _task(task);
        Phase phase = state.core.phase;
        if (phase > Phase.VerdictReveal) {
            bool void = phase == Phase.Challenge && state.settlement.progress == Progress.Barred;
            if (!void) revert WrongPhase();
        }
        if (block.timestamp < state.core.deadline) revert NotYet();
        // In an order in which what every round closes is found soon.
        if (phase > Phase.Reveal) {
            if (phase == Phase.Hold) _closeHolds(task, state);
            else if (phase == Phase.VerdictCommit) _closeVerdictCommits(task, state);
            else if (phase == Phase.VerdictReveal) _closeVerdicts(task, state);
            else _closeWindow(task, state);
        } else if (phase == Phase.Reveal) {
            _closeReveals(task, state);
        } else if (phase == Phase.Commit) {
            _closeCommits(task, state);
        } else if (phase == Phase.Open) {
            _closeOpening(task, state);
        } else {
            _closeRegistration(task, state);
        }
    }
}
