// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OptimiserKind} from "../src/interfaces/Terms.sol";
import {ServerStep} from "../src/libraries/ServerStep.sol";
import {Harness} from "./Harness.sol";

/// @notice Exact columns are compared where exact rationals are (tests/contracts); what is fuzzed
/// here is that no input is turned away and nothing leaves its range, and the formulas once more,
/// written with doubled numerators.
contract ServerStepTest is Harness {
    int256 private constant END = 2 ** 31 - 1;

    function testFuzz_any_state_gives_one_in_range(
        int256[6] memory raw,
        ServerStep.Place memory here,
        int256 aggregate
    ) public pure {
        ServerStep.Constants memory constants = bounded(raw);
        ServerStep.Place memory next = ServerStep.step(constants, here, aggregate);
        assertTrue(-END <= next.value && next.value <= END);
        assertTrue(-END <= next.mean && next.mean <= END);
        assertTrue(0 <= next.square && next.square <= 3 * 2 ** 61);
    }

    function testFuzz_the_formulas(
        int256[6] memory raw,
        ServerStep.Place memory here,
        int256 aggregate
    ) public pure {
        ServerStep.Constants memory constants = bounded(raw);
        int256 unit = int256(1 << 24 - constants.fractionBits);
        here.value = within(here.value, -END, END);
        here.mean = within(here.mean, -END, END);
        // As often about the change's square as anywhere.
        aggregate = within(aggregate, -(END / unit), END / unit);
        int256 far = here.square & 1 == 0 ? int256(2 ** 62) : int256(2 ** 20);
        here.square = within(aggregate * unit * aggregate * unit + here.square % far, 0, 2 ** 62);
        ServerStep.Place memory next = ServerStep.step(constants, here, aggregate);
        ServerStep.Place memory expected = naive(constants, here, aggregate, unit);
        assertEq(next.value, expected.value);
        assertEq(next.mean, expected.mean);
        assertEq(next.square, expected.square);
    }

    function naive(
        ServerStep.Constants memory c,
        ServerStep.Place memory here,
        int256 aggregate,
        int256 unit
    ) private pure returns (ServerStep.Place memory next) {
        int256 change = aggregate * unit;
        int256 move = aggregate;
        if (c.kind != OptimiserKind.Plain) {
            next.mean = here.mean + nearest(change - here.mean, c.meanDivisor);
            int256 divisor = 2 ** 24;
            if (c.kind != OptimiserKind.Momentum) {
                next.square = squared(c, here.square, change * change);
                divisor = c.floor + root(next.square);
            }
            move = nearest(next.mean * c.rate, divisor * unit);
        }
        next.value = here.value + move;
        if (next.value > END) next.value = END;
        if (next.value < -END) next.value = -END;
    }

    function squared(ServerStep.Constants memory c, int256 old, int256 square)
        private
        pure
        returns (int256)
    {
        if (c.kind == OptimiserKind.Adagrad) {
            return old + square > 2 ** 62 ? int256(2 ** 62) : old + square;
        }
        if (c.kind == OptimiserKind.Adam) return old + nearest(square - old, c.squareDivisor);
        int256 sign = square > old ? int256(1) : square < old ? -1 : int256(0);
        return old + sign * nearest(square, c.squareDivisor);
    }

    function nearest(int256 a, int256 b) private pure returns (int256) {
        return a < 0 ? -((2 * -a + b) / (2 * b)) : (2 * a + b) / (2 * b);
    }

    /// @dev By halving: slow and plain.
    function root(int256 value) private pure returns (int256 low) {
        int256 high = 2 ** 32;
        while (high - low > 1) {
            int256 middle = (low + high) / 2;
            if (middle * middle <= value) low = middle;
            else high = middle;
        }
    }

    function bounded(int256[6] memory raw) private pure returns (ServerStep.Constants memory) {
        int256 most = raw[0] & 1 == 0 ? int256(200) : int256(2 ** 24 - 1);
        return ServerStep.Constants({
            kind: OptimiserKind(uint256(within(raw[0], 0, 4))),
            fractionBits: uint256(within(raw[1], 8, 24)),
            meanDivisor: within(raw[2], 1, most),
            squareDivisor: within(raw[3], 2, most),
            rate: within(raw[4], 1, END),
            floor: within(raw[5], 2 ** 10, END)
        });
    }
}
