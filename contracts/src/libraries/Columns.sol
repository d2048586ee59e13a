// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arithmetic} from "./Arithmetic.sol";

/// @title The aggregation rules at one coordinate
/// @notice A column is one int32, little-endian, for each counted participant, in cohort order; an
/// entry of -2**31 reads as -(2**31 - 1). Conforms to `sheaf.protocol.columns`.
/// @dev Loops are over at most 256 entries of 32 bits, so that nothing overflows in them.
library Columns {
    using Arithmetic for int256;

    uint256 private constant ENTRY_BYTES = 4;
    uint256 private constant ENTRIES_PER_WORD = 8;
    uint256 private constant OCTETS =
        0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant PAIRS =
        0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    /// @dev Lanes of 64 bits: their low halves, their ones, and the sign of each 32-bit entry.
    uint256 private constant HALVES =
        0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
    uint256 private constant ONES =
        0x0000000000000001000000000000000100000000000000010000000000000001;
    uint256 private constant SIGNS =
        0x8000000080000000800000008000000080000000800000008000000080000000;
    /// @dev What makes an int32 unsigned, in its order; more than any entry is so.
    int256 private constant BIAS = 2 ** 31;
    uint256 private constant BEYOND_BITS = 32;

    /// @notice The column's entries.
    function entriesOf(bytes calldata column) internal pure returns (int256[] memory entries) {
        uint256 count = column.length / ENTRY_BYTES;
        entries = new int256[](count);
        int256 least = -Arithmetic.LIMIT;
        for (uint256 index = 0; index < count; index += ENTRIES_PER_WORD) {
            uint256 word = _wordAt(column, index * ENTRY_BYTES);
            uint256 left = count - index;
            if (left > ENTRIES_PER_WORD) left = ENTRIES_PER_WORD;
            assembly ("memory-safe") {
                let cursor := add(add(entries, 0x20), shl(5, index))
                for { let end := add(cursor, shl(5, left)) } lt(cursor, end) { } {
                    let entry := signextend(3, shr(224, word))
                    if slt(entry, least) { entry := least }
                    mstore(cursor, entry)
                    cursor := add(cursor, 0x20)
                    word := shl(32, word)
                }
            }
        }
    }

    /// @notice The column's entry at `index`, which there is.
    function entryAt(bytes calldata column, uint256 index) internal pure returns (int256) {
        int256 entry = int32(uint32(_wordAt(column, index * ENTRY_BYTES) >> 224));
        return entry < -Arithmetic.LIMIT ? -Arithmetic.LIMIT : entry;
    }

    /// @notice The mean of the entries by their weights, halves away from zero.
    /// @param weights As many as entries, each of 16 bits, and not all zero.
    function weightedMean(int256[] memory entries, uint256[] memory weights)
        internal
        pure
        returns (int256)
    {
        int256 sum = 0;
        int256 whole = 0;
        assembly ("memory-safe") {
            let offset := sub(weights, entries)
            let cursor := add(entries, 0x20)
            for { let end := add(cursor, shl(5, mload(entries))) } lt(cursor, end) { } {
                let weight := mload(add(cursor, offset))
                sum := add(sum, mul(weight, mload(cursor)))
                whole := add(whole, weight)
                cursor := add(cursor, 0x20)
            }
        }
        return sum.rdiv(whole);
    }

    /// @notice How many of `count` entries lie below the middle one, or the middle two.
    function medianTrim(uint256 count) internal pure returns (uint256) {
        return (count - 1) / 2;
    }

    /// @notice The rounded mean of what is left when `dropped` entries are dropped at each end;
    /// fewer than half.
    /// @dev The least and the greatest that is left are found by counting, then what lies between
    /// is summed, and of the two as many as are left. Nothing is sorted, and the cost depends on
    /// the number of entries alone.
    function middleMean(bytes calldata column, uint256 dropped) internal pure returns (int256) {
        uint256[] memory lanes = lanesOf(column);
        uint256 count = column.length / ENTRY_BYTES;
        uint256 left = count - 2 * dropped;
        int256 low = orderStatistic(lanes, dropped);
        int256 high = left == 1 ? low : orderStatistic(lanes, count - dropped - 1);
        if (low == high) return low;
        (int256 sum, uint256 upTo, uint256 below) = _between(entriesOf(column), low, high);
        int256 lows = int256(upTo - dropped);
        int256 highs = int256(count - dropped - below);
        return (sum + lows * low + highs * high).rdiv(int256(left));
    }

    /// @notice The entry that `rank` others are sorted before: the least value that more than
    /// `rank` entries do not exceed, found by halving the range of values.
    /// @param lanes As `lanesOf` gives them.
    function orderStatistic(uint256[] memory lanes, uint256 rank) internal pure returns (int256) {
        uint256 low = uint256(BIAS - Arithmetic.LIMIT);
        uint256 high = uint256(BIAS + Arithmetic.LIMIT);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_upTo(lanes, middle) > rank) high = middle;
            else low = middle + 1;
        }
        return int256(low) - BIAS;
    }

    /// @notice The entries, biased, four to a word, so that they can be compared four at once: of
    /// an entry in a lane of 64 bits, 2**32 and a value less the entry keeps bit 32 exactly where
    /// the entry does not exceed the value. Lanes without an entry hold 2**32, which all values are
    /// below.
    /// @dev Biased, -2**31 is 0 and reads as 1 should: both are below every value but 1, not above.
    function lanesOf(bytes calldata column) internal pure returns (uint256[] memory lanes) {
        uint256 bits = 8 * column.length;
        uint256 words = (bits + 255) / 256;
        lanes = new uint256[](words + words);
        for (uint256 index = 0; index < words; ++index) {
            uint256 word = _wordAt(column, 32 * index) ^ SIGNS;
            // Ones where the last word has no entries.
            uint256 beyond = bits < 256 ? type(uint256).max >> bits : 0;
            word &= ~beyond;
            lanes[2 * index] = word & HALVES | (beyond & ONES) << BEYOND_BITS;
            lanes[2 * index + 1] =
                word >> 32 & HALVES | (beyond >> 32 & ONES) << BEYOND_BITS;
            bits = bits < 256 ? 0 : bits - 256;
        }
    }

    /// @dev The sum of the entries between `low` and `high`, how many do not exceed `low`, and how
    /// many are below `high`, which is greater.
    function _between(int256[] memory entries, int256 low, int256 high)
        private
        pure
        returns (int256 sum, uint256 upTo, uint256 below)
    {
        assembly ("memory-safe") {
            let cursor := add(entries, 0x20)
            for { let end := add(cursor, shl(5, mload(entries))) } lt(cursor, end) { } {
                let entry := mload(cursor)
                let under := slt(entry, high)
                let above := sgt(entry, low)
                sum := add(sum, mul(and(under, above), entry))
                upTo := add(upTo, iszero(above))
                below := add(below, under)
                cursor := add(cursor, 0x20)
            }
        }
    }

    /// @dev How many entries do not exceed a biased `value`.
    function _upTo(uint256[] memory lanes, uint256 value) private pure returns (uint256) {
        uint256 counts = 0;
        uint256 values = (value | 1 << BEYOND_BITS) * ONES;
        assembly ("memory-safe") {
            let cursor := add(lanes, 0x20)
            // Of lanes there is an even number of words.
            for { let end := add(cursor, shl(5, mload(lanes))) } lt(cursor, end) { } {
                let first := and(shr(BEYOND_BITS, sub(values, mload(cursor))), ONES)
                let second := and(shr(BEYOND_BITS, sub(values, mload(add(cursor, 0x20)))), ONES)
                counts := add(counts, add(first, second))
                cursor := add(cursor, 0x40)
            }
        }
        unchecked {
            return counts * ONES >> 192;
        }
    }

    /// @dev Eight entries, each with its bytes in the other order; at the column's end, what
    /// follows it, which nobody reads.
    function _wordAt(bytes calldata column, uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(column.offset, place))
        }
        word = (word & OCTETS) << 8 | word >> 8 & OCTETS;
        word = (word & PAIRS) << 16 | word >> 16 & PAIRS;
    }
}
