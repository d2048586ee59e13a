// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Token} from "../src/Token.sol";
import {Harness} from "./Harness.sol";

contract TokenTest is Harness {
    address private constant SPONSOR = address(0x5905);
    address private constant PARTICIPANT = address(0x9A87);
    uint256 private constant SUPPLY = 1_000_000e6;

    Token private token;

    function setUp() public {
        token = new Token("Sheaf Credit", "SHEAF", 6, SPONSOR, SUPPLY);
    }

    function test_the_holder_gets_the_whole_supply() public view {
        assertEq(bytes(token.name()), "Sheaf Credit");
        assertEq(bytes(token.symbol()), "SHEAF");
        assertEq(token.decimals(), 6);
        assertEq(token.totalSupply(), SUPPLY);
        assertEq(token.balanceOf(SPONSOR), SUPPLY);
    }

    function test_decimals_are_the_deployers_choice() public {
        assertEq(new Token("Sheaf Credit", "SHEAF", 18, SPONSOR, 1e18).decimals(), 18);
    }

    function test_more_than_the_balance_is_refused() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, SPONSOR, SUPPLY, SUPPLY + 1
            )
        );
        vm.prank(SPONSOR);
        token.transfer(PARTICIPANT, SUPPLY + 1);
    }

    function testFuzz_a_transfer_moves_exactly_its_value(uint256 word) public {
        uint256 value = within(word, 0, SUPPLY);
        vm.prank(SPONSOR);
        token.transfer(PARTICIPANT, value);
        assertEq(token.balanceOf(PARTICIPANT), value);
        assertEq(token.balanceOf(SPONSOR), SUPPLY - value);
        assertEq(token.totalSupply(), SUPPLY);
    }

    function testFuzz_an_allowance_is_spent(uint256 allowed, uint256 word) public {
        allowed = within(allowed, 0, SUPPLY);
        uint256 value = within(word, 0, allowed);
        vm.prank(SPONSOR);
        token.approve(address(this), allowed);
        token.transferFrom(SPONSOR, PARTICIPANT, value);
        assertEq(token.allowance(SPONSOR, address(this)), allowed - value);
        assertEq(token.balanceOf(PARTICIPANT), value);
    }

    function test_gas_transfer() public {
        vm.prank(SPONSOR);
        token.transfer(PARTICIPANT, 1);
    }
}

/// @notice Moves value at random among a few accounts, always within their means.
contract TokenHandler is Harness {
    uint256 private constant ACCOUNTS = 4;

    Token private immutable token;

    constructor(uint256 supply) {
        token = new Token("Sheaf Credit", "SHEAF", 6, account(0), supply);
    }

    function transfer(uint256 from, uint256 to, uint256 word) external {
        address sender = account(from);
        uint256 value = within(word, 0, token.balanceOf(sender));
        vm.prank(sender);
        token.transfer(account(to), value);
    }

    function sumOfBalances() external view returns (uint256 sum) {
        for (uint256 index = 0; index < ACCOUNTS; ++index) {
            sum += token.balanceOf(account(index));
        }
    }

    function account(uint256 index) private pure returns (address) {
        return address(uint160(0xACC000 + index % ACCOUNTS));
    }
}

contract TokenInvariants is Harness {
    uint256 private constant SUPPLY = 1_000_000e6;

    TokenHandler private handler;

    function setUp() public {
        handler = new TokenHandler(SUPPLY);
    }

    /// @dev forge asks which contracts to call at random.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_no_unit_is_made_or_lost() public view {
        assertEq(handler.sumOfBalances(), SUPPLY);
    }
}
