// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Permutation} from "./Permutation.sol";

/// @title SHA-256 Merkle trees by RFC 9162, section 2.1, over chunks of bytes
/// @notice A leaf is SHA-256(0x00, chunk), a node SHA-256(0x01, left, right); the last node of an
/// odd level rises unchanged. Conforms to `sheaf.protocol.merkle`.
library Trees {
    /// @notice Hash of one chunk as a leaf.
    /// @dev Copied once, into memory that is not kept.
    function leafHash(bytes calldata chunk) internal view returns (bytes32 hash) {
        bool done;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore8(input, 0x00)
            calldatacopy(add(input, 1), chunk.offset, chunk.length)
            done := staticcall(gas(), 2, input, add(chunk.length, 1), 0x00, 0x20)
            hash := mload(0x00)
        }
        if (!done) revert Permutation.HashFailed();
    }

    /// @notice Hash of an inner node.
    function nodeHash(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        bool done;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore8(input, 0x01)
            mstore(add(input, 0x01), left)
            mstore(add(input, 0x21), right)
            done := staticcall(gas(), 2, input, 0x41, 0x00, 0x20)
            hash := mload(0x00)
        }
        if (!done) revert Permutation.HashFailed();
    }

    /// @notice Whether `leaf` is leaf `index` of the `leaves` under `root`: RFC 9162, 2.1.3.2.
    /// @param index Less than `leaves`.
    function includes(
        bytes32 leaf,
        uint256 index,
        uint256 leaves,
        bytes32[] calldata path,
        bytes32 root
    ) internal view returns (bool) {
        uint256 last = leaves - 1;
        bytes32 found = leaf;
        for (uint256 step = 0; step < path.length; ++step) {
            if (last == 0) return false;
            if (index & 1 == 1 || index == last) {
                found = nodeHash(path[step], found);
                // A right edge that had no sibling rose unchanged: skip the levels it rose through.
                while (index & 1 == 0 && index != 0) {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                found = nodeHash(found, path[step]);
            }
            index >>= 1;
            last >>= 1;
        }
        return last == 0 && found == root;
    }

    /// @notice Root of the tree over these hashes, of which there is at least one.
    function rootOf(bytes32[] memory hashes) internal view returns (bytes32) {
        uint256 size = hashes.length;
        while (size > 1) {
            for (uint256 pair = 0; pair < size / 2; ++pair) {
                hashes[pair] = nodeHash(hashes[2 * pair], hashes[2 * pair + 1]);
            }
            if (size & 1 == 1) hashes[size / 2] = hashes[size - 1];
            size = (size + 1) / 2;
        }
        return hashes[0];
    }
}
