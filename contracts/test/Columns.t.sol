// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Columns} from "../src/libraries/Columns.sol";
import {Harness} from "./Harness.sol";

contract ColumnsTest is Harness {
    int256 private constant END = 2 ** 31 - 1;

    function entriesOf(bytes calldata column) external pure returns (int256[] memory) {
        return Columns.entriesOf(column);
    }

    function entryAt(bytes calldata column, uint256 index) external pure returns (int256) {
        return Columns.entryAt(column, index);
    }

    function test_the_least_integer_reads_as_the_one_above() public view {
        bytes memory column = hex"00000080010000800000000002000000ffffffffffffff7f";
        int256[] memory entries = this.entriesOf(column);
        int256[6] memory wanted = [-END, -END, 0, 2, -1, END];
        assertEq(entries.length, 6);
        for (uint256 index = 0; index < 6; ++index) {
            assertEq(entries[index], wanted[index]);
            assertEq(this.entryAt(column, index), wanted[index]);
        }
    }

    function testFuzz_entries_are_little_endian(bytes calldata content) public view {
        bytes memory column = content[:content.length / 4 * 4];
        int256[] memory entries = this.entriesOf(column);
        assertEq(entries.length, column.length / 4);
        for (uint256 index = 0; index < entries.length; ++index) {
            uint32 value = 0;
            for (uint256 place = 4; place > 0; --place) {
                value = value << 8 | uint8(column[4 * index + place - 1]);
            }
            int256 entry = int32(value) == type(int32).min ? -END : int256(int32(value));
            assertEq(entries[index], entry);
            assertEq(this.entryAt(column, index), entry);
        }
    }

    function test_halves_go_away_from_zero() public pure {
        assertEq(Columns.middleMean(two(-3, -2), 0), -3);
        assertEq(Columns.middleMean(two(2, 3), 0), 3);
        assertEq(Columns.middleMean(two(-END, END), 0), 0);
        assertEq(Columns.middleMean(two(-END, -END), 0), -END);
        uint256[] memory weights = new uint256[](2);
        (weights[0], weights[1]) = (1, 1);
        assertEq(Columns.weightedMean(two(-2, -3), weights), -3);
        assertEq(Columns.weightedMean(two(3, 2), weights), 3);
    }

    function test_the_ends_of_the_range_at_the_weight_cap() public pure {
        int256[] memory entries = new int256[](256);
        uint256[] memory weights = new uint256[](256);
        for (uint256 index = 0; index < 256; ++index) {
            entries[index] = -END;
            weights[index] = type(uint16).max;
        }
        assertEq(Columns.weightedMean(entries, weights), -END);
        entries[7] = END;
        // 65535 * 2 * END of 256 * 65535 more: END / 128, which is 16,777,215.99.
        assertEq(Columns.weightedMean(entries, weights), -END + 16_777_216);
    }

    function testFuzz_order_statistics_are_those_of_a_sort(int256[] memory raw, uint256 mask)
        public
        pure
    {
        int256[] memory entries = bounded(raw, mask);
        int256[] memory ordered = sorted(entries);
        for (uint256 rank = 0; rank < ordered.length; ++rank) {
            assertEq(Columns.orderStatistic(entries, rank), ordered[rank]);
        }
    }

    function testFuzz_the_middle_is_that_of_a_sort(
        int256[] memory raw,
        uint256 mask,
        uint256 trim
    ) public pure {
        int256[] memory entries = bounded(raw, mask);
        int256[] memory ordered = sorted(entries);
        uint256 count = ordered.length;
        uint256 middle = Columns.medianTrim(count);
        checkMiddle(entries, ordered, within(trim, 0, middle));
        checkMiddle(entries, ordered, middle);
    }

    function testFuzz_a_mean_lies_nearest(int256[] memory raw, uint256 seed) public pure {
        int256[] memory entries = bounded(raw, type(uint256).max);
        uint256[] memory weights = new uint256[](entries.length);
        int256 sum = 0;
        int256 whole = 0;
        for (uint256 index = 0; index < entries.length; ++index) {
            weights[index] = within(uint256(keccak256(abi.encode(seed, index))), 1, 65_535);
            sum += entries[index] * int256(weights[index]);
            whole += int256(weights[index]);
        }
        int256 away = 2 * (Columns.weightedMean(entries, weights) * whole - sum);
        // A half goes outwards, in the direction of the sum.
        assertTrue(sum < 0 ? -whole <= away && away < whole : -whole < away && away <= whole);
    }

    function checkMiddle(int256[] memory entries, int256[] memory ordered, uint256 dropped)
        private
        pure
    {
        uint256 end = ordered.length - dropped;
        int256 sum = 0;
        for (uint256 index = dropped; index < end; ++index) sum += ordered[index];
        int256 size = int256(end - dropped);
        int256 quotient = (2 * (sum < 0 ? -sum : sum) + size) / (2 * size);
        assertEq(Columns.middleMean(entries, dropped), sum < 0 ? -quotient : quotient);
    }

    /// @dev One to twenty entries; a small mask makes many of them equal.
    function bounded(int256[] memory raw, uint256 mask)
        private
        pure
        returns (int256[] memory entries)
    {
        entries = new int256[](1 + raw.length % 20);
        for (uint256 index = 0; index < entries.length && index < raw.length; ++index) {
            int256 entry = within(raw[index], -END, END);
            entries[index] = mask & 1 == 0 ? entry % 3 : entry;
        }
    }

    function sorted(int256[] memory entries) private pure returns (int256[] memory ordered) {
        ordered = new int256[](entries.length);
        for (uint256 index = 0; index < entries.length; ++index) {
            uint256 place = index;
            for (; place > 0 && ordered[place - 1] > entries[index]; --place) {
                ordered[place] = ordered[place - 1];
            }
            ordered[place] = entries[index];
        }
    }

    function two(int256 first, int256 second) private pure returns (int256[] memory entries) {
        entries = new int256[](2);
        (entries[0], entries[1]) = (first, second);
    }
}
