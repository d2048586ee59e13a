// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bitmap} from "../src/libraries/Bitmap.sol";
import {Harness} from "./Harness.sol";

contract BitmapTest is Harness {
    using Bitmap for Bitmap.Votes;
    using Bitmap for uint256;

    function test_counts_of_known_sets() public pure {
        assertEq(uint256(0).count(), 0);
        assertEq(type(uint256).max.count(), 256);
        assertEq((type(uint256).max - 1).count(), 255);
        assertEq(uint256(1 << 255).count(), 1);
        assertEq(uint256(0xb).count(), 3);
    }

    function testFuzz_count_agrees_with_a_loop(uint256 set) public pure {
        uint256 expected = 0;
        for (uint256 position = 0; position < 256; ++position) {
            if (set.has(position)) ++expected;
        }
        assertEq(set.count(), expected);
    }

    function test_no_set_has_a_position_beyond_its_word() public pure {
        assertTrue(!type(uint256).max.has(256));
        assertTrue(!type(uint256).max.has(type(uint256).max));
    }

    function testFuzz_votes_agree_with_a_loop(uint256 seed, uint256 seats, uint256 threshold)
        public
        pure
    {
        seats = within(seats, 1, 31);
        threshold = within(threshold, 1, 31);
        Bitmap.Votes memory votes;
        uint256[256] memory counts;
        for (uint256 seat = 0; seat < seats; ++seat) {
            uint256 set = ballot(seed, seat);
            votes.add(set);
            for (uint256 position = 0; position < 256; ++position) {
                if (set.has(position)) ++counts[position];
            }
        }
        uint256 expected = 0;
        for (uint256 position = 0; position < 256; ++position) {
            if (counts[position] >= threshold) expected |= 1 << position;
        }
        assertEq(votes.atLeast(threshold), expected);
    }

    function test_thirty_one_equal_votes() public pure {
        Bitmap.Votes memory votes;
        for (uint256 seat = 0; seat < 31; ++seat) votes.add(type(uint256).max);
        assertEq(votes.atLeast(31), type(uint256).max);
    }

    /// @dev One seat in four holds everything, so that high thresholds are met at times.
    function ballot(uint256 seed, uint256 seat) private pure returns (uint256) {
        uint256 word = uint256(keccak256(abi.encode(seed, seat)));
        return word % 4 == 0 ? type(uint256).max : word;
    }
}
