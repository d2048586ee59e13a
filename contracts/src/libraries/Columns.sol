// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arithmetic} from "./Arithmetic.sol";

/// @title The aggregation rules at one coordinate
/// @notice A column is one int32, little-endian, for each counted participant, in cohort order; an
/// entry of -2**31 reads as -(2**31 - 1). Conforms to `sheaf.protocol.columns`.
library Columns {
    using Arithmetic for int256;

    uint256 private constant ENTRY_BYTES = 4;
    uint256 private constant ENTRIES_PER_WORD = 8;
    uint256 private constant OCTETS =
        0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant PAIRS =
        0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;

    /// @notice The column's entries.
    /// @param column Four bytes an entry.
    function entriesOf(bytes calldata column) internal pure returns (int256[] memory entries) {
        uint256 count = column.length / ENTRY_BYTES;
        entries = new int256[](count);
        uint256 word = 0;
        for (uint256 index = 0; index < count; ++index) {
            if (index % ENTRIES_PER_WORD == 0) word = _wordAt(column, index * ENTRY_BYTES);
            entries[index] = _clamped(word);
            word <<= 32;
        }
    }

    /// @notice The column's entry at `index`, which there is.
    function entryAt(bytes calldata column, uint256 index) internal pure returns (int256) {
        return _clamped(_wordAt(column, index * ENTRY_BYTES));
    }

    /// @notice The mean of the entries by their weights, halves away from zero.
    /// @param weights As many as entries; their sum is positive and below 2**32.
    function weightedMean(int256[] memory entries, uint256[] memory weights)
        internal
        pure
        returns (int256)
    {
        int256 sum = 0;
        int256 whole = 0;
        // At most 256 products of 47 bits.
        unchecked {
            for (uint256 index = 0; index < entries.length; ++index) {
                int256 weight = int256(weights[index]);
                sum += weight * entries[index];
                whole += weight;
            }
        }
        return sum.rdiv(whole);
    }

    /// @notice How many of `count` entries lie below the middle one, or the middle two.
    function medianTrim(uint256 count) internal pure returns (uint256) {
        return (count - 1) / 2;
    }

    /// @notice The rounded mean of what is left when `dropped` entries are dropped at each end; fewer
    /// than half.
    /// @dev The least and the greatest that is left are found by counting, then what lies between
    /// is summed, and of the two as many as are left. Nothing is sorted, and the cost depends on the
    /// number of entries alone.
    function middleMean(int256[] memory entries, uint256 dropped) internal pure returns (int256) {
        uint256 count = entries.length;
        uint256 left = count - 2 * dropped;
        int256 low = orderStatistic(entries, dropped);
        int256 high = left == 1 ? low : orderStatistic(entries, count - dropped - 1);
        if (low == high) return low;
        int256 sum = 0;
        uint256 inner = 0;
        uint256 lower = 0;
        for (uint256 index = 0; index < count; ++index) {
            int256 entry = entries[index];
            if (entry <= low) {
                ++lower;
            } else if (entry < high) {
                sum += entry;
                ++inner;
            }
        }
        uint256 lows = lower - dropped;
        sum += int256(lows) * low + int256(left - inner - lows) * high;
        return sum.rdiv(int256(left));
    }

    /// @notice The entry that `rank` others are sorted before: the least value that more than `rank`
    /// entries do not exceed, found by halving the range of values.
    function orderStatistic(int256[] memory entries, uint256 rank)
        internal
        pure
        returns (int256)
    {
        int256 low = -Arithmetic.LIMIT;
        int256 high = Arithmetic.LIMIT;
        while (low < high) {
            // Rounded down, below zero, too.
            int256 middle = low + high >> 1;
            if (_upTo(entries, middle) > rank) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    /// @dev How many entries do not exceed `value`.
    function _upTo(int256[] memory entries, int256 value) private pure returns (uint256 count) {
        assembly ("memory-safe") {
            let end := add(add(entries, 0x20), shl(5, mload(entries)))
            for { let entry := add(entries, 0x20) } lt(entry, end) { entry := add(entry, 0x20) } {
                count := add(count, iszero(sgt(mload(entry), value)))
            }
        }
    }

    /// @dev The entry that a word begins with.
    function _clamped(uint256 word) private pure returns (int256) {
        int256 entry = int32(uint32(word >> 224));
        return entry < -Arithmetic.LIMIT ? -Arithmetic.LIMIT : entry;
    }

    /// @dev Eight entries, each with its bytes in the other order; at the column's end, what follows
    /// it, which nobody reads.
    function _wordAt(bytes calldata column, uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(column.offset, place))
        }
        word = (word & OCTETS) << 8 | word >> 8 & OCTETS;
        word = (word & PAIRS) << 16 | word >> 16 & PAIRS;
    }
}
