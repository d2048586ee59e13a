// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {Federation} from "../src/Federation.sol";
import {Wiring} from "../src/federation/Wiring.sol";
import {Harness} from "./Harness.sol";

contract WiringTest is Harness {
    function test_a_court_without_code_is_refused() public {
        address court = address(0xc0);
        vm.expectRevert(abi.encodeWithSelector(Wiring.NoCourt.selector, court));
        new Federation(address(1), court);
    }

    function test_a_court_with_code_is_kept() public {
        address court = address(new Court());
        assertEq(new Federation(address(1), court).court(), court);
    }
}
