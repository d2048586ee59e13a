// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cause, Phase, Terms} from "./Terms.sol";

/// @title What a federation and its court say: events, and errors
/// @notice All are the federation's, since the court is code of it; what only the court says is in
/// `ICourt`.
interface IProtocol {
    // ---------------------------------------------------------------------------------- events

    /// @notice A task exists; roots are headers of the initial model and optimiser state.
    event TaskPublished(
        bytes32 indexed task,
        address indexed sponsor,
        bytes32 document,
        Terms terms,
        bytes32 modelRoot,
        bytes32 stateRoot,
        uint256 deposit
    );

    /// @notice A seat was taken.
    event Registered(
        bytes32 indexed task,
        address indexed account,
        uint8 role,
        bytes32 nonceHash,
        uint256 stake
    );

    /// @notice A seat opened its nonce and got its index.
    event Opened(
        bytes32 indexed task, address indexed account, uint8 role, uint256 index, bytes32 nonce
    );

    /// @notice A phase began; `deadline` is ledger time in seconds.
    event PhaseStarted(
        bytes32 indexed task, uint256 round, uint256 attempt, Phase phase, uint256 deadline
    );

    /// @notice A round's cohort: the first `size` positions of the permutation under this seed.
    event CohortDrawn(bytes32 indexed task, uint256 round, bytes32 seed, uint256 size);

    /// @notice A participant committed; the order of these events is the order of commitments.
    event Committed(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 position,
        bytes32 commitment
    );

    /// @notice A participant opened its commitment.
    event Revealed(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 position,
        bytes32 root,
        uint256 samples,
        bytes32 receipt,
        bytes32 salt
    );

    /// @notice A round's committees: attempt a takes positions (a-1)c to ac-1 under this key.
    event CommitteeDrawn(bytes32 indexed task, uint256 round, bytes32 key);

    /// @notice A member's bitmap.
    event Held(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 attempt,
        uint256 slot,
        uint256 bitmap
    );

    /// @notice The counted set was fixed.
    event Counted(bytes32 indexed task, uint256 round, uint256 attempt, uint256 bitmap);

    /// @notice An attempt ended without a claim.
    event AttemptFailed(bytes32 indexed task, uint256 round, uint256 attempt, Cause cause);

    /// @notice A member committed to a verdict.
    event VerdictCommitted(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 attempt,
        uint256 slot,
        bytes32 commitment
    );

    /// @notice A member opened a verdict; roots are tree roots as posted.
    event VerdictRevealed(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 attempt,
        uint256 slot,
        bytes32 weightsRoot,
        bytes32 modelRoot,
        bytes32 stateRoot,
        bytes32 receipt,
        bytes32 salt
    );

    /// @notice A quorum of equal verdicts.
    event Claimed(bytes32 indexed task, uint256 round, uint256 attempt, bytes32 claim);

    /// @notice A round ended without a claim.
    event RoundAborted(bytes32 indexed task, uint256 round, Cause cause);

    /// @notice A seat lost `amount` of its stake.
    event Slashed(
        bytes32 indexed task, address indexed account, uint256 round, uint256 amount, Cause cause
    );

    /// @notice A participant's reward (reward token) and its share of slashes (stake token).
    event Paid(
        bytes32 indexed task, address indexed account, uint256 round, uint256 reward, uint256 bonus
    );

    /// @notice A member's share of the committee fee.
    event FeePaid(bytes32 indexed task, address indexed account, uint256 round, uint256 amount);

    /// @notice A round's claim became the task's model; roots are headers.
    event RoundSettled(
        bytes32 indexed task, uint256 round, bytes32 modelRoot, bytes32 stateRoot
    );

    /// @notice Metrics the sponsor reports of a round's model; round 0 is the initial model.
    event Reported(bytes32 indexed task, uint256 round, bytes metrics);

    /// @notice The task is over: `phase` is Done or Ended, `refund` went back to the sponsor.
    event TaskEnded(bytes32 indexed task, Phase phase, uint256 refund, Cause cause);

