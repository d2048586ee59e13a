// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {Stage} from "../src/interfaces/Disputes.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IProtocol} from "../src/interfaces/IProtocol.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {Phase} from "../src/interfaces/Terms.sol";
import {Token} from "../src/Token.sol";
import {FederationHandler} from "./FederationHandler.sol";
import {Harness} from "./Harness.sol";

contract FederationTest is Harness {
    FederationHandler private handler;

    function setUp() public {
        handler = new FederationHandler();
    }

    /// @dev The campaign below means something only if the handler gets to the payments.
    function test_a_task_in_which_all_act_is_paid() public {
        for (uint256 call = 0; call < 60; ++call) handler.play(0, 7 * call + 1);
        assertTrue(handler.left(Phase.Challenge) > 0);
        assertTrue(handler.earned() > 0);
    }

    /// @dev So does a campaign in court only if disputes come to every stage and every end.
    function test_disputes_come_to_every_stage() public {
        for (uint256 call = 0; call < 400; ++call) {
            handler.play(0, uint256(keccak256(abi.encode(call))));
        }
        for (uint256 stage = 1; stage <= uint256(Stage.Dismissed); ++stage) {
            assertTrue(handler.reached(Stage(stage)) > 0);
        }
    }

    function test_the_court_alone_finds_no_task() public {
        ICourt court = ICourt(address(new Court()));
        ICourt federation = ICourt(address(handler.federation()));
        vm.expectRevert(abi.encodeWithSelector(IProtocol.UnknownTask.selector));
        court.decide(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IProtocol.UnknownTask.selector));
        federation.decide(0, 1);
    }

    function test_what_nobody_has_is_turned_away() public {
        address federation = address(handler.federation());
        (bool taken,) = federation.call(hex"deadbeef");
        assertTrue(!taken);
        (taken,) = federation.call{value: 1}("");
        assertTrue(!taken);
    }

    function test_strangers_move_nothing_in_the_vault() public {
        IVault vault = handler.federation().vault();
        address token = address(handler.stakeToken());
        vm.expectRevert(abi.encodeWithSelector(IVault.NotFederation.selector));
        vault.credit(token, address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotFederation.selector));
        vault.pull(token, address(handler), 1);
    }
}

contract FederationInvariants is Harness {
    FederationHandler private handler;

    function setUp() public {
        handler = new FederationHandler();
    }

    /// @dev forge asks which contracts to call at random.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Every unit that came in and did not go out is in exactly one place, and is there.
    function invariant_the_books_balance() public view {
        (uint256 stakes, uint256 rewards) = handler.accounted();
        assertBooks(handler.stakeToken(), stakes);
        assertBooks(handler.rewardToken(), rewards);
    }

    function assertBooks(Token token, uint256 accounted) private view {
        IVault vault = handler.federation().vault();
        assertEq(token.balanceOf(address(vault)), accounted);
    }
}
