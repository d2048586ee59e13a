// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The cheat codes our tests use, answered by forge at a fixed address.
interface Vm {
    function expectRevert(bytes calldata data) external;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
}

/// @title What a test needs of forge, and no more
abstract contract Harness {
    /// @dev Where forge listens: the last 20 bytes of keccak256("hevm cheat code").
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev forge takes this public flag to tell test contracts from others.
    bool public constant IS_TEST = true;

    error Unequal(uint256 found, uint256 expected);
    error UnequalInteger(int256 found, int256 expected);
    error UnequalAddress(address found, address expected);
    error Untrue();
    error UnequalBytes(bytes found, bytes expected);

    function assertEq(uint256 found, uint256 expected) internal pure {
        if (found != expected) revert Unequal(found, expected);
    }

    function assertEq(int256 found, int256 expected) internal pure {
        if (found != expected) revert UnequalInteger(found, expected);
    }

    function assertTrue(bool holds) internal pure {
        if (!holds) revert Untrue();
    }

    function assertEq(address found, address expected) internal pure {
        if (found != expected) revert UnequalAddress(found, expected);
    }

    function assertEq(bytes memory found, bytes memory expected) internal pure {
        if (keccak256(found) != keccak256(expected)) revert UnequalBytes(found, expected);
    }

    /// @dev Folds a fuzzed word into [low, high].
    function within(uint256 word, uint256 low, uint256 high) internal pure returns (uint256) {
        return high - low == type(uint256).max ? word : low + word % (high - low + 1);
    }

    /// @dev Folds a fuzzed word into [low, high], which is not all of them.
    function within(int256 word, int256 low, int256 high) internal pure returns (int256) {
        unchecked {
            uint256 offset = uint256(word) % (uint256(high) - uint256(low) + 1);
            return int256(uint256(low) + offset);
        }
    }
}
