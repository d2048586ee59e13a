// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Members} from "../federation/Members.sol";
import {Matter, Opening, Roots, Stage} from "../interfaces/Disputes.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {Phase} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Openings} from "../libraries/Openings.sol";
import {Trees} from "../libraries/Trees.sol";
import {Words} from "../libraries/Words.sol";
import {Docket} from "./Docket.sol";

/// @title Disputes about bytes that are not served
/// @notice Conforms to `sheaf.protocol.withholding`. A claim's bytes are asked for from the root
/// down, a counted update's chunk by its index; on both sides, silence loses.
abstract contract Withholding is Docket, Members {
    using Bitmap for uint256;
    using Openings for Openings.Array;

    /// @dev Levels of a tree that one move goes down: at most 64 hashes.
    uint256 private constant STEP_LEVELS = 6;
    uint256 private constant ATTEMPT_BITS = 8;
    uint256 private constant POSITION_BITS = 8;
    /// @dev Page 0 of a position's demands counts them, the others have a bit for each chunk.
    uint256 private constant PAGE_BITS = 32;

    /// @inheritdoc ICourt
    function descend(bytes32 task, uint256 matter, Roots calldata roots, uint256 bond)
        external
        nonReentrant
    {
        Task storage state = _task(task);
        _expectWindow(state);
        Shape memory shape = state.shape;
        _expectClaim(task, state, shape, matter, roots);
        (uint256 number, Dispute storage dispute) =
            _enter(state, Matter(matter), Stage.Asked, 0);
        dispute.evidence = Matter(matter) == Matter.Model ? roots.model : roots.state;
        dispute.level = uint8(_height(_arrayOf(shape, Matter(matter)).leaves()));
        _emitDescended(task, state, number, dispute);
        _lock(state, bond, 1);
    }

    /// @inheritdoc ICourt
    function unfold(bytes32 task, uint256 number, bytes32[] calldata hashes) external {
        Task storage state = _task(task);
        Dispute storage dispute = _live(state, number);
        _expectMove(dispute, Stage.Asked);
        if (dispute.level == 0) revert WrongTurn();
        if (hashes.length != _width(state, dispute)) revert WrongNodes();
        if (Trees.rootOf(hashes) != dispute.evidence) revert WrongNodes();
        uint256 deadline = _moveDeadline(state);
        dispute.deadline = uint40(deadline);
        dispute.stage = Stage.Unfolded;
        dispute.evidence = sha256(abi.encodePacked(hashes));
        dispute.answerer = msg.sender;
        emit Unfolded(task, msg.sender, state.core.round, number, hashes, deadline);
    }

    /// @inheritdoc ICourt
    function pick(bytes32 task, uint256 number, uint256 child, bytes32[] calldata hashes)
        external
    {
        Task storage state = _task(task);
        Dispute storage dispute = _live(state, number);
        if (dispute.opener != msg.sender) revert NotChallenger();
        _expectMove(dispute, Stage.Unfolded);
        bool known = sha256(abi.encodePacked(hashes)) == dispute.evidence;
        if (!known || child >= hashes.length) revert WrongNodes();
        uint256 below = _below(dispute);
        uint256 first = uint256(dispute.index) << dispute.level - below;
        dispute.deadline = uint40(_moveDeadline(state));
        dispute.index = uint40(first + child);
        dispute.stage = Stage.Asked;
        dispute.level = uint8(below);
        dispute.evidence = hashes[child];
        _emitDescended(task, state, number, dispute);
    }

    /// @inheritdoc ICourt
    function demand(bytes32 task, uint256 position, uint256 chunk, uint256 bond)
        external
        nonReentrant
    {
        Task storage state = _task(task);
        if (!_isDisputed(state.core.phase)) revert WrongPhase();
        // Not in time that answers added: else who demands and answers by turns is never done.
        uint256 end = state.windows[_place(state)];
        if (block.timestamp >= (end == 0 ? state.core.deadline : end)) revert WindowClosed();
        _expectAdmitted(state);
        uint256 due = state.current.counted & ~state.current.dropped;
        if (!due.has(position)) revert NotCounted();
        if (chunk >= _leaves(state.shape)) revert ChunkOutOfRange();
        uint256 bonds = _countDemand(state, position, chunk);
        uint256 number = _enterDemand(state, Matter.Update, position, chunk, bonds);
        _emitDemanded(task, state, number, bonds);
        _lock(state, bond, bonds);
    }

    /// @inheritdoc ICourt
    function revealMissing(
        bytes32 task,
        uint256 position,
        uint256 chunk,
        bytes32 receipt,
        bytes32 salt
    ) external {
        Task storage state = _task(task);
        (Words.Place memory place, uint256 slot) = _openingMember(task, state);
        if (state.words[slot] != Words.missingCommitment(place, position, chunk, receipt, salt)) {
            revert CommitmentMismatch();
        }
        if (!state.current.counted.has(position)) revert NotCounted();
        if (chunk >= _leaves(state.shape)) revert ChunkOutOfRange();
        _expectRoom(state.core);
        Attempt storage attempt = state.attempts[place.attempt - 1];
        attempt.opened |= uint32(1 << slot);
        attempt.missing |= uint32(1 << slot);
        state.current.named |= 1 << position;
        // A member that held covers a round, and the bond is at most that.
        state.seats[msg.sender].stake -= state.amounts.courtBond;
        emit MissingRevealed(
            task, msg.sender, place.round, place.attempt, slot, position, chunk, receipt, salt
        );
        uint256 number = _enterDemand(state, Matter.Missing, position, chunk, 1);
        _emitDemanded(task, state, number, 1);
    }

    /// @inheritdoc ICourt
    function supply(bytes32 task, uint256 number, Opening calldata opening) external {
        Task storage state = _task(task);
        Dispute storage dispute = _live(state, number);
        _expectMove(dispute, Stage.Asked);
        if (dispute.level != 0) revert WrongTurn();
        if (!_isDue(state, dispute, opening)) revert WrongOpening();
        uint256 deadline = _moveDeadline(state);
        bool answered = _isDemand(dispute);
        dispute.answerer = msg.sender;
        if (answered) {
            _close(state, dispute, Stage.Dismissed);
        } else {
            dispute.stage = Stage.Served;
            dispute.deadline = uint40(deadline);
        }
        Core storage core = state.core;
        uint256 next = answered ? 0 : deadline;
        emit Supplied(task, msg.sender, core.round, number, opening.chunk, next);
        if (answered && core.phase == Phase.Challenge && deadline > core.deadline) {
            _extendWindow(task, state, deadline);
        }
    }

    /// @dev Bytes that came late can be judged for a whole move.
    function _extendWindow(bytes32 task, Task storage state, uint256 deadline) private {
        Core storage core = state.core;
        uint256 place = _place(state);
        if (state.windows[place] == 0) state.windows[place] = core.deadline;
        core.deadline = uint40(deadline);
        emit WindowExtended(task, core.round, core.attempt, deadline);
    }

    /// @dev Enter a demand for a chunk, whose bonds are locked or will be.
    function _enterDemand(
        Task storage state,
        Matter matter,
        uint256 position,
        uint256 chunk,
        uint256 bonds
    ) private returns (uint256 number) {
        Dispute storage dispute;
        (number, dispute) = _enter(state, matter, Stage.Asked, chunk);
        // Mostly zeros: of a first demand on the first position nothing need be written.
        if (position | bonds - 1 == 0) return number;
        dispute.position = uint8(position);
        dispute.more = uint16(bonds - 1);
    }

    /// @dev One more demand of an outsider on a position in the running attempt; how many there
    /// are. A chunk is demanded once: who demands and answers the same over and over would make
    /// the others dear for nothing.
    function _countDemand(Task storage state, uint256 position, uint256 chunk)
        private
        returns (uint256 bonds)
    {
        uint256 place = (_place(state) << POSITION_BITS | position) << PAGE_BITS;
        uint256 page = place | 1 + (chunk >> 8);
        uint256 demanded = state.demands[page];
        if (demanded.has(chunk & 0xff)) revert AlreadyDemanded();
        state.demands[page] = demanded | 1 << (chunk & 0xff);
        bonds = state.demands[place] + 1;
        state.demands[place] = bonds;
    }

    /// @dev The running attempt of the running round.
    function _place(Task storage state) private view returns (uint256) {
        return uint256(state.core.round) << ATTEMPT_BITS | state.core.attempt;
    }

    /// @dev Whether this is the chunk asked for.
    function _isDue(Task storage state, Dispute storage dispute, Opening calldata opening)
        private
        view
        returns (bool)
    {
        Openings.Array memory array = _arrayOf(state.shape, dispute.matter);
        if (_isDemand(dispute)) {
            bytes32 root = state.seats[_participantAt(state, dispute.position)].word;
            return array.proves(opening, dispute.index, root);
        }
        if (opening.path.length != 0 || !array.fits(opening.chunk, dispute.index)) return false;
        return Trees.leafHash(opening.chunk) == dispute.evidence;
    }

    /// @dev How many hashes lie below a descent's node, at the level that is due: fewer at the
    /// edge, where the last node of an odd level rose.
    function _width(Task storage state, Dispute storage dispute) private view returns (uint256) {
        uint256 below = _below(dispute);
        uint256 leaves = _arrayOf(state.shape, dispute.matter).leaves();
        uint256 there = leaves + (1 << below) - 1 >> below;
        uint256 full = 1 << dispute.level - below;
        uint256 left = there - dispute.index * full;
        return left < full ? left : full;
    }

    /// @dev The level that the next hashes are of.
    function _below(Dispute storage dispute) private view returns (uint256) {
        uint256 level = dispute.level;
        return level > STEP_LEVELS ? level - STEP_LEVELS : 0;
    }

    /// @dev Levels of a tree above its leaves.
    function _height(uint256 leaves) private pure returns (uint256 levels) {
        while (1 << levels < leaves) ++levels;
    }

    function _emitDescended(
        bytes32 task,
        Task storage state,
        uint256 number,
        Dispute storage dispute
    ) private {
        emit Descended(
            task,
            msg.sender,
            state.core.round,
            number,
            dispute.matter,
            dispute.level,
            dispute.index,
            dispute.evidence,
            dispute.deadline
        );
    }

    function _emitDemanded(bytes32 task, Task storage state, uint256 number, uint256 bonds)
        private
    {
        Dispute storage dispute = _dispute(state, number);
        emit Demanded(
            task,
            msg.sender,
            state.core.round,
            number,
            dispute.matter,
            dispute.position,
            dispute.index,
            bonds,
            dispute.deadline
        );
    }
}
