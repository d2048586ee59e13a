// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Guarded} from "./libraries/Guarded.sol";

/// @title The vault of one federation
/// @dev `pull`, `pay` and `withdraw` share one guard: a token that calls back from any can start
/// none, so no transfer is counted twice. `credit` touches no token and needs none.
contract Vault is IVault, Guarded {
    using SafeERC20 for IERC20;

    /// @dev Of what a claim may cost, this is at most one hostile token's part. Ordinary transfers
    /// take a fifth of it or less; what needs more is paid by `withdraw`, which has no limit.
    uint256 private constant PAYMENT_GAS = 250_000;

    /// @inheritdoc IVault
    address public immutable federation;

    /// @inheritdoc IVault
    mapping(address token => mapping(address account => uint256)) public withdrawable;

    modifier onlyFederation() {
        if (msg.sender != federation) revert NotFederation();
        _;
    }

    modifier onlyVault() {
        if (msg.sender != address(this)) revert NotVault();
        _;
    }

    constructor() {
        federation = msg.sender;
    }

    /// @inheritdoc IVault
    function pull(address token, address from, uint256 amount)
        external
        onlyFederation
        nonReentrant
        returns (uint256 received)
    {
        uint256 before = IERC20(token).balanceOf(address(this));
        // Only the federation calls, and it names only who called it.
        // slither-disable-next-line arbitrary-send-erc20
        IERC20(token).safeTransferFrom(from, address(this), amount);
        received = IERC20(token).balanceOf(address(this)) - before;
    }

    /// @inheritdoc IVault
    function credit(address token, address account, uint256 amount) external onlyFederation {
        withdrawable[token][account] += amount;
    }

    /// @inheritdoc IVault
    function pay(address token, address account, uint256 amount)
        external
        onlyFederation
        nonReentrant
    {
        // What the token answers is not copied: an answer without end would take the caller's gas.
        try this.deliver{gas: PAYMENT_GAS}(token, account, amount) {}
        catch {
            withdrawable[token][account] += amount;
        }
    }

    /// @inheritdoc IVault
    function withdraw(address token) external nonReentrant {
        uint256 amount = withdrawable[token][msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        withdrawable[token][msg.sender] = 0;
        _deliver(token, msg.sender, amount);
    }

    /// @notice The vault's call to itself, so that a payment that fails fails alone.
    function deliver(address token, address account, uint256 amount) external onlyVault {
        _deliver(token, account, amount);
    }

    function _deliver(address token, address account, uint256 amount) private {
        emit Withdrawn(token, account, amount);
        IERC20(token).safeTransfer(account, amount);
    }
}
