// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Opening} from "../src/interfaces/Disputes.sol";
import {Openings} from "../src/libraries/Openings.sol";
import {Forest} from "./Forest.sol";
import {Harness} from "./Harness.sol";

/// @notice Chunks of 4 KiB and their edges; an int32 array, and one of pairs of int64.
contract OpeningsTest is Harness {
    uint256 private constant CHUNK = 4096;

    function element(
        Openings.Array calldata array,
        Opening calldata opening,
        uint256 index,
        bytes32 root
    ) external view returns (bool, bytes32) {
        return Openings.element(array, opening, index, root);
    }

    function proves(
        Openings.Array calldata array,
        Opening calldata opening,
        uint256 index,
        bytes32 root
    ) external view returns (bool) {
        return Openings.proves(array, opening, index, root);
    }

    function test_coordinates_at_the_edges_of_chunks() public view {
        uint16[6] memory sizes = [1, 1023, 1024, 1025, 2049, 3073];
        for (uint256 size = 0; size < sizes.length; ++size) {
            check(Openings.Array(4, sizes[size], 12));
        }
    }

    function test_elements_of_a_state_at_the_edges_of_chunks() public view {
        uint16[5] memory sizes = [1, 255, 256, 257, 513];
        for (uint256 size = 0; size < sizes.length; ++size) {
            check(Openings.Array(16, sizes[size], 12));
            check(Openings.Array(8, 2 * uint256(sizes[size]) - 1, 12));
        }
    }

    function test_the_smallest_chunks() public view {
        check(Openings.Array(4, 10, 4));
        check(Openings.Array(16, 5, 4));
    }

    function testFuzz_integers_are_little_endian(uint256 word) public pure {
        bytes32 content = bytes32(word);
        uint256 small = 0;
        uint256 large = 0;
        for (uint256 place = 8; place > 0; --place) {
            large = large << 8 | uint8(content[place - 1]);
            if (place <= 4) small = small << 8 | uint8(content[place - 1]);
        }
        assertEq(Openings.int32Of(content), int256(int32(uint32(small))));
        assertEq(Openings.int64Of(content), int256(int64(uint64(large))));
    }

    /// @dev First and last elements of every chunk; what is a byte off proves nothing.
    function check(Openings.Array memory array) private view {
        bytes memory data = contentOf(array.elementBytes * array.elements);
        uint256 size = 1 << array.chunkLog2;
        bytes32[] memory hashes = Forest.leavesOf(data, size);
        assertEq(Openings.leaves(array), hashes.length);
        bytes32 root = Forest.root(hashes);
        for (uint256 chunk = 0; chunk < hashes.length; ++chunk) {
            bytes memory content = Forest.chunkOf(data, size, chunk);
            Opening memory opening = Opening(content, Forest.path(hashes, chunk));
            uint256 first = chunk * size / array.elementBytes;
            uint256 last = first + content.length / array.elementBytes - 1;
            checkElement(array, opening, first, root, data);
            checkElement(array, opening, last, root, data);
            opening.chunk = bytes.concat(content, hex"00");
            assertTrue(!this.proves(array, opening, chunk, root));
            opening.chunk = Forest.chunkOf(content, content.length - 1, 0);
            assertTrue(!this.proves(array, opening, chunk, root));
        }
    }

    function checkElement(
        Openings.Array memory array,
        Opening memory opening,
        uint256 index,
        bytes32 root,
        bytes memory data
    ) private view {
        (bool proven, bytes32 word) = this.element(array, opening, index, root);
        assertTrue(proven);
        for (uint256 place = 0; place < array.elementBytes; ++place) {
            assertTrue(word[place] == data[index * array.elementBytes + place]);
        }
        (proven,) = this.element(array, opening, index, ~root);
        assertTrue(!proven);
    }

    function contentOf(uint256 size) private pure returns (bytes memory data) {
        data = new bytes(size);
        for (uint256 place = 0; place < size; ++place) data[place] = bytes1(uint8(place * 7 + 1));
    }
}
