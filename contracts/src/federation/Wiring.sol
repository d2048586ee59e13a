// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFederation} from "../interfaces/IFederation.sol";
import {IVault} from "../interfaces/IVault.sol";

/// @title What a federation is created with
/// @notice Not part of `State`: immutables lie in code, and the court's code has none.
abstract contract Wiring is IFederation {
    /// @inheritdoc IFederation
    address public immutable stakeToken;

    /// @inheritdoc IFederation
    IVault public immutable vault;

    /// @inheritdoc IFederation
    address public immutable court;

    /// @notice A call of what is not there succeeds, so a court without code would say yes to all.
    error NoCourt(address court);

    constructor(address stakeToken_, address court_, IVault vault_) {
        if (court_.code.length == 0) revert NoCourt(court_);
        stakeToken = stakeToken_;
        court = court_;
        vault = vault_;
    }
}
