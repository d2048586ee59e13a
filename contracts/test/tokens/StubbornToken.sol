// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Token} from "../../src/Token.sol";

/// @title A token that does not pay
/// @notice Anybody chooses how it fails when it should be transferred out of `debtor`.
contract StubbornToken is Token {
    /// @notice Reverts, answers false, uses up all gas, or reverts with much data.
    enum Mood {
        Willing,
        Reverts,
        AnswersFalse,
        TakesAllGas,
        AnswersWithoutEnd
    }

    uint256 private constant ENDLESS_BYTES = 1 << 17;

    address public debtor;
    Mood public mood;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address holder,
        uint256 supply
    ) Token(name_, symbol_, decimals_, holder, supply) {}

    /// @notice From now on transfers out of `debtor_` fail in this way.
    function become(Mood mood_, address debtor_) external {
        mood = mood_;
        debtor = debtor_;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (msg.sender != debtor || mood == Mood.Willing) return super.transfer(to, value);
        require(mood != Mood.Reverts, "no");
        if (mood == Mood.AnswersFalse) return false;
        if (mood == Mood.AnswersWithoutEnd) {
            assembly ("memory-safe") {
                revert(0, ENDLESS_BYTES)
            }
        }
        while (true) {}
        return false;
    }
}
