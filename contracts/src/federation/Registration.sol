// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFederation} from "../interfaces/IFederation.sol";
import {
    Cause,
    Economics,
    Model,
    OptimiserKind,
    Phase,
    Schedule,
    Terms
} from "../interfaces/Terms.sol";
import {Bounds} from "../libraries/Bounds.sol";
import {Guarded} from "../libraries/Guarded.sol";
import {Words} from "../libraries/Words.sol";
import {Rounds} from "./Rounds.sol";

/// @title Publication, registration and opening
/// @notice Conforms to `sheaf.protocol.registration`. How much a pull delivers is known only after
/// it, so the two functions that pull are guarded and change state afterwards.
abstract contract Registration is Rounds, Guarded {
    /// @inheritdoc IFederation
    /// @dev Until the pull returns there is no such task for any function that a token might call.
    // slither-disable-next-line reentrancy-no-eth
    function publish(
        Terms calldata terms,
        bytes32 document,
        bytes32 modelRoot,
        bytes32 stateRoot,
        uint256 deposit
    ) external nonReentrant {
        uint256 escrow = Bounds.check(terms);
        if (modelRoot == 0) revert InvalidTerms("model_root");
        if (stateRoot == 0 != (terms.model.optimiser == 0)) revert InvalidTerms("state_root");
        bytes32 task = Words.taskId(msg.sender, document);
        Task storage state = tasks[task];
        if (state.core.phase != Phase.None) revert TaskExists();
        uint256 received = vault.pull(terms.economics.rewardToken, msg.sender, deposit);
        if (received < escrow) revert Underfunded();
        if (received > Bounds.MAX_AMOUNT) revert AmountTooLarge();
        _storeTerms(state, terms);
        Shape memory shape = state.shape;
        bytes32 model = _modelHeader(shape, modelRoot);
        bytes32 moments = _stateHeader(shape, stateRoot);
        state.money.escrow = uint96(received);
        state.identity.sponsor = msg.sender;
        state.identity.document = document;
        state.identity.modelRoot = model;
        state.identity.stateRoot = moments;
        emit TaskPublished(task, msg.sender, document, terms, model, moments, received);
        _start(task, state.core, Phase.Register, terms.schedule.registerS);
    }

    /// @inheritdoc IFederation
    function register(bytes32 task, uint256 role, bytes32 nonceHash, uint256 stake)
        external
        nonReentrant
    {
        Task storage state = _task(task);
        if (state.core.phase != Phase.Register) revert WrongPhase();
        if (block.timestamp >= state.core.deadline) revert RegistrationClosed();
        if (role != PARTICIPANT && role != AGGREGATOR) revert UnknownRole();
        Seat storage seat = state.seats[msg.sender];
        if (seat.standing != Standing.None) revert AlreadyRegistered();
        if (nonceHash == 0) revert ZeroCommitment();
        bool participant = role == PARTICIPANT;
        uint256 received = vault.pull(stakeToken, msg.sender, stake);
        if (_registered(state, participant) == Bounds.MAX_SEATS) revert RoleFull();
        Amounts storage amounts = state.amounts;
        if (received < (participant ? amounts.participantStake : amounts.aggregatorStake)) {
            revert StakeTooLow();
        }
        if (received > Bounds.MAX_AMOUNT) revert AmountTooLarge();
        if (participant) state.identity.participants += 1;
        else state.identity.aggregators += 1;
        seat.standing = participant ? Standing.Participant : Standing.Aggregator;
        seat.stake = uint96(received);
        seat.word = nonceHash;
        emit Registered(task, msg.sender, uint8(role), nonceHash, received);
    }

    /// @inheritdoc IFederation
    function open(bytes32 task, bytes32 nonce) external {
        Task storage state = _task(task);
        Core storage core = state.core;
        if (core.phase != Phase.Open) revert WrongPhase();
        if (block.timestamp >= core.deadline) revert OpeningClosed();
        Seat storage seat = state.seats[msg.sender];
        Standing standing = seat.standing;
        if (standing == Standing.None) revert NotRegistered();
        if (standing > Standing.Aggregator) revert AlreadyOpened();
        if (seat.word != Words.nonceHash(task, msg.sender, nonce)) revert NonceMismatch();
        // A role's number is that of its standing before its nonce was opened.
        uint256 role = uint256(standing);
        uint256 index;
        if (role == PARTICIPANT) {
            index = core.participants;
            core.participants = uint24(index + 1);
            seat.standing = Standing.OpenedParticipant;
        } else {
            index = core.aggregators;
            core.aggregators = uint24(index + 1);
            seat.standing = Standing.OpenedAggregator;
        }
        seat.index = uint24(index);
        state.accounts[role][index] = msg.sender;
        state.identity.nonces ^= Words.openedNonce(nonce, msg.sender);
        emit Opened(task, msg.sender, uint8(role), index, nonce);
    }

    /// @dev REGISTER -> OPEN.
    function _closeRegistration(bytes32 task, Task storage state) internal {
        _start(task, state.core, Phase.Open, state.durations.openS);
    }

    /// @dev OPEN -> the first round, or the task's end when too few seats opened.
    function _closeOpening(bytes32 task, Task storage state) internal {
        Core storage core = state.core;
        if (core.participants < core.minimum || core.aggregators < core.committee) {
            _finish(task, state, Phase.Ended, Cause.TooFewSeats);
        } else {
            state.keys.seed = Words.firstSeed(task, state.identity.nonces);
            _startRound(task, state);
        }
    }

    function _registered(Task storage state, bool participant) private view returns (uint256) {
        return participant ? state.identity.participants : state.identity.aggregators;
    }

    /// @dev Packs what `Bounds` found to fit.
    function _storeTerms(Task storage state, Terms calldata terms) private {
        Schedule calldata s = terms.schedule;
        state.core.rounds = uint16(s.rounds);
        state.core.minimum = uint16(terms.cohort.minimum);
        state.core.goal = uint16(terms.cohort.goal);
        state.core.committee = uint8(terms.cohort.committee);
        state.core.weightCap = uint16(terms.cohort.weightCap);
        state.core.visibility = uint8(terms.cohort.visibility);
        Model calldata m = terms.model;
        state.shape = Shape({
            coordinates: uint40(m.coordinates),
            trainable: uint40(m.trainable),
            fractionBits: uint8(m.fractionBits),
            chunkLog2: uint8(m.chunkLog2),
            rule: uint8(m.rule),
            trimNumerator: uint16(m.trimNumerator),
            trimDenominator: uint16(m.trimDenominator),
            optimiser: OptimiserKind(m.optimiser),
            meanDivisor: uint24(m.meanDivisor),
            squareDivisor: uint24(m.squareDivisor),
            rate: uint32(m.rate),
            floor: uint32(m.floor)
        });
        state.durations = Durations({
            registerS: uint32(s.registerS),
            openS: uint32(s.openS),
            commitS: uint32(s.commitS),
            revealS: uint32(s.revealS),
            holdS: uint32(s.holdS),
            verdictCommitS: uint32(s.verdictCommitS),
            verdictRevealS: uint32(s.verdictRevealS),
            challengeS: uint32(s.challengeS)
        });
        _storeAmounts(state.amounts, terms.economics);
    }

    function _storeAmounts(Amounts storage amounts, Economics calldata e) private {
        amounts.rewardToken = e.rewardToken;
        amounts.roundReward = uint96(e.roundReward);
        amounts.committeeFee = uint96(e.committeeFee);
        amounts.slashNonce = uint96(e.slashNonce);
        amounts.slashCommit = uint96(e.slashCommit);
        amounts.slashReveal = uint96(e.slashReveal);
        amounts.slashSilent = uint96(e.slashSilent);
        amounts.slashOverturned = uint96(e.slashOverturned);
        amounts.courtBond = uint96(e.courtBond);
        amounts.slashWithheld = uint96(e.slashWithheld);
        amounts.participantStake = uint96(e.participantStake);
        amounts.aggregatorStake = uint96(e.aggregatorStake);
    }
}
