// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arithmetic} from "../src/libraries/Arithmetic.sol";
import {Harness} from "./Harness.sol";

contract ArithmeticTest is Harness {
    using Arithmetic for int256;

    function test_rdiv_of_known_numbers() public pure {
        assertEq(int256(1).rdiv(2), 1);
        assertEq(int256(-1).rdiv(2), -1);
        assertEq(int256(3).rdiv(2), 2);
        assertEq(int256(1).rdiv(3), 0);
        assertEq(int256(-2).rdiv(3), -1);
        assertEq(int256(-4).rdiv(3), -1);
        assertEq(int256(49).rdiv(100), 0);
        assertEq(int256(-50).rdiv(100), -1);
        assertEq(int256(2 ** 62).rdiv(2 ** 31), 2 ** 31);
    }

    function testFuzz_rdiv_is_nearest_and_halves_go_outwards(int256 a, int256 b) public pure {
        a = within(a, -(2 ** 126), 2 ** 126);
        b = within(b, 1, 2 ** 126);
        int256 quotient = a.rdiv(b);
        int256 twice = 2 * (a - quotient * b);
        // A half that is left has the other sign than what was divided.
        assertTrue(-b <= twice && twice <= b);
        if (twice == b) assertTrue(a < 0);
        if (twice == -b) assertTrue(a > 0);
    }

    function testFuzz_rdiv_of_small_numbers(int256 a, int256 b) public pure {
        a = within(a, -20, 20);
        b = within(b, 1, 9);
        testFuzz_rdiv_is_nearest_and_halves_go_outwards(a, b);
    }

    function testFuzz_isqrt_is_the_floor(int256 value) public pure {
        value = within(value, 0, 2 ** 63 - 1);
        int256 root = value.isqrt();
        assertTrue(root * root <= value);
        assertTrue(value < (root + 1) * (root + 1));
    }

    function testFuzz_isqrt_on_both_sides_of_a_square(int256 root) public pure {
        root = within(root, 1, 2 ** 32);
        assertEq((root * root).isqrt(), root);
        assertEq((root * root - 1).isqrt(), root - 1);
        assertEq((root * root + 2 * root).isqrt(), root);
    }

    function testFuzz_sat_moves_to_the_range(int256 value) public pure {
        int256 moved = value.sat();
        assertTrue(-(2 ** 31 - 1) <= moved && moved <= 2 ** 31 - 1);
        if (-(2 ** 31) < value && value < 2 ** 31) assertEq(moved, value);
        else assertEq(moved, value < 0 ? -(2 ** 31 - 1) : int256(2 ** 31 - 1));
    }
}
