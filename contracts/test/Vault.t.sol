// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVault} from "../src/interfaces/IVault.sol";
import {Guarded} from "../src/libraries/Guarded.sol";
import {Token} from "../src/Token.sol";
import {Vault} from "../src/Vault.sol";
import {FeeOnTransferToken} from "./tokens/FeeOnTransferToken.sol";
import {HookToken} from "./tokens/HookToken.sol";
import {StubbornToken} from "./tokens/StubbornToken.sol";
import {Harness} from "./Harness.sol";

/// @notice The test itself stands for the federation: it made the vault.
contract VaultTest is Harness {
    address private constant PARTICIPANT = address(0x9A87);
    uint256 private constant SUPPLY = 1e12;

    Vault private vault;

    function setUp() public {
        vault = new Vault();
    }

    function test_what_was_pulled_and_credited_can_be_withdrawn_once() public {
        Token token = new Token("Sheaf Credit", "SHEAF", 6, PARTICIPANT, SUPPLY);
        assertEq(pull(token, 100), 100);
        vault.credit(address(token), PARTICIPANT, 60);
        vault.credit(address(token), PARTICIPANT, 15);
        vm.prank(PARTICIPANT);
        vault.withdraw(address(token));
        assertEq(token.balanceOf(PARTICIPANT), SUPPLY - 25);
        vm.expectRevert(abi.encodeWithSelector(IVault.NothingToWithdraw.selector));
        vm.prank(PARTICIPANT);
        vault.withdraw(address(token));
    }

    function test_a_transfer_is_no_deposit() public {
        Token token = new Token("Sheaf Credit", "SHEAF", 6, PARTICIPANT, SUPPLY);
        vm.prank(PARTICIPANT);
        token.transfer(address(vault), 40);
        assertEq(pull(token, 100), 100);
    }

    function test_a_token_that_takes_a_fee_is_credited_by_what_arrived() public {
        Token token =
            new FeeOnTransferToken("Taxed", "TAX", 6, PARTICIPANT, SUPPLY, 1_000);
        assertEq(pull(token, 109), 99);
    }

    function test_a_token_cannot_pull_from_within_a_pull() public {
        HookToken token = new HookToken("Hook", "HOOK", 6, PARTICIPANT, SUPPLY);
        approve(token);
        token.arm(address(this), abi.encodeCall(this.pull, (Token(address(token)), 50)));
        assertEq(vault.pull(address(token), PARTICIPANT, 100), 100);
        assertRefused(token);
        assertEq(token.balanceOf(address(vault)), 100);
    }

    /// @dev The balance would fall during the pull, and what arrived would be counted short.
    function test_a_token_cannot_withdraw_from_within_a_pull() public {
        HookToken token = new HookToken("Hook", "HOOK", 6, PARTICIPANT, SUPPLY);
        pull(token, 100);
        vault.credit(address(token), address(token), 30);
        token.arm(address(vault), abi.encodeCall(IVault.withdraw, (address(token))));
        assertEq(pull(token, 100), 100);
        assertRefused(token);
        assertEq(token.balanceOf(address(vault)), 200);
    }

    function test_a_token_cannot_withdraw_from_within_a_withdrawal() public {
        HookToken token = new HookToken("Hook", "HOOK", 6, PARTICIPANT, SUPPLY);
        pull(token, 100);
        vault.credit(address(token), PARTICIPANT, 30);
        vault.credit(address(token), address(token), 30);
        token.arm(address(vault), abi.encodeCall(IVault.withdraw, (address(token))));
        vm.prank(PARTICIPANT);
        vault.withdraw(address(token));
        assertRefused(token);
        assertEq(token.balanceOf(address(vault)), 70);
    }

    function test_a_payment_goes_out_at_once() public {
        Token token = new Token("Sheaf Credit", "SHEAF", 6, PARTICIPANT, SUPPLY);
        pull(token, 100);
        vault.pay(address(token), PARTICIPANT, 60);
        assertEq(token.balanceOf(PARTICIPANT), SUPPLY - 40);
        assertEq(vault.withdrawable(address(token), PARTICIPANT), 0);
    }

    function test_a_payment_that_fails_waits() public {
        StubbornToken token = new StubbornToken("Stubborn", "NO", 6, PARTICIPANT, SUPPLY);
        pull(token, 100);
        for (uint256 mood = 1; mood <= uint256(type(StubbornToken.Mood).max); ++mood) {
            token.become(StubbornToken.Mood(mood), address(vault));
            vault.pay(address(token), PARTICIPANT, 10);
            assertEq(vault.withdrawable(address(token), PARTICIPANT), 10 * mood);
        }
        assertEq(token.balanceOf(address(vault)), 100);
        token.become(StubbornToken.Mood.Willing, address(vault));
        vm.prank(PARTICIPANT);
        vault.withdraw(address(token));
        assertEq(token.balanceOf(PARTICIPANT), SUPPLY - 60);
    }

    function test_nobody_but_the_vault_delivers() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.NotVault.selector));
        vault.deliver(address(1), PARTICIPANT, 1);
    }

    function test_nobody_but_the_federation_pays() public {
        vm.prank(PARTICIPANT);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotFederation.selector));
        vault.pay(address(1), PARTICIPANT, 1);
    }

    /// @notice What a hook calls back, too.
    function pull(Token token, uint256 amount) public returns (uint256) {
        approve(token);
        return vault.pull(address(token), PARTICIPANT, amount);
    }

    function approve(Token token) private {
        vm.prank(PARTICIPANT);
        token.approve(address(vault), SUPPLY);
    }

    function assertRefused(HookToken token) private view {
        assertEq(token.hookCalls(), 1);
        assertTrue(!token.hookSucceeded());
        assertEq(token.hookResult(), abi.encodeWithSelector(Guarded.Reentered.selector));
    }
}
