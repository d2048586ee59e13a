// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title The token of the embedded ledger
/// @notice A plain ERC-20 of fixed supply: nobody can mint, pause, freeze or upgrade it.
contract Token is ERC20 {
    uint8 private immutable _decimals;

    /// @param decimals_ How many digits of a balance stand behind the point (display only).
    /// @param holder Receives the whole supply.
    /// @param supply In the token's own unit.
    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address holder,
        uint256 supply
    ) ERC20(name_, symbol_) {
        _decimals = decimals_;
        _mint(holder, supply);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
