// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Where a task stands; from `Commit` to `Aborted` it is inside a round.
enum Phase {
    None,
    Register,
    Open,
    Commit,
    Reveal,
    Hold,
    VerdictCommit,
    VerdictReveal,
    Challenge,
    Aborted,
    Done,
    Ended
}

/// @notice Why an attempt failed, a round or task was aborted, or a seat slashed.
enum Cause {
    None,
    TooFewCommits,
    TooFewCounted,
    NoQuorum,
    PoolExhausted,
    TooFewSeats,
    TwoAborts,
    NoCommit,
    NoReveal,
    Silent,
    NoNonce,
    Withheld,
    Overturned,
    Dismissed
}

/// @notice How the server moves the model: by the aggregate alone, or by moments of it. The order
/// says who needs a floor (from `Adagrad` on) and a divisor of squares (from `Adam` on).
enum OptimiserKind {
    Plain,
    Momentum,
    Adagrad,
    Adam,
    Yogi
}

/// @notice Shape of what is learned and how it is combined.
/// @dev Every field of the terms is a full word, so that a value out of bounds reaches its typed
/// check and not the decoder. Storage packs them (`State`). `coordinates` int32 values, the first
/// `trainable` of them trained; chunks of `2**chunkLog2` bytes; `trim*` is the trimmed mean's exact
/// ratio. The constants of the server's optimiser stand here because the court computes its step:
/// `optimiser` is an `OptimiserKind`, a decay is `1 - 1/divisor`, `rate` and `floor` are in units
/// of 2**-24, and what an optimiser has no use for is zero.
struct Model {
    uint256 coordinates;
    uint256 trainable;
    uint256 fractionBits;
    uint256 chunkLog2;
    uint256 rule;
    uint256 trimNumerator;
    uint256 trimDenominator;
    uint256 optimiser;
    uint256 meanDivisor;
    uint256 squareDivisor;
    uint256 rate;
    uint256 floor;
}

/// @notice Durations of the phases in seconds; a phase's deadline counts from its start.
struct Schedule {
    uint256 rounds;
    uint256 registerS;
    uint256 openS;
    uint256 commitS;
    uint256 revealS;
    uint256 holdS;
    uint256 verdictCommitS;
    uint256 verdictRevealS;
    uint256 challengeS;
}

/// @notice Cohort sizes, seats of a committee, the cap on a participant's weight, who may read
/// updates (0 anyone, 1 the committee).
struct Cohort {
    uint256 minimum;
    uint256 goal;
    uint256 committee;
    uint256 weightCap;
    uint256 visibility;
}

/// @notice Money, in the token's own unit. Reward and fee are per round, in `rewardToken`; stakes,
/// bonds and slashes are in the deployment's stake token.
struct Economics {
    address rewardToken;
    uint256 roundReward;
    uint256 committeeFee;
    uint256 participantStake;
    uint256 aggregatorStake;
    uint256 courtBond;
    uint256 slashNonce;
    uint256 slashCommit;
    uint256 slashReveal;
    uint256 slashWithheld;
    uint256 slashSilent;
    uint256 slashOverturned;
}

/// @notice What the contract must know of a task.
struct Terms {
    Model model;
    Schedule schedule;
    Cohort cohort;
    Economics economics;
}
