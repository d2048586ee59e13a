// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OptimiserKind} from "../interfaces/Terms.sol";
import {Arithmetic} from "./Arithmetic.sol";

/// @title The server's step at one coordinate
/// @notice What a dispute about a model or an optimiser's state is decided by: Reddi et al.,
/// "Adaptive Federated Optimization", ICLR 2021, algorithm 2, and momentum, in integers. Conforms
/// to `sheaf.protocol.optimisers`. Nothing overflows: inputs are brought into their ranges first,
/// and `Bounds` holds the constants.
library ServerStep {
    using Arithmetic for int256;

    /// @dev Fraction bits of the moments, the rate and the floor.
    uint256 private constant MOMENT_BITS = 24;
    int256 private constant ADAGRAD_LIMIT = 2 ** 62;
    /// @dev Above every V: Yogi adds at most half of a square below 2**62 to what lies below it.
    int256 private constant SQUARE_LIMIT = 3 * 2 ** 61;

    /// @notice A task's constants, as `Model` has them.
    struct Constants {
        OptimiserKind kind;
        uint256 fractionBits;
        int256 meanDivisor;
        int256 squareDivisor;
        int256 rate;
        int256 floor;
    }

    /// @notice A coordinate's value and its moments M and V; V is 0 where none is kept.
    struct Place {
        int256 value;
        int256 mean;
        int256 square;
    }

    /// @notice Where a trainable coordinate goes from `here` when its column came to `aggregate`.
    function step(Constants memory constants, Place memory here, int256 aggregate)
        internal
        pure
        returns (Place memory next)
    {
        int256 value = here.value.sat();
        if (constants.kind == OptimiserKind.Plain) {
            next.value = (value + aggregate.sat()).sat();
            return next;
        }
        uint256 shift = MOMENT_BITS - constants.fractionBits;
        int256 reach = Arithmetic.LIMIT >> shift;
        int256 change = aggregate.clamp(-reach, reach) << shift;
        next.mean = here.mean.sat();
        next.mean += (change - next.mean).rdiv(constants.meanDivisor);
        int256 divisor = int256(1 << MOMENT_BITS);
        if (constants.kind != OptimiserKind.Momentum) {
            int256 square = here.square.clamp(0, SQUARE_LIMIT);
            next.square = _square(constants, square, change * change);
            divisor = next.square.isqrt() + constants.floor;
        }
        int256 move = (next.mean * constants.rate).rdiv(divisor << shift);
        next.value = (value + move).sat();
    }

    /// @dev V after a change whose square is `added`.
    function _square(Constants memory constants, int256 square, int256 added)
        private
        pure
        returns (int256)
    {
        if (constants.kind == OptimiserKind.Adagrad) {
            int256 sum = square + added;
            return sum < ADAGRAD_LIMIT ? sum : ADAGRAD_LIMIT;
        }
        if (constants.kind == OptimiserKind.Adam) {
            return square + (added - square).rdiv(constants.squareDivisor);
        }
        int256 part = added.rdiv(constants.squareDivisor);
        if (added > square) return square + part;
        return added < square ? square - part : square;
    }
}
