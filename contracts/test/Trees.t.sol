// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Trees} from "../src/libraries/Trees.sol";
import {Forest} from "./Forest.sol";
import {Harness} from "./Harness.sol";

contract TreesTest is Harness {
    /// @dev The reference tree of the Certificate Transparency project: leaves, the root after
    /// each, and the path of the first leaf among eight.
    bytes[8] private LEAVES = [
        bytes(hex""),
        hex"00",
        hex"10",
        hex"2021",
        hex"3031",
        hex"40414243",
        hex"5051525354555657",
        hex"606162636465666768696a6b6c6d6e6f"
    ];
    bytes32[8] private ROOTS = [
        bytes32(0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d),
        0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125,
        0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77,
        0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7,
        0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4,
        0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef,
        0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c,
        0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
    ];
    bytes32[3] private PATH_OF_FIRST = [
        bytes32(0x96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7),
        0x5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e,
        0x6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4
    ];

    function leafHash(bytes calldata chunk) external view returns (bytes32) {
        return Trees.leafHash(chunk);
    }

    function includes(
        bytes32 leaf,
        uint256 index,
        uint256 leaves,
        bytes32[] calldata path,
        bytes32 root
    ) external view returns (bool) {
        return Trees.includes(leaf, index, leaves, path, root);
    }

    function test_the_published_tree() public view {
        for (uint256 count = 1; count <= 8; ++count) {
            bytes32[] memory hashes = published(count);
            assertEq(uint256(Trees.rootOf(hashes)), uint256(ROOTS[count - 1]));
        }
        bytes32[] memory path = new bytes32[](3);
        for (uint256 step = 0; step < 3; ++step) path[step] = PATH_OF_FIRST[step];
        assertTrue(this.includes(ROOTS[0], 0, 8, path, ROOTS[7]));
        assertTrue(!this.includes(ROOTS[0], 1, 8, path, ROOTS[7]));
    }

    function test_every_leaf_of_small_trees_has_one_path() public view {
        for (uint256 count = 1; count <= 8; ++count) {
            bytes32[] memory hashes = published(count);
            for (uint256 index = 0; index < count; ++index) check(hashes, index);
        }
    }

    function testFuzz_ragged_trees(uint256 seed, uint256 size, uint256 index) public view {
        bytes32[] memory hashes = new bytes32[](within(size, 1, 70));
        for (uint256 leaf = 0; leaf < hashes.length; ++leaf) {
            hashes[leaf] = keccak256(abi.encode(seed, leaf));
        }
        check(hashes, index % hashes.length);
        bytes32 root = Forest.root(hashes);
        assertEq(uint256(Trees.rootOf(hashes)), uint256(root));
    }

    /// @dev Its path proves a leaf, at its place only, and no longer or shorter path does.
    function check(bytes32[] memory hashes, uint256 index) private view {
        bytes32 root = Forest.root(hashes);
        bytes32[] memory path = Forest.path(hashes, index);
        bytes32 leaf = hashes[index];
        uint256 count = hashes.length;
        assertTrue(this.includes(leaf, index, count, path, root));
        assertTrue(!this.includes(~leaf, index, count, path, root));
        assertTrue(!this.includes(leaf, index, count, path, ~root));
        uint256 other = (index + 1) % count;
        if (other != index) assertTrue(!this.includes(leaf, other, count, path, root));
        bytes32[] memory longer = new bytes32[](path.length + 1);
        for (uint256 step = 0; step < path.length; ++step) longer[step] = path[step];
        assertTrue(!this.includes(leaf, index, count, longer, root));
        if (path.length == 0) return;
        bytes32[] memory shorter = new bytes32[](path.length - 1);
        for (uint256 step = 0; step < shorter.length; ++step) shorter[step] = path[step];
        assertTrue(!this.includes(leaf, index, count, shorter, root));
        path[path.length - 1] = ~path[path.length - 1];
        assertTrue(!this.includes(leaf, index, count, path, root));
    }

    function published(uint256 count) private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 leaf = 0; leaf < count; ++leaf) hashes[leaf] = this.leafHash(LEAVES[leaf]);
    }
}
