// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Harness} from "../test/Harness.sol";

/// @notice A test of each kind that must fail: `make selfcheck` is red when forge calls one green.
contract PlantedFailures is Harness {
    uint256 public count;

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(this);
    }

    function increment() external {
        ++count;
    }

    function test_planted_failure() public pure {
        assertEq(uint256(1), 2);
    }

    function testFuzz_planted_failure(uint256 word) public pure {
        assertEq(within(word, 0, 9), word);
    }

    function invariant_planted_failure() public view {
        assertEq(count, 0);
    }
}
