// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token whose balances change without a transfer
/// @notice Holders own shares; `rebase` sets how many units a share is worth, for everybody at once
/// and, as a test wants it, by anybody. A transfer moves whole shares: a unit may be lost on it.
contract RebasingToken is ERC20 {
    uint256 private constant ONE = 1e18;

    uint8 private immutable _decimals;

    uint256 private _unitsPerShare = ONE;
    uint256 private _totalShares;
    mapping(address holder => uint256 shares) private _shares;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address holder,
        uint256 supply
    ) ERC20(name_, symbol_) {
        _decimals = decimals_;
        _mint(holder, supply);
    }

    /// @notice Multiplies every balance by `numerator / denominator`.
    function rebase(uint256 numerator, uint256 denominator) external {
        _unitsPerShare = _unitsPerShare * numerator / denominator;
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc ERC20
    function balanceOf(address holder) public view override returns (uint256) {
        return _shares[holder] * _unitsPerShare / ONE;
    }

    /// @inheritdoc ERC20
    function totalSupply() public view override returns (uint256) {
        return _totalShares * _unitsPerShare / ONE;
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 shares = value * ONE / _unitsPerShare;
        if (from == address(0)) {
            _totalShares += shares;
        } else {
            if (_shares[from] < shares) {
                revert ERC20InsufficientBalance(from, balanceOf(from), value);
            }
            _shares[from] -= shares;
        }
        if (to == address(0)) _totalShares -= shares;
        else _shares[to] += shares;
        emit Transfer(from, to, value);
    }
}
