// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFederation} from "./interfaces/IFederation.sol";
import {Phase} from "./interfaces/Terms.sol";
import {Attempts} from "./federation/Attempts.sol";
import {Registration} from "./federation/Registration.sol";
import {Settling} from "./federation/Settling.sol";
import {State} from "./federation/State.sol";
import {Vault} from "./Vault.sol";

/// @title Federated tasks, from publication to payment
contract Federation is Registration, Attempts, Settling {
    /// @param token The ERC-20 of all stakes, bonds and slashes.
    constructor(address token) State(token, new Vault()) {}

    /// @inheritdoc IFederation
    function advance(bytes32 task) external {
        Task storage state = _task(task);
        Phase phase = state.core.phase;
        if (phase > Phase.VerdictReveal) revert WrongPhase();
        if (block.timestamp < state.core.deadline) revert NotYet();
        if (phase == Phase.Register) _closeRegistration(task, state);
        else if (phase == Phase.Open) _closeOpening(task, state);
        else if (phase == Phase.Commit) _closeCommits(task, state);
        else if (phase == Phase.Reveal) _closeReveals(task, state);
        else if (phase == Phase.Hold) _closeHolds(task, state);
        else if (phase == Phase.VerdictCommit) _closeVerdictCommits(task, state);
        else _closeVerdicts(task, state);
    }
}
