// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Permutation} from "../src/libraries/Permutation.sol";
import {Harness} from "./Harness.sol";

contract PermutationTest is Harness {
    /// @dev Bytes 0 to 31.
    bytes32 private constant KEY =
        0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f;
    uint256 private constant MAX_SEATS = type(uint24).max;

    /// @dev Expected values: `sheaf.protocol.draws.permute` under the same key. Sizes around 16 lie
    /// on both sides of the width at which the number of rounds changes.
    function test_agrees_with_the_specification() public view {
        assertDraw(1, hex"00");
        assertDraw(2, hex"0001");
        assertDraw(3, hex"010200");
        assertDraw(5, hex"0104030200");
        assertDraw(16, hex"010d07090006050304");
        assertDraw(17, hex"0e0f0309100a040c0002");
        assertDraw(100, hex"62040e1c5833402e265c");
        assertEq(Permutation.permute(KEY, MAX_SEATS, 12_345), 6_978_761);
        assertEq(Permutation.positionOf(KEY, MAX_SEATS, 6_978_761), 12_345);
    }

    function testFuzz_the_inverse_undoes(bytes32 key, uint256 size, uint256 position) public view {
        size = within(size, 1, MAX_SEATS);
        position = within(position, 0, size - 1);
        uint256 index = Permutation.permute(key, size, position);
        assertTrue(index < size);
        assertEq(Permutation.positionOf(key, size, index), position);
    }

    function testFuzz_each_index_comes_up_once(bytes32 key, uint256 size) public view {
        size = within(size, 1, 64);
        uint256 seen = 0;
        for (uint256 position = 0; position < size; ++position) {
            seen |= 1 << Permutation.permute(key, size, position);
        }
        assertEq(seen, (1 << size) - 1);
    }

    function test_bit_lengths() public pure {
        assertEq(Permutation.bitLength(0), 0);
        for (uint256 width = 1; width <= 32; ++width) {
            assertEq(Permutation.bitLength(1 << width - 1), width);
            assertEq(Permutation.bitLength((1 << width) - 1), width);
        }
    }

    function test_gas_permute() public view {
        Permutation.permute(KEY, 128, 5);
    }

    function assertDraw(uint256 size, bytes memory indices) private view {
        for (uint256 position = 0; position < indices.length; ++position) {
            assertEq(Permutation.permute(KEY, size, position), uint8(indices[position]));
            assertEq(Permutation.positionOf(KEY, size, uint8(indices[position])), position);
        }
    }
}
