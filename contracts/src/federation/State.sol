// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Matter, Stage} from "../interfaces/Disputes.sol";
import {IProtocol} from "../interfaces/IProtocol.sol";
import {OptimiserKind, Phase} from "../interfaces/Terms.sol";
import {Permutation} from "../libraries/Permutation.sol";
import {Words} from "../libraries/Words.sol";

/// @title What a federation stores
/// @notice The federation and the court, which is code of it, inherit this one layout. A task's
/// slots, in order; one row is one slot of 32 bytes, leftmost field lowest:
///
///   core        phase 1 | attempt 1 | aborts 1 | round 2 | deadline 5 | participants 3 |
///               aggregators 3 | committed 2 | rounds 2 | minimum 2 | goal 2 | committee 1 |
///               weightCap 2 | visibility 1 | disputes 2 | open 2
///   keys        seed / cohortKey / committeeKey: a slot each
///   current     revealed / salts / counted / owed / duplicates / named / dropped / claim: a slot
///               each, zero at the start of a round
///   attempts    held 4 | committed 4 | opened 4 | missing 4 | silent 4 | agreed 4 | first 2 |
///               overturned 2: a slot for each of two attempts, zero at the start of a round;
///               one bit per committee slot
///   settlement  step 2 | samples 3 | pool 13 | bonus 13 | progress 1
///   money       escrow 12 | dust 12 / burned 16 | burnedStake 16
///   model       coordinates 5 | trainable 5 | fractionBits 1 | chunkLog2 1 | rule 1 |
///               trimNumerator 2 | trimDenominator 2 | optimiser 1 | meanDivisor 3 |
///               squareDivisor 3 | rate 4 | floor 4
///   durations   eight of 4
///   economics   amounts of 12, by who reads them together: six slots
///   identity    sponsor 20 | registered participants 3 | registered aggregators 3
///               document / modelRoot / stateRoot / nonces: a slot each
///   samples     sixteen of 2 to a slot, by cohort position: 16 slots
///   bitmaps     by committee slot: 31 slots
///   words       by committee slot: 31 slots
///   maps        accounts by role and index, seats by account, disputes by round and number,
///               demands by round, attempt, cohort position and page (of page 0 their number, of
///               others a bit for each chunk), and, by round and attempt, when the challenge window
///               ended before answers moved its end
///
/// a seat's two:
///
///   seat        stake 12 | credit 12 | standing 1 | index 3 | committedRound 2 | sequence 1 |
///               position 1
///   word        nonce hash, then commitment, then update root
///
/// and a dispute's three, of which a challenge at first takes two:
///
///   dispute     opener 20 | deadline 5 | index 5 | stage 1 | matter 1
///   evidence    SHA-256 of the column or of the posted hashes, or a node of a tree
///   answer      answerer 20 | level 1 | position 1 | more 2
///
/// Samples, bitmaps and words are never cleared: from the second round on a write is a rewrite, and
/// `revealed`, `held` and `committed` say which are of this round and attempt. Fields of the terms
/// are as wide as the bounds that `Bounds` enforces.
abstract contract State is IProtocol {
    uint256 internal constant PARTICIPANT = 1;
    uint256 internal constant AGGREGATOR = 2;
    uint256 internal constant MODEL_TREE = 1;
    uint256 internal constant STATE_TREE = 3;
    uint256 internal constant ELEMENT_BYTES = 4;
    uint256 internal constant MOMENT_BYTES = 8;
    uint256 internal constant MAX_ATTEMPTS = 2;
    uint256 internal constant MAX_COMMITTEE = 31;
    uint256 internal constant SAMPLES_PER_SLOT = 16;
    uint256 internal constant SAMPLES_BITS = 16;
    uint256 internal constant SAMPLES_SLOTS = 16;
    uint256 internal constant NUMBER_BITS = 16;

    /// @dev `disputes` are the round's; `open` those of the running attempt that wait for a move.
    struct Core {
        Phase phase;
        uint8 attempt;
        uint8 aborts;
        uint16 round;
        uint40 deadline;
        uint24 participants;
        uint24 aggregators;
        uint16 committed;
        uint16 rounds;
        uint16 minimum;
        uint16 goal;
        uint8 committee;
        uint16 weightCap;
        uint8 visibility;
        uint16 disputes;
        uint16 open;
    }

    struct Keys {
        bytes32 seed;
        bytes32 cohort;
        bytes32 committee;
    }

    /// @dev One bit per cohort position. `counted` belongs to the running attempt; `owed` is the
    /// last counted set that reached the minimum, whose members are paid; `named` are updates an
    /// opened `Missing` named; `dropped` are updates the court found withheld.
    struct Current {
        uint256 revealed;
        bytes32 salts;
        uint256 counted;
        uint256 owed;
        uint256 duplicates;
        uint256 named;
        uint256 dropped;
        bytes32 claim;
    }

    /// @dev `first` is how many disputes the round had before; `overturned` is the number of the
    /// dispute that overturned the claim, 0 if none did.
    struct Attempt {
        uint32 held;
        uint32 committed;
        uint32 opened;
        uint32 missing;
        uint32 silent;
        uint32 agreed;
        uint16 first;
        uint16 overturned;
    }

    /// @dev Whether pages of a settlement are under way, or the running attempt is void: an update
    /// in it was found withheld, so that it cannot settle.
    enum Progress {
        Idle,
        Running,
        Barred
    }

    /// @dev `samples` of all that are owed; `pool` is what non-committers lost, then what of it is
    /// still to be shared, `bonus` each.
    struct Settlement {
        uint16 step;
        uint24 samples;
        uint104 pool;
        uint104 bonus;
        Progress progress;
    }

    /// @dev Escrow, dust and burned are in the reward token, burnedStake in the stake token.
    struct Money {
        uint96 escrow;
        uint96 dust;
        uint128 burned;
        uint128 burnedStake;
    }

    struct Shape {
        uint40 coordinates;
        uint40 trainable;
        uint8 fractionBits;
        uint8 chunkLog2;
        uint8 rule;
        uint16 trimNumerator;
        uint16 trimDenominator;
        OptimiserKind optimiser;
        uint24 meanDivisor;
        uint24 squareDivisor;
        uint32 rate;
        uint32 floor;
    }

    struct Durations {
        uint32 registerS;
        uint32 openS;
        uint32 commitS;
        uint32 revealS;
        uint32 holdS;
        uint32 verdictCommitS;
        uint32 verdictRevealS;
        uint32 challengeS;
    }

    struct Amounts {
        address rewardToken;
        uint96 roundReward;
        uint96 committeeFee;
        uint96 slashNonce;
        uint96 slashCommit;
        uint96 slashReveal;
        uint96 slashSilent;
        uint96 slashOverturned;
        uint96 courtBond;
        uint96 slashWithheld;
        uint96 participantStake;
        uint96 aggregatorStake;
    }

    struct Identity {
        address sponsor;
        uint24 participants;
        uint24 aggregators;
        bytes32 document;
        bytes32 modelRoot;
        bytes32 stateRoot;
        bytes32 nonces;
    }

    /// @dev A seat's role, and whether its nonce was opened; only opened seats can be drawn.
    enum Standing {
        None,
        Participant,
        Aggregator,
        OpenedParticipant,
        OpenedAggregator
    }

    /// @dev `word` is the nonce hash until opened, then the latest commitment and, once revealed,
    /// the update's tree root. It is never cleared, so that a commit is a rewrite.
    struct Seat {
        uint96 stake;
        uint96 credit;
        Standing standing;
        uint24 index;
        uint16 committedRound;
        uint8 sequence;
        uint8 position;
        bytes32 word;
    }

    /// @dev `index` is that of a coordinate once a column is filed, before that of a node at
    /// `level`, or of a chunk. `answerer` moved last against the opener. `position` is a demand's;
    /// `more` is how many bonds beyond one the opener locked, so that a plain dispute leaves the
    /// slot alone.
    struct Dispute {
        address opener;
        uint40 deadline;
        uint40 index;
        Stage stage;
        Matter matter;
        bytes32 evidence;
        address answerer;
        uint8 level;
        uint8 position;
        uint16 more;
    }

    struct Task {
        Core core;
        Keys keys;
        Current current;
        Attempt[MAX_ATTEMPTS] attempts;
        Settlement settlement;
        Money money;
        Shape shape;
        Durations durations;
        Amounts amounts;
        Identity identity;
        uint256[SAMPLES_SLOTS] samples;
        uint256[MAX_COMMITTEE] bitmaps;
        bytes32[MAX_COMMITTEE] words;
        mapping(uint256 role => mapping(uint256 index => address)) accounts;
        mapping(address account => Seat) seats;
        mapping(uint256 place => Dispute) disputes;
        mapping(uint256 place => uint256) demands;
        mapping(uint256 place => uint256) windows;
    }

    mapping(bytes32 task => Task) internal tasks;

    /// @dev The task, which exists.
    function _task(bytes32 task) internal view returns (Task storage state) {
        state = tasks[task];
        if (state.core.phase == Phase.None) revert UnknownTask();
    }

    /// @dev `min(goal, opened participants)`.
    function _cohort(Core storage core) internal view returns (uint256) {
        return core.goal < core.participants ? core.goal : core.participants;
    }

    /// @dev The account at a cohort position.
    function _participantAt(Task storage state, uint256 position)
        internal
        view
        returns (address)
    {
        uint256 index =
            Permutation.permute(state.keys.cohort, state.core.participants, position);
        return state.accounts[PARTICIPANT][index];
    }

    /// @dev The account on a committee's slot; `attempt` counts from 1.
    function _memberAt(Task storage state, uint256 attempt, uint256 slot)
        internal
        view
        returns (address)
    {
        uint256 position = (attempt - 1) * state.core.committee + slot;
        uint256 index =
            Permutation.permute(state.keys.committee, state.core.aggregators, position);
        return state.accounts[AGGREGATOR][index];
    }

    /// @dev The header of the model's tree root by the shape the terms give it.
    function _modelHeader(Shape memory shape, bytes32 root) internal pure returns (bytes32) {
        return Words.header(
            MODEL_TREE, ELEMENT_BYTES, shape.coordinates, _leaves(shape), root
        );
    }

    /// @dev The header of the optimiser state's tree root; zero where the plain step keeps none.
    function _stateHeader(Shape memory shape, bytes32 root) internal pure returns (bytes32) {
        if (shape.optimiser == OptimiserKind.Plain) return 0;
        uint256 element = _momentBytes(shape);
        uint256 leaves = _chunks(shape.trainable * element, shape);
        return Words.header(STATE_TREE, element, shape.trainable, leaves, root);
    }

    /// @dev Bytes of the optimiser's state for each trainable coordinate: M, or M and V.
    function _momentBytes(Shape memory shape) internal pure returns (uint256) {
        return shape.optimiser == OptimiserKind.Momentum ? MOMENT_BYTES : 2 * MOMENT_BYTES;
    }

    /// @dev The most an aggregator can lose in one round.
    function _aggregatorRoundStake(Amounts storage amounts) internal view returns (uint256) {
        uint256 silent = amounts.slashSilent;
        uint256 overturned = amounts.slashOverturned;
        return silent > overturned ? silent : overturned;
    }

    /// @dev Chunks of a model or an update.
    function _leaves(Shape memory shape) internal pure returns (uint256) {
        return _chunks(shape.coordinates * ELEMENT_BYTES, shape);
    }

    /// @dev Where the round's dispute of this number lies.
    function _dispute(Task storage state, uint256 number)
        internal
        view
        returns (Dispute storage)
    {
        return state.disputes[uint256(state.core.round) << NUMBER_BITS | number];
    }

    /// @dev Chunks of `size` bytes, the last one short.
    function _chunks(uint256 size, Shape memory shape) private pure returns (uint256) {
        return size + (1 << shape.chunkLog2) - 1 >> shape.chunkLog2;
    }
}
