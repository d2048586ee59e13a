// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Matter, Stage} from "../interfaces/Disputes.sol";
import {Cause} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Rounds} from "./Rounds.sol";

/// @title Restitution: what settlement does with bonds, and with slashes that the court decided on
/// @notice Conforms to `sheaf.protocol.restitution`. Of a slash at least half is burned, so that
/// accuser and accused together always lose; nothing goes to the sponsor.
abstract contract Restitution is Rounds {
    using Bitmap for uint256;

    /// @dev What a page reads once and writes back once; amounts as in `Settlement` and `Money`.
    struct Page {
        bytes32 task;
        uint256 round;
        bytes32 key;
        uint256 participants;
        uint256 cohort;
        uint256 revealed;
        uint256 paid;
        uint256 duplicates;
        bool reveals;
        uint256 reward;
        uint256 samples;
        uint256 pool;
        uint256 bonus;
        uint256 dust;
        uint256 burned;
        uint256 burnedStake;
    }

    /// @dev Move the bonds of the dispute whose step it is, and slash who withheld a demanded
    /// update.
    function _settleDispute(Task storage state, Page memory page, uint256 step) internal {
        uint256 number = step - 2 * page.cohort + 1;
        Dispute storage dispute = _dispute(state, number);
        address account = dispute.opener;
        Stage stage = dispute.stage;
        Matter matter = dispute.matter;
        uint256 bonds = (1 + uint256(dispute.more)) * state.amounts.courtBond;
        uint256 returned = bonds;
        uint256 lost = 0;
        uint256 earned = 0;
        if (stage == Stage.Dismissed) {
            if (bonds != 0) emit Slashed(page.task, account, page.round, bonds, Cause.Dismissed);
            account = dispute.answerer;
            returned = 0;
            lost = bonds;
            // An answer is paid for by the whole bond, a refutation by half of it.
            earned = matter >= Matter.Update ? bonds : bonds / 2;
        } else if (matter >= Matter.Update && stage == Stage.Upheld) {
            lost = _slashOwner(state, page, dispute);
            earned = lost / 2;
        }
        page.burnedStake += lost - earned;
        uint256 due = returned + earned;
        if (returned != 0 && matter == Matter.Missing) {
            // That bond came from the seat's stake.
            state.seats[account].stake += uint96(returned);
            due = earned;
        }
        _award(page, account, number, returned, earned, due);
    }

    /// @dev Slash whoever withheld an update that was demanded.
    function _slashOwner(Task storage state, Page memory page, Dispute storage dispute)
        private
        returns (uint256)
    {
        address owner = _participantAt(state, dispute.position);
        return _take(state, page, owner, state.amounts.slashWithheld, Cause.Withheld);
    }

    /// @dev Half of what an overturned attempt's members lost, at most, is paid: to each dissenter
    /// a fee, as much as one slash divided by the seats (the committee's fee is in another token),
    /// the rest to the challenger. What is left is burned.
    function _shareOverturned(
        Task storage state,
        Page memory page,
        uint256 number,
        Attempt memory attempt,
        uint256 pot
    ) internal {
        uint256 dissent = attempt.opened & ~attempt.missing & ~attempt.agreed;
        uint256 fee = state.amounts.slashOverturned / state.core.committee;
        uint256 left = pot / 2;
        page.burnedStake += pot - left;
        for (uint256 slot = 0; dissent >> slot != 0; ++slot) {
            if (!dissent.has(slot)) continue;
            uint256 paid = fee < left ? fee : left;
            left -= paid;
            _award(page, _memberAt(state, number, slot), attempt.overturned, 0, paid, paid);
        }
        address opener = _dispute(state, attempt.overturned).opener;
        _award(page, opener, attempt.overturned, 0, left, left);
    }

    /// @dev Slash a seat that covers `amount`; what it lost. An empty seat is not slashed.
    function _take(
        Task storage state,
        Page memory page,
        address account,
        uint256 amount,
        Cause cause
    ) internal returns (uint256) {
        Seat storage seat = state.seats[account];
        uint256 stake = seat.stake;
        if (amount == 0 || stake < amount) return 0;
        seat.stake = uint96(stake - amount);
        emit Slashed(page.task, account, page.round, amount, cause);
        return amount;
    }

    /// @dev Make `due` withdrawable, and say what returned and what was earned.
    function _award(
        Page memory page,
        address account,
        uint256 number,
        uint256 returned,
        uint256 earned,
        uint256 due
    ) private {
        if (returned | earned == 0) return;
        emit CourtPaid(page.task, account, page.round, number, returned, earned);
        if (due != 0) vault.credit(stakeToken, account, due);
    }
}
