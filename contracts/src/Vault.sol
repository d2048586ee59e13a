// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Guarded} from "./libraries/Guarded.sol";

/// @title The vault of one federation
/// @dev `pull` and `withdraw` share one guard: a token that calls back from either can start
/// neither, so no transfer is counted twice. `credit` touches no token and needs none.
contract Vault is IVault, Guarded {
    using SafeERC20 for IERC20;

    /// @inheritdoc IVault
    address public immutable federation;

    /// @inheritdoc IVault
    mapping(address token => uint256) public deposits;

    /// @inheritdoc IVault
    mapping(address token => uint256) public withdrawals;

    /// @inheritdoc IVault
    mapping(address token => mapping(address account => uint256)) public withdrawable;

    modifier onlyFederation() {
        if (msg.sender != federation) revert NotFederation();
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
        deposits[token] += received;
    }

    /// @inheritdoc IVault
    function credit(address token, address account, uint256 amount) external onlyFederation {
        withdrawable[token][account] += amount;
    }

    /// @inheritdoc IVault
    function withdraw(address token) external nonReentrant {
        uint256 amount = withdrawable[token][msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        withdrawable[token][msg.sender] = 0;
        withdrawals[token] += amount;
        emit Withdrawn(token, msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }
}
