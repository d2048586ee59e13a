// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Opening} from "../interfaces/Disputes.sol";
import {Trees} from "./Trees.sol";

/// @title Openings of committed arrays
/// @notice A bare tree root binds bytes, not their number: what an array's shape is comes from the
/// task's terms. Conforms to `sheaf.protocol.opening`.
library Openings {
    /// @notice So many elements of so many bytes, a power of two, in chunks of `2**chunkLog2`
    /// bytes.
    struct Array {
        uint256 elementBytes;
        uint256 elements;
        uint256 chunkLog2;
    }

    /// @notice Chunks of the array, the last one short.
    function leaves(Array memory array) internal pure returns (uint256) {
        uint256 size = array.elementBytes * array.elements;
        return size + (1 << array.chunkLog2) - 1 >> array.chunkLog2;
    }

    /// @notice The chunk that element `index` lies in.
    function chunkOf(Array memory array, uint256 index) internal pure returns (uint256) {
        return index * array.elementBytes >> array.chunkLog2;
    }

    /// @notice Whether `chunk` has as many bytes as the array's chunk `index`, which there is.
    function fits(Array memory array, bytes calldata chunk, uint256 index)
        internal
        pure
        returns (bool)
    {
        uint256 left = array.elementBytes * array.elements - (index << array.chunkLog2);
        uint256 full = 1 << array.chunkLog2;
        return chunk.length == (left < full ? left : full);
    }

    /// @notice Whether `opening` is chunk `index` of the array under `root`.
    function proves(Array memory array, Opening calldata opening, uint256 index, bytes32 root)
        internal
        view
        returns (bool)
    {
        if (!fits(array, opening.chunk, index)) return false;
        bytes32 leaf = Trees.leafHash(opening.chunk);
        return Trees.includes(leaf, index, leaves(array), opening.path, root);
    }

    /// @notice Whether `opening` proves element `index`, which there is, and a word that begins
    /// with its bytes.
    function element(Array memory array, Opening calldata opening, uint256 index, bytes32 root)
        internal
        view
        returns (bool proven, bytes32 word)
    {
        uint256 chunk = chunkOf(array, index);
        proven = proves(array, opening, chunk, root);
        bytes calldata content = opening.chunk;
        uint256 place = index * array.elementBytes - (chunk << array.chunkLog2);
        assembly ("memory-safe") {
            word := calldataload(add(content.offset, place))
        }
    }

    /// @notice The committed int32 that a word begins with: little-endian, two's complement.
    function int32Of(bytes32 word) internal pure returns (int256) {
        return int32(uint32(_reversed(word)));
    }

    /// @notice The committed int64 that a word begins with.
    function int64Of(bytes32 word) internal pure returns (int256) {
        return int64(_reversed(word));
    }

    /// @dev A word's first eight bytes in the other order: so the first four are the low ones.
    function _reversed(bytes32 word) private pure returns (uint64 value) {
        value = uint64(uint256(word) >> 192);
        value = (value & 0x00ff00ff00ff00ff) << 8 | value >> 8 & 0x00ff00ff00ff00ff;
        value = (value & 0x0000ffff0000ffff) << 16 | value >> 16 & 0x0000ffff0000ffff;
        value = value << 32 | value >> 32;
    }
}
