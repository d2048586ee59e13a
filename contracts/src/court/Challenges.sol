// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Matter, Opening, Roots, Stage} from "../interfaces/Disputes.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {OptimiserKind} from "../interfaces/Terms.sol";
import {Arithmetic} from "../libraries/Arithmetic.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Bounds} from "../libraries/Bounds.sol";
import {Columns} from "../libraries/Columns.sol";
import {Openings} from "../libraries/Openings.sol";
import {ServerStep} from "../libraries/ServerStep.sol";
import {Docket} from "./Docket.sol";

/// @title Challenges of a wrong claim: one coordinate, decided by one column
/// @notice Conforms to `sheaf.protocol.dispute`. A claim is compared as it was committed to, to the
/// bit; what was there before, and a column's entries, are read as lattice integers.
abstract contract Challenges is Docket {
    using Arithmetic for int256;
    using Bitmap for uint256;
    using Openings for Openings.Array;
    using Openings for bytes32;

    uint256 private constant WEIGHTED_MEAN = 0;

    /// @inheritdoc ICourt
    function challenge(
        bytes32 task,
        uint256 number,
        uint256 matter,
        uint256 coordinate,
        Roots calldata roots,
        Opening[] calldata openings,
        bytes calldata column,
        uint256 bond
    ) external nonReentrant {
        Task storage state = _task(task);
        if (number == 0) _expectWindow(state);
        else _expectServed(state, number, matter);
        Shape memory shape = state.shape;
        _expectClaim(task, state, shape, matter, roots);
        _expectInside(state, _arrayOf(shape, Matter(matter)), number, coordinate);
        _expectOld(state, shape, roots);
        uint256 count = state.current.counted.count();
        if (column.length != ELEMENT_BYTES * count) revert WrongColumn();
        int256 aggregate = _aggregate(state, shape, column, count);
        if (_isTrue(shape, Matter(matter), coordinate, roots, openings, aggregate)) {
            revert NothingWrong();
        }
        _file(task, state, number, Matter(matter), coordinate, column, bond);
    }

    /// @inheritdoc ICourt
    function refute(
        bytes32 task,
        uint256 number,
        uint256 position,
        bytes calldata column,
        Opening calldata opening
    ) external {
        Task storage state = _task(task);
        Dispute storage dispute = _live(state, number);
        _expectMove(dispute, Stage.Filed);
        if (sha256(column) != dispute.evidence) revert WrongColumn();
        int256 entry = _committed(state, dispute, position, opening);
        uint256 rank = (state.current.counted & (1 << position) - 1).count();
        if (entry == Columns.entryAt(column, rank)) revert NothingWrong();
        _close(state, dispute, Stage.Dismissed);
        dispute.answerer = msg.sender;
        emit Refuted(task, msg.sender, state.core.round, number, position);
    }

    /// @dev What the counted participant at `position` committed to at a dispute's coordinate.
    function _committed(
        Task storage state,
        Dispute storage dispute,
        uint256 position,
        Opening calldata opening
    ) private view returns (int256) {
        if (!state.current.counted.has(position)) revert NotCounted();
        bytes32 root = state.seats[_participantAt(state, position)].word;
        Openings.Array memory array = _arrayOf(state.shape, Matter.Update);
        return _opened(array, opening, dispute.index, root).int32Of().sat();
    }

    /// @dev A new dispute, or the sender's descent of which the chunk was served.
    function _file(
        bytes32 task,
        Task storage state,
        uint256 number,
        Matter matter,
        uint256 coordinate,
        bytes calldata column,
        uint256 bond
    ) private {
        bool fresh = number == 0;
        uint256 deadline = _moveDeadline(state);
        Dispute storage dispute;
        if (fresh) {
            (number, dispute) = _enter(state, matter, Stage.Filed, coordinate);
        } else {
            dispute = _dispute(state, number);
            dispute.deadline = uint40(deadline);
            dispute.index = uint40(coordinate);
            dispute.stage = Stage.Filed;
        }
        dispute.evidence = sha256(column);
        uint256 round = state.core.round;
        emit Challenged(task, msg.sender, round, number, matter, coordinate, column, deadline);
        if (fresh) _lock(state, bond, 1);
    }

    /// @dev The sender's descent, whose chunk was served, is of this matter.
    function _expectServed(Task storage state, uint256 number, uint256 matter) private view {
        Dispute storage dispute = _live(state, number);
        if (dispute.opener != msg.sender) revert NotChallenger();
        _expectMove(dispute, Stage.Served);
        if (uint256(dispute.matter) != matter) revert UnknownMatter();
    }

    /// @dev The array has the coordinate, and the chunk that was served, if one was.
    function _expectInside(
        Task storage state,
        Openings.Array memory array,
        uint256 number,
        uint256 coordinate
    ) private view {
        if (coordinate >= array.elements) revert CoordinateOutOfRange();
        if (number != 0 && array.chunkOf(coordinate) != _dispute(state, number).index) {
            revert CoordinateOutOfRange();
        }
    }

    /// @dev The old roots are those of the last settled round.
    function _expectOld(Task storage state, Shape memory shape, Roots calldata roots)
        private
        view
    {
        bool model = _modelHeader(shape, roots.oldModel) == state.identity.modelRoot;
        if (!model || _stateHeader(shape, roots.oldState) != state.identity.stateRoot) {
            revert WrongRoots();
        }
    }

    /// @dev What the task's rule makes of a column of the `count` counted updates.
    function _aggregate(
        Task storage state,
        Shape memory shape,
        bytes calldata column,
        uint256 count
    ) private view returns (int256) {
        if (shape.rule == WEIGHTED_MEAN) {
            return Columns.weightedMean(Columns.entriesOf(column), _weights(state, count));
        }
        if (shape.rule == Bounds.TRIMMED_MEAN) {
            uint256 trim = count * shape.trimNumerator / shape.trimDenominator;
            return Columns.middleMean(column, trim);
        }
        return Columns.middleMean(column, Columns.medianTrim(count));
    }

    /// @dev Samples of the counted updates, of which there are `count`, in cohort order.
    function _weights(Task storage state, uint256 count)
        private
        view
        returns (uint256[] memory weights)
    {
        weights = new uint256[](count);
        uint256 counted = state.current.counted;
        uint256 cursor;
        assembly ("memory-safe") {
            cursor := add(weights, 0x20)
        }
        for (uint256 slot = 0; counted != 0; ++slot) {
            uint256 lanes = state.samples[slot];
            // As many bits are set in all as the array has entries.
            assembly ("memory-safe") {
                for { let wanted := and(counted, 0xffff) } wanted { wanted := shr(1, wanted) } {
                    if and(wanted, 1) {
                        mstore(cursor, and(lanes, 0xffff))
                        cursor := add(cursor, 0x20)
                    }
                    lanes := shr(SAMPLES_BITS, lanes)
                }
            }
            counted >>= SAMPLES_PER_SLOT;
        }
    }

    /// @dev Whether an aggregate gives what is claimed.
    function _isTrue(
        Shape memory shape,
        Matter matter,
        uint256 coordinate,
        Roots calldata roots,
        Opening[] calldata openings,
        int256 aggregate
    ) private view returns (bool) {
        if (matter == Matter.State) {
            return _isNextState(shape, coordinate, roots, openings, aggregate);
        }
        ServerStep.Constants memory constants = _constants(shape);
        // Statistics are not trained: what was there, and the aggregate on top.
        if (coordinate >= shape.trainable) constants.kind = OptimiserKind.Plain;
        bool plain = constants.kind == OptimiserKind.Plain;
        if (openings.length != (plain ? 2 : 3)) revert WrongOpening();
        Openings.Array memory array = _arrayOf(shape, Matter.Model);
        int256 before = _opened(array, openings[0], coordinate, roots.oldModel).int32Of();
        int256 found = _opened(array, openings[1], coordinate, roots.model).int32Of();
        ServerStep.Place memory here = ServerStep.Place(before, 0, 0);
        if (!plain) {
            here = _openedMoments(shape, openings[2], coordinate, roots.oldState);
            here.value = before;
        }
        return ServerStep.step(constants, here, aggregate).value == found;
    }

    /// @dev Whether an aggregate gives the claimed moments.
    function _isNextState(
        Shape memory shape,
        uint256 coordinate,
        Roots calldata roots,
        Opening[] calldata openings,
        int256 aggregate
    ) private view returns (bool) {
        if (openings.length != 2) revert WrongOpening();
        ServerStep.Place memory moments =
            _openedMoments(shape, openings[0], coordinate, roots.oldState);
        ServerStep.Place memory claimed =
            _openedMoments(shape, openings[1], coordinate, roots.state);
        moments = ServerStep.step(_constants(shape), moments, aggregate);
        return moments.mean == claimed.mean && moments.square == claimed.square;
    }

    /// @dev A word that begins with the element at a coordinate under a root.
    function _opened(
        Openings.Array memory array,
        Opening calldata opening,
        uint256 coordinate,
        bytes32 root
    ) private view returns (bytes32 word) {
        bool proven;
        (proven, word) = array.element(opening, coordinate, root);
        if (!proven) revert WrongOpening();
    }

    /// @dev M and V at a coordinate of a committed state; V is 0 where none is kept.
    function _openedMoments(
        Shape memory shape,
        Opening calldata opening,
        uint256 coordinate,
        bytes32 root
    ) private view returns (ServerStep.Place memory here) {
        Openings.Array memory array = _arrayOf(shape, Matter.State);
        bytes32 word = _opened(array, opening, coordinate, root);
        here.mean = word.int64Of();
        if (array.elementBytes > MOMENT_BYTES) here.square = (word << 64).int64Of();
    }

    function _constants(Shape memory shape) private pure returns (ServerStep.Constants memory) {
        return ServerStep.Constants({
            kind: shape.optimiser,
            fractionBits: shape.fractionBits,
            meanDivisor: int256(uint256(shape.meanDivisor)),
            squareDivisor: int256(uint256(shape.squareDivisor)),
            rate: int256(uint256(shape.rate)),
            floor: int256(uint256(shape.floor))
        });
    }
}