    /// @notice A seat's stake and earnings left the task: to the account or, where a token refused,
    /// to what it may withdraw.
    event SeatClaimed(
        bytes32 indexed task, address indexed account, uint256 stake, uint256 credit
    );
    /// @notice At settlement: an opener's bond that returned, and what an account earned in court,
    /// in the stake token. `number` is the dispute's.
    event CourtPaid(
        bytes32 indexed task,
        address indexed account,
        uint256 round,
        uint256 number,
        uint256 returned,
        uint256 earned
    );

    // ---------------------------------------------------------------------------------- errors

    /// @notice No such task.
    error UnknownTask();
    /// @notice The sponsor published this document before.
    error TaskExists();
    /// @notice A field of the terms is out of bounds; `field` is its name in ASCII.
    error InvalidTerms(bytes32 field);
    /// @notice The deposit that arrived does not cover every round's reward and fee.
    error Underfunded();
    /// @notice More arrived than 2**96 - 1 units.
    error AmountTooLarge();
    /// @notice The task is not in a phase that takes this action.
    error WrongPhase();
    /// @notice The deadline lies ahead.
    error NotYet();
    /// @notice Registration is past its deadline.
    error RegistrationClosed();
    /// @notice Opening nonces is past its deadline.
    error OpeningClosed();
    /// @notice Committing is past its deadline.
    error CommitClosed();
    /// @notice Revealing is past its deadline.
    error RevealClosed();
    /// @notice Posting bitmaps is past its deadline.
    error HoldClosed();
    /// @notice Committing verdicts is past its deadline.
    error VerdictCommitClosed();
    /// @notice Opening verdicts is past its deadline.
    error VerdictRevealClosed();
    /// @notice A role is 1, participant, or 2, aggregator.
    error UnknownRole();
    /// @notice The account has a seat in this task.
    error AlreadyRegistered();
    /// @notice The role has 2**24 - 1 seats.
    error RoleFull();
    /// @notice The stake that arrived is below the task's minimum for the role.
    error StakeTooLow();
    /// @notice The account has no seat in this task.
    error NotRegistered();
    /// @notice The seat opened its nonce before.
    error AlreadyOpened();
    /// @notice The nonce is not the one the seat registered with.
    error NonceMismatch();
    /// @notice A commitment is never zero.
    error ZeroCommitment();
    /// @notice The account was not drawn this round.
    error NotInCohort();
    /// @notice The account committed before.
    error AlreadyCommitted();
    /// @notice The account did not commit.
    error NotCommitted();
    /// @notice The account revealed before.
    error AlreadyRevealed();
    /// @notice Samples lie between 1 and the task's cap.
    error SamplesOutOfRange();
    /// @notice What was opened is not what was committed.
    error CommitmentMismatch();
    /// @notice A verdict has a model root, a state root exactly where the task has an optimiser,
    /// and no weights root, since no rule gives weights.
    error WrongRoots();
    /// @notice The account is not on the running committee.
    error NotInCommittee();
    /// @notice The stake left does not cover a round.
    error SeatEmpty();
    /// @notice The member posted its bitmap before.
    error AlreadyHeld();
    /// @notice The bitmap names a position that did not reveal.
    error NotRevealed();
    /// @notice The member posted no bitmap.
    error NoBitmap();
    /// @notice The update is not counted.
    error NotCounted();
    /// @notice The roots are not the ones the quorum claimed.
    error WrongClaim();
    /// @notice A dispute waits for a move.
    error DisputeOpen();
    /// @notice A page of settlement has at least one step.
    error EmptyPage();
    /// @notice Only the task's sponsor reports.
    error NotSponsor();
    /// @notice The round has not begun.
    error UnknownRound();
    /// @notice A report has at most 1,024 bytes.
    error ReportTooLong();
    /// @notice The account has no seat, or its seat holds nothing.
    error NothingToClaim();
}
