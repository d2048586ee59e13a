// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Draws by a keyed permutation
/// @notice An alternating Feistel network over SHA-256 permutes the smallest power of two that
/// holds all indices; cycle-walking brings it back into range (Black and Rogaway, "Ciphers with
/// Arbitrary Finite Domains", CT-RSA 2002, method 3). Conforms to `sheaf.protocol.draws`.
library Permutation {
    /// @dev Small domains mix slowly; `draws.feistel_rounds` says what eight rounds failed there.
    uint256 private constant ROUNDS = 8;
    uint256 private constant NARROW_ROUNDS = 16;
    uint256 private constant NARROW_WIDTH = 5;

    /// @dev The SHA-256 precompile failed, for want of gas.
    error HashFailed();

    /// @notice The index at `position` of the permutation of [0, size) under `key`.
    /// @param size At least 1 and at most 2**32.
    /// @param position Less than `size`, or the walk may not end.
    function permute(bytes32 key, uint256 size, uint256 position)
        internal
        view
        returns (uint256 index)
    {
        uint256 width = bitLength(size - 1);
        if (width == 0) return 0;
        index = position;
        do {
            index = _forward(key, width, index);
        } while (index >= size);
    }

    /// @notice The position of `index`: the inverse of `permute`.
    function positionOf(bytes32 key, uint256 size, uint256 index)
        internal
        view
        returns (uint256 position)
    {
        uint256 width = bitLength(size - 1);
        if (width == 0) return 0;
        position = index;
        do {
            position = _backward(key, width, position);
        } while (position >= size);
    }

    /// @notice Bits of `value`, which is less than 2**32; 0 has none.
    function bitLength(uint256 value) internal pure returns (uint256 width) {
        assembly ("memory-safe") {
            width := shl(4, gt(value, 0xffff))
            value := shr(width, value)
            let step := shl(3, gt(value, 0xff))
            width := or(width, step)
            value := shr(step, value)
            step := shl(2, gt(value, 0xf))
            width := or(width, step)
            value := shr(step, value)
            // Bit lengths of 0 to 15, one a byte, the first leftmost.
            width := add(
                width,
                byte(value, 0x0001020203030303040404040404040400000000000000000000000000000000)
            )
        }
    }

    /// @dev Even rounds change the high half by the low one, odd rounds the low by the high.
    function _forward(bytes32 key, uint256 width, uint256 value) private view returns (uint256) {
        (uint256 lowBits, uint256 lowMask, uint256 highMask, uint256 rounds) = _shape(width);
        uint256 low = value & lowMask;
        uint256 high = value >> lowBits;
        bool ok = true;
        assembly ("memory-safe") {
            mstore(0x00, key)
            for { let round := 0 } lt(round, rounds) { round := add(round, 2) } {
                mstore(0x20, or(shl(32, round), low))
                ok := and(ok, staticcall(gas(), 2, 0x00, 0x40, 0x20, 0x20))
                high := xor(high, and(mload(0x20), highMask))
                mstore(0x20, or(shl(32, add(round, 1)), high))
                ok := and(ok, staticcall(gas(), 2, 0x00, 0x40, 0x20, 0x20))
                low := xor(low, and(mload(0x20), lowMask))
            }
        }
        if (!ok) revert HashFailed();
        return high << lowBits | low;
    }

    function _backward(bytes32 key, uint256 width, uint256 value) private view returns (uint256) {
        (uint256 lowBits, uint256 lowMask, uint256 highMask, uint256 rounds) = _shape(width);
        uint256 low = value & lowMask;
        uint256 high = value >> lowBits;
        bool ok = true;
        assembly ("memory-safe") {
            mstore(0x00, key)
            for { let round := rounds } round { } {
                round := sub(round, 2)
                mstore(0x20, or(shl(32, add(round, 1)), high))
                ok := and(ok, staticcall(gas(), 2, 0x00, 0x40, 0x20, 0x20))
                low := xor(low, and(mload(0x20), lowMask))
                mstore(0x20, or(shl(32, round), low))
                ok := and(ok, staticcall(gas(), 2, 0x00, 0x40, 0x20, 0x20))
                high := xor(high, and(mload(0x20), highMask))
            }
        }
        if (!ok) revert HashFailed();
        return high << lowBits | low;
    }

    /// @dev How `width` bits are halved, and how many rounds mix them: an even number.
    function _shape(uint256 width)
        private
        pure
        returns (uint256 lowBits, uint256 lowMask, uint256 highMask, uint256 rounds)
    {
        lowBits = width + 1 >> 1;
        lowMask = (1 << lowBits) - 1;
        highMask = (1 << width - lowBits) - 1;
        rounds = width < NARROW_WIDTH ? NARROW_ROUNDS : ROUNDS;
    }
}
