// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Phases} from "../federation/Phases.sol";
import {Matter, Roots, Stage} from "../interfaces/Disputes.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {IFederation} from "../interfaces/IFederation.sol";
import {IVault} from "../interfaces/IVault.sol";
import {Cause, OptimiserKind, Phase} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Guarded} from "../libraries/Guarded.sol";
import {Openings} from "../libraries/Openings.sol";
import {Permutation} from "../libraries/Permutation.sol";
import {Words} from "../libraries/Words.sol";

/// @title The docket: how disputes are entered, and what silence decides
/// @notice Conforms to `sheaf.protocol.docket`. A dispute is entered, and told of, before its bond
/// is pulled: what a token may call from within finds a docket that is whole, and a bond that does
/// not arrive undoes all.
abstract contract Docket is Phases, Guarded, ICourt {
    using Bitmap for uint256;
    using Openings for Openings.Array;

    uint256 private constant MAX_DISPUTES = 65_000;
    uint256 private constant COMMITTEE_ONLY = 1;

    /// @inheritdoc ICourt
    function decide(bytes32 task, uint256 number) external {
        Task storage state = _task(task);
        Dispute storage dispute = _live(state, number);
        if (block.timestamp < dispute.deadline) revert NotYet();
        Stage ruling = _ruling(state, dispute);
        _close(state, dispute, ruling);
        emit Decided(task, state.core.round, number, ruling);
        if (ruling != Stage.Upheld) return;
        if (_isDemand(dispute)) {
            state.current.dropped |= 1 << uint256(dispute.position);
            state.settlement.progress = Progress.Barred;
        } else {
            state.attempts[state.core.attempt - 1].overturned = uint16(number);
            _failAttempt(task, state, Cause.Overturned);
        }
    }

    /// @dev The dispute of the running attempt that waits for a move.
    function _live(Task storage state, uint256 number)
        internal
        view
        returns (Dispute storage dispute)
    {
        Core storage core = state.core;
        if (number == 0 || number > core.disputes) revert UnknownDispute();
        dispute = _dispute(state, number);
        bool running = _isDisputed(core.phase) && number > state.attempts[core.attempt - 1].first;
        if (!running || dispute.stage > Stage.Served) revert DisputeClosed();
    }

    /// @dev Phases in which disputes are open: demands in all of them, challenges in the last.
    function _isDisputed(Phase phase) internal pure returns (bool) {
        return phase >= Phase.VerdictCommit && phase <= Phase.Challenge;
    }

    function _isDemand(Dispute storage dispute) internal view returns (bool) {
        return dispute.matter >= Matter.Update;
    }

    /// @dev The dispute waits for this move, which is not late.
    function _expectMove(Dispute storage dispute, Stage stage) internal view {
        if (dispute.stage != stage) revert WrongTurn();
        if (block.timestamp >= dispute.deadline) revert MoveClosed();
    }

    /// @dev The claim can be challenged now, by this sender.
    function _expectWindow(Task storage state) internal view {
        if (state.core.phase != Phase.Challenge) revert WrongPhase();
        if (block.timestamp >= state.core.deadline) revert WindowClosed();
        _expectAdmitted(state);
    }

    /// @dev The sender may open a dispute, and there is room for one: where updates are for the
    /// committee alone, only who was drawn this round may, since nobody else could judge one.
    function _expectAdmitted(Task storage state) internal view {
        Core storage core = state.core;
        if (core.visibility == COMMITTEE_ONLY) {
            Seat storage seat = state.seats[msg.sender];
            if (seat.standing != Standing.OpenedAggregator) revert NotAdmitted();
            uint256 position =
                Permutation.positionOf(state.keys.committee, core.aggregators, seat.index);
            if (position >= uint256(core.attempt) * core.committee) revert NotAdmitted();
        }
        _expectRoom(core);
    }

    function _expectRoom(Core storage core) internal view {
        if (core.disputes == MAX_DISPUTES) revert DocketFull();
    }

    /// @dev Claims have this matter, and `roots` are those of the running one.
    function _expectClaim(
        bytes32 task,
        Task storage state,
        Shape memory shape,
        uint256 matter,
        Roots calldata roots
    ) internal view {
        bool moments = matter == uint256(Matter.State) && shape.optimiser != OptimiserKind.Plain;
        if (matter != uint256(Matter.Model) && !moments) revert UnknownMatter();
        Words.Place memory place =
            Words.Place({task: task, round: state.core.round, attempt: state.core.attempt});
        Words.Verdict memory verdict = Words.Verdict({
            counted: state.current.counted,
            weightsRoot: 0,
            modelRoot: _modelHeader(shape, roots.model),
            stateRoot: _stateHeader(shape, roots.state)
        });
        if (Words.claim(place, verdict) != state.current.claim) revert WrongClaim();
    }

    /// @dev How the array that a dispute is about was committed to.
    function _arrayOf(Shape memory shape, Matter matter)
        internal
        pure
        returns (Openings.Array memory)
    {
        return matter == Matter.State
            ? Openings.Array(_momentBytes(shape), shape.trainable, shape.chunkLog2)
            : Openings.Array(ELEMENT_BYTES, shape.coordinates, shape.chunkLog2);
    }

    /// @dev Enter a dispute of the sender's on the docket, with its first slot; its number.
    function _enter(Task storage state, Matter matter, Stage stage, uint256 index)
        internal
        returns (uint256 number, Dispute storage dispute)
    {
        Core storage core = state.core;
        number = uint256(core.disputes) + 1;
        core.disputes = uint16(number);
        core.open += 1;
        dispute = _dispute(state, number);
        dispute.opener = msg.sender;
        dispute.deadline = uint40(_moveDeadline(state));
        dispute.index = uint40(index);
        dispute.stage = stage;
        dispute.matter = matter;
    }

    /// @dev Pull up to `bond` stake tokens; what arrives beyond the bonds due is the sender's
    /// again.
    function _lock(Task storage state, uint256 bond, uint256 bonds) internal {
        IFederation self = IFederation(address(this));
        IVault vault = self.vault();
        address token = self.stakeToken();
        uint256 received = vault.pull(token, msg.sender, bond);
        uint256 due = bonds * state.amounts.courtBond;
        if (received < due) revert BondTooLow();
        if (received != due) vault.credit(token, msg.sender, received - due);
    }

    /// @dev The dispute no longer waits for a move.
    function _close(Task storage state, Dispute storage dispute, Stage stage) internal {
        dispute.stage = stage;
        state.core.open -= 1;
    }

    /// @dev When the next move is late.
    function _moveDeadline(Task storage state) internal view returns (uint256) {
        return block.timestamp + state.durations.challengeS;
    }

    /// @dev What silence means.
    function _ruling(Task storage state, Dispute storage dispute) private view returns (Stage) {
        Stage stage = dispute.stage;
        if (stage == Stage.Unfolded || stage == Stage.Served) return Stage.Dismissed;
        bool moot = _isDemand(dispute) && state.current.dropped.has(dispute.position);
        return moot ? Stage.Moot : Stage.Upheld;
    }
}
