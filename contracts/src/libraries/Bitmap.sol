// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Sets of up to 256 positions, and votes over them
library Bitmap {
    uint256 private constant PLANES = 5;
    uint256 private constant PAIRS =
        0x5555555555555555555555555555555555555555555555555555555555555555;
    uint256 private constant NIBBLES =
        0x3333333333333333333333333333333333333333333333333333333333333333;
    uint256 private constant BYTES =
        0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
    uint256 private constant LANES =
        0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant ONES =
        0x0001000100010001000100010001000100010001000100010001000100010001;

    /// @notice Up to 31 votes per position, bit-sliced: bit p of plane i is bit i of p's count.
    struct Votes {
        uint256[PLANES] planes;
    }

    /// @notice Whether the set has `position`; a position beyond 255 is in no set.
    function has(uint256 set, uint256 position) internal pure returns (bool) {
        return set >> position & 1 == 1;
    }

    /// @notice How many positions the set has.
    function count(uint256 set) internal pure returns (uint256) {
        unchecked {
            set -= set >> 1 & PAIRS;
            set = (set & NIBBLES) + (set >> 2 & NIBBLES);
            set = set + (set >> 4) & BYTES;
            // Bytes hold up to 8, their sum up to 256: lanes of 16 bits before they are summed.
            set = set + (set >> 8) & LANES;
            return set * ONES >> 240;
        }
    }

    /// @notice Count one vote for each position of `set`: a ripple-carry adder over all positions.
    /// @dev At most 31 sets, or counts wrap.
    function add(Votes memory votes, uint256 set) internal pure {
        uint256 carry = set;
        for (uint256 plane = 0; plane < PLANES && carry != 0; ++plane) {
            uint256 sum = votes.planes[plane];
            votes.planes[plane] = sum ^ carry;
            carry &= sum;
        }
    }

    /// @notice The positions with at least `threshold` votes, compared from the highest plane down.
    /// @param threshold At most 31.
    function atLeast(Votes memory votes, uint256 threshold) internal pure returns (uint256) {
        uint256 more = 0;
        uint256 equal = type(uint256).max;
        for (uint256 plane = PLANES; plane > 0;) {
            --plane;
            uint256 sum = votes.planes[plane];
            if (has(threshold, plane)) {
                equal &= sum;
            } else {
                more |= equal & sum;
                equal &= ~sum;
            }
        }
        return more | equal;
    }
}
