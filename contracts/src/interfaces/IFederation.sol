// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVault} from "./IVault.sol";
import {Cause, Phase, Terms} from "./Terms.sol";

/// @title Tasks, from publication to payment
/// @notice Conforms bit for bit to the executable specification (`src/sheaf/protocol`). There is no
/// owner and no upgrade; only time and the accounts named below move a task.
interface IFederation {
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

    /// @notice A quorum of equal verdicts.
    event Claimed(bytes32 indexed task, uint256 round, uint256 attempt, bytes32 claim);

    /// @notice A round ended without a claim.
    event RoundAborted(bytes32 indexed task, uint256 round, Cause cause);

    /// @notice Two counted updates are equal; the later one is not paid.
    event DuplicateFound(bytes32 indexed task, uint256 round, uint256 earlier, uint256 later);

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
    /// @notice The model has no such chunk.
    error ChunkOutOfRange();
    /// @notice The updates differ, or the first named is not the earlier one.
    error NotDuplicate();
    /// @notice The duplicate was found before.
    error AlreadyDuplicate();
    /// @notice The roots are not the ones the quorum claimed.
    error WrongClaim();
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

    // --------------------------------------------------------------------------------- actions

    /// @notice Publish and fund a task. What arrives beyond the escrow returns at the task's end.
    /// @param document SHA-256 of the task document.
    /// @param modelRoot Tree root of the initial model.
    /// @param stateRoot Tree root of the initial optimiser state; zero exactly where the terms have
    /// no optimiser.
    /// @param deposit Reward tokens to pull from the sponsor.
    function publish(
        Terms calldata terms,
        bytes32 document,
        bytes32 modelRoot,
        bytes32 stateRoot,
        uint256 deposit
    ) external;

    /// @notice Take a seat with a stake and a hidden nonce.
    /// @param role 1 participant, 2 aggregator.
    /// @param stake Stake tokens to pull from the account.
    function register(bytes32 task, uint256 role, bytes32 nonceHash, uint256 stake) external;

    /// @notice Open the nonce the seat was registered with.
    function open(bytes32 task, bytes32 nonce) external;

    /// @notice Close the phase whose deadline has passed. Anyone may.
    function advance(bytes32 task) external;

    /// @notice A drawn participant commits to its update.
    function commit(bytes32 task, bytes32 commitment) external;

    /// @notice Open the commitment.
    /// @param root Tree root of the update.
    /// @param samples Samples behind the update.
    /// @param receipt Id of the participant's receipt.
    function reveal(bytes32 task, bytes32 root, uint256 samples, bytes32 receipt, bytes32 salt)
        external;

    /// @notice A drawn member says which revealed updates it holds and can decode.
    /// @param bitmap One bit per cohort position.
    function hold(bytes32 task, uint256 bitmap) external;

    /// @notice A member commits to a verdict or to a `Missing`.
    function commitVerdict(bytes32 task, bytes32 commitment) external;

    /// @notice Open a verdict over the counted set; roots are tree roots, zero for none.
    function revealVerdict(
        bytes32 task,
        bytes32 weightsRoot,
        bytes32 modelRoot,
        bytes32 stateRoot,
        bytes32 receipt,
        bytes32 salt
    ) external;

    /// @notice Open a `Missing`: it locks the demand's bond from the member's stake.
    /// @param position Cohort position of a counted update.
    /// @param chunk Index of the chunk the member was not served.
    function revealMissing(
        bytes32 task,
        uint256 position,
        uint256 chunk,
        bytes32 receipt,
        bytes32 salt
    ) external;

    /// @notice Point out two counted updates of equal root; the later one loses its pay.
    /// @param earlier Cohort position of the update committed first.
    /// @param later Cohort position of the other.
    function duplicate(bytes32 task, uint256 earlier, uint256 later) external;

    /// @notice Move the round's money: one page of two sweeps over the cohort, first those who did
    /// not reveal, then those who did. The last page settles the committee and starts what is next.
    /// @param steps Cohort positions to visit.
    /// @param weightsRoot This and the other roots are the claim's headers, checked on the first
    /// page of a claimed round.
    function settle(
        bytes32 task,
        uint256 steps,
        bytes32 weightsRoot,
        bytes32 modelRoot,
        bytes32 stateRoot
    ) external;

    /// @notice The sponsor reports metrics of a round's model.
    /// @param metrics A dag-cbor map of integers.
    function report(bytes32 task, uint256 round, bytes calldata metrics) external;

    /// @notice After the task's end, pay out the seat's stake and earnings; what a token refuses to
    /// deliver becomes withdrawable.
    function claim(bytes32 task) external;

    // ----------------------------------------------------------------------------------- views

    /// @notice The token of all stakes, bonds and slashes.
    function stakeToken() external view returns (address);

    /// @notice Where all tokens lie.
    function vault() external view returns (IVault);
}
