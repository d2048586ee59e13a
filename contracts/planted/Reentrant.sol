// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Pays before it books: `make selfcheck` is red when slither lets this pass.
contract Reentrant {
    mapping(address payer => uint256 wei_) private _deposits;

    error PaymentFailed();

    function deposit() external payable {
        _deposits[msg.sender] += msg.value;
    }

    function withdraw() external {
        (bool paid,) = msg.sender.call{value: _deposits[msg.sender]}("");
        if (!paid) revert PaymentFailed();
        _deposits[msg.sender] = 0;
    }
}
