// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Token} from "../../src/Token.sol";

/// @title A token that re-enters
/// @notice Once armed, every transfer calls `target` with `payload` after the balances moved. The
/// outcome is recorded and the transfer goes on, so that a test can see how the inner call ended.
contract HookToken is Token {
    address public target;
    bytes public payload;

    uint256 public hookCalls;
    bool public hookSucceeded;
    bytes public hookResult;

    bool private _inside;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address holder,
        uint256 supply
    ) Token(name_, symbol_, decimals_, holder, supply) {}

    /// @notice Sets the call to make on each transfer; the zero address disarms.
    function arm(address target_, bytes calldata payload_) external {
        target = target_;
        payload = payload_;
    }

    /// @notice Lets the token act as an account of its own (register, stake), for then its
    /// re-entering call comes from a member and is not turned away as a stranger's.
    function execute(address callee, bytes calldata data) external returns (bytes memory) {
        (bool succeeded, bytes memory result) = callee.call(data);
        if (!succeeded) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0) || _inside) return;
        _inside = true;
        ++hookCalls;
        (hookSucceeded, hookResult) = target.call(payload);
        _inside = false;
    }
}
