// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The integer arithmetic that every party agrees on to the bit
/// @notice Conforms to `sheaf.protocol.arithmetic`.
library Arithmetic {
    /// @dev The largest lattice integer; the smallest is its negative.
    int256 internal constant LIMIT = 2 ** 31 - 1;

    /// @notice `value` moved to the nearest lattice integer.
    function sat(int256 value) internal pure returns (int256) {
        return clamp(value, -LIMIT, LIMIT);
    }

    /// @notice `value`, or the end of [low, high] that it is beyond.
    function clamp(int256 value, int256 low, int256 high) internal pure returns (int256) {
        if (value < low) return low;
        return value > high ? high : value;
    }

    /// @notice `a / b` rounded to the nearest integer, halves away from zero.
    /// @param b Positive; |a| + b / 2 stays below 2**255.
    function rdiv(int256 a, int256 b) internal pure returns (int256) {
        int256 half = b / 2;
        // Division drops the fraction, so that half a divisor outwards makes it round.
        return (a < 0 ? a - half : a + half) / b;
    }

    /// @notice The floor of the square root of `value`, which is not negative.
    function isqrt(int256 value) internal pure returns (int256) {
        return int256(Math.sqrt(uint256(value)));
    }
}
