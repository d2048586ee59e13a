// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Trees as RFC 9162 writes them, by recursion
/// @notice Slow, and another way than the contract's, which takes pairs level by level.
library Forest {
    /// @notice 2.1.1: split at the largest power of two below the number of leaves.
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        if (leaves.length == 1) return leaves[0];
        uint256 split = _split(leaves.length);
        bytes32 left = root(_slice(leaves, 0, split));
        bytes32 right = root(_slice(leaves, split, leaves.length));
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @notice 2.1.3.1: the siblings from leaf `index` up to the root.
    function path(bytes32[] memory leaves, uint256 index)
        internal
        pure
        returns (bytes32[] memory siblings)
    {
        if (leaves.length == 1) return new bytes32[](0);
        uint256 split = _split(leaves.length);
        bytes32[] memory left = _slice(leaves, 0, split);
        bytes32[] memory right = _slice(leaves, split, leaves.length);
        return index < split
            ? _append(path(left, index), root(right))
            : _append(path(right, index - split), root(left));
    }

    /// @notice Hash of a chunk as a leaf.
    function leaf(bytes memory chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), chunk));
    }

    /// @notice Hashes of `data` in chunks of `size` bytes.
    function leavesOf(bytes memory data, uint256 size)
        internal
        pure
        returns (bytes32[] memory leaves)
    {
        leaves = new bytes32[]((data.length + size - 1) / size);
        for (uint256 index = 0; index < leaves.length; ++index) {
            leaves[index] = leaf(chunkOf(data, size, index));
        }
    }

    /// @notice A chunk of `data`: the last one is short.
    function chunkOf(bytes memory data, uint256 size, uint256 index)
        internal
        pure
        returns (bytes memory chunk)
    {
        uint256 first = index * size;
        uint256 left = data.length - first;
        chunk = new bytes(left < size ? left : size);
        for (uint256 place = 0; place < chunk.length; ++place) chunk[place] = data[first + place];
    }

    function _split(uint256 count) private pure returns (uint256 power) {
        power = 1;
        while (2 * power < count) power *= 2;
    }

    function _slice(bytes32[] memory all, uint256 first, uint256 end)
        private
        pure
        returns (bytes32[] memory part)
    {
        part = new bytes32[](end - first);
        for (uint256 index = first; index < end; ++index) part[index - first] = all[index];
    }

    function _append(bytes32[] memory all, bytes32 last)
        private
        pure
        returns (bytes32[] memory longer)
    {
        longer = new bytes32[](all.length + 1);
        for (uint256 index = 0; index < all.length; ++index) longer[index] = all[index];
        longer[all.length] = last;
    }
}
