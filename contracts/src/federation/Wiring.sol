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

    constructor(address stakeToken_, address court_, IVault vault_) {
        stakeToken = stakeToken_;
        court = court_;
        vault = vault_;
    }
}
