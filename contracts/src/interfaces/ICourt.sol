// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Matter, Opening, Roots, Stage} from "./Disputes.sol";
import {IProtocol} from "./IProtocol.sol";

/// @title The court: a wrong result is challenged, and punished, whoever voted for it
/// @notice Conforms bit for bit to the executable specification (`docs/protocol/court.md`). Called
/// at the address of a federation, whose code the court is. Disputes are numbered from 1 in each
/// round; a deadline says when the next move is late, in ledger time (seconds).
interface ICourt is IProtocol {
    // ---------------------------------------------------------------------------------- events

    /// @notice Two counted updates are equal; the later one is not paid.
    event DuplicateFound(bytes32 indexed task, uint256 round, uint256 earlier, uint256 later);

    /// @notice A member opened a `Missing`; its bond is locked until the round settles.
    event MissingRevealed(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 attempt,
        uint256 slot,
        uint256 position,
        uint256 chunk,
        bytes32 receipt,
        bytes32 salt
    );

    /// @notice A column was filed against the claimed model or state.
    event Challenged(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 number,
        Matter matter,
        uint256 coordinate,
        bytes column,
        uint256 deadline
    );

    /// @notice The entry at a cohort position was not what its participant committed to.
    event Refuted(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 number,
        uint256 position
    );

    /// @notice A challenger asks for what is below a node of the claimed model or state: at level 0
    /// for the chunk itself.
    event Descended(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 number,
        Matter matter,
        uint256 level,
        uint256 index,
        bytes32 node,
        uint256 deadline
    );

    /// @notice Somebody posted the hashes below a descent's node.
    event Unfolded(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 number,
        bytes32[] hashes,
        uint256 deadline
    );

    /// @notice A chunk of a counted update is due; `bonds` is how many of the task's are locked.
    event Demanded(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 number,
        Matter matter,
        uint256 position,
        uint256 chunk,
        uint256 bonds,
        uint256 deadline
    );

    /// @notice Somebody posted the chunk that was due; `deadline` is 0 where that ends the dispute.
    event Supplied(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 number,
        bytes chunk,
        uint256 deadline
    );

    /// @notice The side that had to move was silent.
    event Decided(bytes32 indexed task, uint256 round, uint256 number, Stage standing);

    /// @notice An answer moved the end of the challenge window.
    event WindowExtended(
        bytes32 indexed task, uint256 round, uint256 attempt, uint256 deadline
    );

    // ---------------------------------------------------------------------------------- errors

    /// @notice The updates differ, or the first named is not the earlier one.
    error NotDuplicate();
    /// @notice The duplicate was found before.
    error AlreadyDuplicate();
    /// @notice The model has no such chunk.
    error ChunkOutOfRange();
    /// @notice Updates are for the committee alone, and the account was not drawn this round.
    error NotAdmitted();
    /// @notice The challenge window is over.
    error WindowClosed();
    /// @notice Somebody demanded this chunk in this attempt before.
    error AlreadyDemanded();
    /// @notice What arrived does not cover the bonds that are due.
    error BondTooLow();
    /// @notice The round has no room for another dispute.
    error DocketFull();
    /// @notice The claim, or the dispute, is not about this.
    error UnknownMatter();
    /// @notice What is claimed has no such coordinate, or the chunk that was served does not.
    error CoordinateOutOfRange();
    /// @notice Not the chunk that was asked for, or no path from it to the root.
    error WrongOpening();
    /// @notice The column has not an entry for each counted update, or is not the one filed.
    error WrongColumn();
    /// @notice Not the hashes below the node, or not those posted.
    error WrongNodes();
    /// @notice The column gives what is claimed, or the entry is what was committed to.
    error NothingWrong();
    /// @notice The round has no dispute of this number.
    error UnknownDispute();
    /// @notice The dispute is decided, or its attempt has ended.
    error DisputeClosed();
    /// @notice The move is the challenger's.
    error NotChallenger();
    /// @notice The dispute waits for another move.
    error WrongTurn();
    /// @notice The move is late.
    error MoveClosed();

    // --------------------------------------------------------------------------------- actions

    /// @notice Point out two counted updates of equal root; the later one loses its pay.
    /// @param earlier Cohort position of the update committed first.
    /// @param later Cohort position of the other.
    function duplicate(bytes32 task, uint256 earlier, uint256 later) external;

    /// @notice Open a `Missing`: it demands the chunk, with a bond from the member's stake.
    /// @param position Cohort position of a counted update.
    /// @param chunk Index of the chunk the member was not served.
    function revealMissing(
        bytes32 task,
        uint256 position,
        uint256 chunk,
        bytes32 receipt,
        bytes32 salt
    ) external;

    /// @notice Say that the claim is wrong at one coordinate, and show why.
    /// @param number 0 for a new dispute, or that of the sender's descent whose chunk was served.
    /// @param matter 1, the model, or 2, the optimiser's state.
    /// @param openings Of the model the old and the claimed one, and where the server's optimiser
    /// moves the coordinate the old state; of the state the old and the claimed one.
    /// @param column The counted updates' entries, int32 little-endian, in cohort order.
    /// @param bond Stake tokens to pull for a new dispute; what arrives beyond the bond becomes
    /// withdrawable.
    function challenge(
        bytes32 task,
        uint256 number,
        uint256 matter,
        uint256 coordinate,
        Roots calldata roots,
        Opening[] calldata openings,
        bytes calldata column,
        uint256 bond
    ) external;

    /// @notice Open the entry of a filed column that its participant did not commit to. Anyone may.
    /// @param position Cohort position of the participant.
    /// @param column The column that was filed.
    function refute(
        bytes32 task,
        uint256 number,
        uint256 position,
        bytes calldata column,
        Opening calldata opening
    ) external;

    /// @notice Say that bytes of the claimed model (`matter` 1) or state (2) are not served.
    /// @param bond As in `challenge`.
    function descend(bytes32 task, uint256 matter, Roots calldata roots, uint256 bond) external;

    /// @notice Post the hashes six levels below a descent's node, or at the leaves. Anyone may.
    function unfold(bytes32 task, uint256 number, bytes32[] calldata hashes) external;

    /// @notice Choose where a descent goes on.
    /// @param child Index in `hashes`, which are those posted last.
    function pick(bytes32 task, uint256 number, uint256 child, bytes32[] calldata hashes)
        external;

    /// @notice Say that a chunk of a counted update is not served. The n-th demand on an update in
    /// an attempt locks n bonds.
    /// @param position Cohort position of the update's participant.
    /// @param bond As in `challenge`.
    function demand(bytes32 task, uint256 position, uint256 chunk, uint256 bond) external;

    /// @notice Post the chunk that is due. Anyone may.
    /// @param opening With its path for a demand, with an empty one at the end of a descent.
    function supply(bytes32 task, uint256 number, Opening calldata opening) external;

    /// @notice Decide a dispute on which the side that had to move was silent. Anyone may.
    function decide(bytes32 task, uint256 number) external;
}
