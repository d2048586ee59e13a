// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ServerStep} from "../../src/libraries/ServerStep.sol";

/// @title The server's step for many columns at once
/// @notice What a test that has no forge can call.
contract ServerSteps {
    struct Column {
        ServerStep.Constants constants;
        ServerStep.Place here;
        int256 aggregate;
    }

    function steps(Column[] calldata columns)
        external
        pure
        returns (ServerStep.Place[] memory next)
    {
        next = new ServerStep.Place[](columns.length);
        for (uint256 i = 0; i < columns.length; ++i) {
            next[i] = ServerStep.step(columns[i].constants, columns[i].here, columns[i].aggregate);
        }
    }
}
