// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where all tokens lie
/// @notice Takes tokens in for its federation, credited by balance difference, and pays them out
/// when those ask whom they belong to. Tokens sent here directly are not deposits.
interface IVault {
    /// @notice Tokens left the vault.
    event Withdrawn(address indexed token, address indexed account, uint256 amount);

    /// @notice Only the vault's federation may.
    error NotFederation();
    /// @notice Only the vault itself may.
    error NotVault();
    /// @notice The account has nothing to withdraw of this token.
    error NothingToWithdraw();

    /// @notice Pull `amount` of `token` from `from`, which approved the vault.
    /// @return received By how much the vault's balance grew; less than `amount` where the token
    /// takes a fee on transfer.
    function pull(address token, address from, uint256 amount) external returns (uint256 received);

    /// @notice Make `amount` of `token` withdrawable by `account`.
    function credit(address token, address account, uint256 amount) external;

    /// @notice Send `amount` of `token` to `account`. Where the token refuses, or takes more gas
    /// than a payment may, the amount becomes withdrawable, and the caller goes on: one token
    /// cannot hold back another.
    function pay(address token, address account, uint256 amount) external;

    /// @notice Take out all that is withdrawable of `token`.
    function withdraw(address token) external;

    /// @notice Whose tokens the vault keeps.
    function federation() external view returns (address);

    /// @notice What `account` may withdraw of `token`.
    function withdrawable(address token, address account) external view returns (uint256);
}
