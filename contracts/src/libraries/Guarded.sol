// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title One entry at a time
/// @notice For functions that hand control to a token. OpenZeppelin's transient guard, but with a
/// transient variable in place of assembly, of which the compiler warns.
abstract contract Guarded {
    bool private transient _entered;

    /// @notice A token called back into a function that is still running.
    error Reentered();

    modifier nonReentrant() {
        if (_entered) revert Reentered();
        _entered = true;
        _;
        _entered = false;
    }
}
