// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Token} from "../../src/Token.sol";

/// @title A token of which less arrives than was sent
/// @notice Burns `feeBps` of every transfer, rounded down.
contract FeeOnTransferToken is Token {
    uint256 public immutable feeBps;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address holder,
        uint256 supply,
        uint256 feeBps_
    ) Token(name_, symbol_, decimals_, holder, supply) {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 value) internal override {
        // Minting and burning are not transfers between holders.
        if (from == address(0) || to == address(0)) return super._update(from, to, value);
        uint256 fee = value * feeBps / 10_000;
        super._update(from, address(0), fee);
        super._update(from, to, value - fee);
    }
}
