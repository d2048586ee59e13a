// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bitmap} from "../../src/libraries/Bitmap.sol";

/// @title Sets and votes over them, many at once
/// @notice What a test that has no forge can call.
contract Bitmaps {
    using Bitmap for uint256;
    using Bitmap for Bitmap.Votes;

    function counts(uint256[] calldata sets) external pure returns (uint256[] memory found) {
        found = new uint256[](sets.length);
        for (uint256 i = 0; i < sets.length; ++i) found[i] = sets[i].count();
    }

    function has(uint256 set, uint256 position) external pure returns (bool) {
        return set.has(position);
    }

    /// @return found For each threshold the positions with as many votes.
    function atLeast(uint256[] calldata sets, uint256[] calldata thresholds)
        external
        pure
        returns (uint256[] memory found)
    {
        Bitmap.Votes memory votes;
        for (uint256 i = 0; i < sets.length; ++i) votes.add(sets[i]);
        found = new uint256[](thresholds.length);
        for (uint256 i = 0; i < thresholds.length; ++i) found[i] = votes.atLeast(thresholds[i]);
    }
}
