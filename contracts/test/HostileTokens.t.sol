// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Harness} from "./Harness.sol";
import {FeeOnTransferToken} from "./tokens/FeeOnTransferToken.sol";
import {HookToken} from "./tokens/HookToken.sol";
import {RebasingToken} from "./tokens/RebasingToken.sol";

/// @notice The tokens that other tests rely on to misbehave do misbehave, and just so.
contract HostileTokensTest is Harness {
    address private constant PARTICIPANT = address(0x9A87);

    function test_a_fee_is_burned_on_the_way() public {
        FeeOnTransferToken token =
            new FeeOnTransferToken("Fee", "FEE", 6, address(this), 100_000, 250);
        token.transfer(PARTICIPANT, 10_039);
        // 2.5 % of 10,039 is 250.975, rounded down.
        assertEq(token.balanceOf(PARTICIPANT), 9_789);
        assertEq(token.balanceOf(address(this)), 89_961);
        assertEq(token.totalSupply(), 99_750);
    }

    function test_a_rebase_moves_every_balance() public {
        RebasingToken token = new RebasingToken("Rebase", "REB", 6, address(this), 1_000);
        token.transfer(PARTICIPANT, 400);
        token.rebase(3, 2);
        assertEq(token.balanceOf(PARTICIPANT), 600);
        assertEq(token.balanceOf(address(this)), 900);
        assertEq(token.totalSupply(), 1_500);
        token.rebase(1, 3);
        assertEq(token.balanceOf(PARTICIPANT), 200);
        token.transfer(PARTICIPANT, 100);
        assertEq(token.balanceOf(PARTICIPANT), 300);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, address(this), 200, 201
            )
        );
        token.transfer(PARTICIPANT, 201);
    }

    function test_an_armed_token_re_enters_once_per_transfer() public {
        HookToken token = _hookToken();
        token.arm(address(token), abi.encodeCall(token.transfer, (PARTICIPANT, 7)));
        token.transfer(address(token), 50);
        assertEq(token.hookCalls(), 1);
        assertTrue(token.hookSucceeded());
        assertEq(token.hookResult(), abi.encode(true));
        assertEq(token.balanceOf(PARTICIPANT), 7);
        assertEq(token.balanceOf(address(token)), 43);
    }

    function test_a_refused_hook_is_recorded_and_the_transfer_goes_on() public {
        HookToken token = _hookToken();
        token.arm(address(token), abi.encodeCall(token.transfer, (PARTICIPANT, 51)));
        token.approve(address(this), 50);
        token.transferFrom(address(this), address(token), 50);
        assertTrue(!token.hookSucceeded());
        assertEq(
            token.hookResult(),
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, address(token), 50, 51
            )
        );
        assertEq(token.balanceOf(address(token)), 50);
    }

    function test_a_disarmed_token_is_plain() public {
        HookToken token = _hookToken();
        token.arm(address(0), "");
        token.transfer(PARTICIPANT, 1);
        assertEq(token.hookCalls(), 0);
    }

    function test_a_token_acts_as_an_account() public {
        HookToken token = _hookToken();
        HookToken other = _hookToken();
        other.transfer(address(token), 5);
        token.execute(address(other), abi.encodeCall(other.transfer, (PARTICIPANT, 5)));
        assertEq(other.balanceOf(PARTICIPANT), 5);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, address(token), 0, 1
            )
        );
        token.execute(address(other), abi.encodeCall(other.transfer, (PARTICIPANT, 1)));
    }

    function _hookToken() private returns (HookToken) {
        return new HookToken("Hook", "HOOK", 6, address(this), 1_000);
    }
}
