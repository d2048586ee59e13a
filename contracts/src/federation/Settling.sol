// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFederation} from "../interfaces/IFederation.sol";
import {Cause, Phase} from "../interfaces/Terms.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {Bounds} from "../libraries/Bounds.sol";
import {Permutation} from "../libraries/Permutation.sol";
import {Words} from "../libraries/Words.sol";
import {Restitution} from "./Restitution.sol";

/// @title Settlement: the only place where money moves
/// @notice Conforms to `sheaf.protocol.settlement`. Two sweeps over the cohort and one over the
/// round's disputes, paged: first those who did not reveal (slashed), then those who did (paid),
/// then bonds (`Restitution`). So the slashes that are shared are all in before the first share
/// goes out, and the books balance after every page. The last page settles the committees and
/// starts what comes next.
abstract contract Settling is Restitution {
    using Bitmap for uint256;

    /// @inheritdoc IFederation
    function settle(
        bytes32 task,
        uint256 steps,
        bytes32 weightsRoot,
        bytes32 modelRoot,
        bytes32 stateRoot
    ) external {
        Task storage state = _task(task);
        Phase phase = state.core.phase;
        Progress progress = state.settlement.progress;
        if (phase != Phase.Challenge && phase != Phase.Aborted) revert WrongPhase();
        if (progress == Progress.Barred) revert WrongPhase();
        if (block.timestamp < state.core.deadline) revert NotYet();
        if (state.core.open != 0) revert DisputeOpen();
        if (steps == 0) revert EmptyPage();
        if (progress == Progress.Idle) {
            if (phase == Phase.Challenge) {
                _checkClaim(task, state, weightsRoot, modelRoot, stateRoot);
            }
            _begin(state, phase == Phase.Challenge);
        }
        Page memory page = _load(task, state);
        uint256 step = state.settlement.step;
        uint256 swept = 2 * page.cohort;
        uint256 end = swept + state.core.disputes;
        uint256 left = end - step;
        uint256 last = step + (steps < left ? steps : left);
        if (last < swept) swept = last;
        for (; step < swept; ++step) _step(state, page, step);
        for (; step < last; ++step) _settleDispute(state, page, step);
        state.settlement.step = uint16(last);
        if (last == end) _conclude(state, page, phase == Phase.Challenge);
        else _store(state, page);
    }

    /// @inheritdoc IFederation
    function claim(bytes32 task) external {
        Task storage state = _task(task);
        Core storage core = state.core;
        if (core.phase < Phase.Done) revert WrongPhase();
        Seat storage seat = state.seats[msg.sender];
        uint256 stake = seat.stake;
        uint256 credit = seat.credit;
        if (stake | credit == 0) revert NothingToClaim();
        if (seat.standing < Standing.OpenedParticipant) {
            uint256 amount = state.amounts.slashNonce;
            if (amount != 0) {
                stake -= amount;
                state.money.burnedStake += uint128(amount);
                emit Slashed(task, msg.sender, core.round, amount, Cause.NoNonce);
            }
        }
        seat.stake = 0;
        seat.credit = 0;
        emit SeatClaimed(task, msg.sender, stake, credit);
        if (stake != 0) vault.pay(stakeToken, msg.sender, stake);
        if (credit != 0) vault.pay(state.amounts.rewardToken, msg.sender, credit);
    }

    /// @dev The roots a quorum claimed become the task's.
    function _checkClaim(
        bytes32 task,
        Task storage state,
        bytes32 weightsRoot,
        bytes32 modelRoot,
        bytes32 stateRoot
    ) private {
        Words.Place memory place =
            Words.Place({task: task, round: state.core.round, attempt: state.core.attempt});
        Words.Verdict memory verdict = Words.Verdict({
            counted: state.current.counted,
            weightsRoot: weightsRoot,
            modelRoot: modelRoot,
            stateRoot: stateRoot
        });
        if (Words.claim(place, verdict) != state.current.claim) revert WrongClaim();
        state.identity.modelRoot = modelRoot;
        state.identity.stateRoot = stateRoot;
    }

    /// @dev Take the round's reward and fee out of escrow, or leave them there.
    function _begin(Task storage state, bool claimed) private {
        uint256 paid = state.current.owed & ~state.current.dropped;
        state.settlement = Settlement({
            step: 0,
            samples: _sumSamples(state, paid),
            pool: 0,
            bonus: 0,
            progress: Progress.Running
        });
        // No attempt: reveals never opened, and the money stays for the sponsor.
        if (state.core.attempt == 0) return;
        uint256 reward = state.amounts.roundReward;
        uint256 fee = state.amounts.committeeFee;
        uint256 shared = (paid == 0 ? 0 : reward) + (claimed ? fee : 0);
        state.money.escrow -= uint96(reward + fee);
        state.money.dust += uint96(shared);
        state.money.burned += uint128(reward + fee - shared);
    }

    /// @dev One cohort position in one of the two sweeps.
    function _step(Task storage state, Page memory page, uint256 step) private {
        uint256 cohort = page.cohort;
        if (step < cohort) {
            if (!page.revealed.has(step)) _slash(state, page, step);
            return;
        }
        if (step == cohort) _shareSlashes(page);
        uint256 position = step - cohort;
        if (page.revealed.has(position)) _pay(state, page, position);
    }

    /// @dev A drawn participant that did not reveal: no commit, or, where reveals opened, no
    /// reveal.
    function _slash(Task storage state, Page memory page, uint256 position) private {
        address account = _accountAt(state, page, position);
        if (state.seats[account].committedRound != page.round) {
            page.pool += _take(state, page, account, state.amounts.slashCommit, Cause.NoCommit);
        } else if (page.reveals) {
            page.burnedStake +=
                _take(state, page, account, state.amounts.slashReveal, Cause.NoReveal);
        }
    }

    /// @dev Half of what non-committers lost, equally to those who revealed; the rest is burned.
    function _shareSlashes(Page memory page) private pure {
        uint256 sharers = page.revealed.count();
        if (sharers != 0) page.bonus = page.pool / 2 / sharers;
        uint256 shared = page.bonus * sharers;
        page.burnedStake += page.pool - shared;
        page.pool = shared;
    }

    /// @dev Credit a participant that revealed: reward by samples if owed, its share of slashes.
    function _pay(Task storage state, Page memory page, uint256 position) private {
        address account = _accountAt(state, page, position);
        Seat storage seat = state.seats[account];
        uint256 reward = 0;
        if (page.paid.has(position)) {
            uint256 share = page.reward * _samplesAt(state, position) / page.samples;
            page.dust -= share;
            if (page.duplicates.has(position)) page.burned += share;
            else reward = share;
        }
        uint256 bonus = page.bonus;
        if (bonus != 0) {
            page.pool -= bonus;
            uint256 stake = seat.stake + bonus;
            if (stake <= Bounds.MAX_AMOUNT) {
                seat.stake = uint96(stake);
            } else {
                // A seat too rich to hold its share must not stop everybody's settlement.
                page.burnedStake += bonus;
                bonus = 0;
            }
        }
        if (reward | bonus == 0) return;
        seat.credit += uint96(reward);
        emit Paid(page.task, account, page.round, reward, bonus);
    }

    /// @dev What the committees earned and lost; then the next round or the end.
    function _conclude(Task storage state, Page memory page, bool claimed) private {
        uint256 attempts = state.core.attempt;
        for (uint256 number = 1; number <= attempts; ++number) {
            _concludeAttempt(state, page, number, claimed && number == attempts);
        }
        if (claimed) {
            Identity storage identity = state.identity;
            emit RoundSettled(page.task, page.round, identity.modelRoot, identity.stateRoot);
        }
        _store(state, page);
        delete state.settlement;
        _endRound(page.task, state, !claimed);
    }

    /// @dev The silent lose; of a settled attempt those who agreed share the fee, of an overturned
    /// one they lose what `Restitution` shares out.
    function _concludeAttempt(
        Task storage state,
        Page memory page,
        uint256 number,
        bool settles
    ) private {
        Attempt memory attempt = state.attempts[number - 1];
        bool overturned = attempt.overturned != 0;
        uint256 agreed = settles || overturned ? attempt.agreed : 0;
        uint256 fee = settles ? state.amounts.committeeFee / agreed.count() : 0;
        uint256 concerned = agreed | attempt.silent;
        uint256 pot = 0;
        for (uint256 slot = 0; concerned >> slot != 0; ++slot) {
            if (!concerned.has(slot)) continue;
            address account = _memberAt(state, number, slot);
            if (uint256(attempt.silent).has(slot)) _slashSilent(state, page, account);
            if (!agreed.has(slot)) continue;
            if (overturned) {
                uint256 amount = state.amounts.slashOverturned;
                pot += _take(state, page, account, amount, Cause.Overturned);
            } else if (fee != 0) {
                page.dust -= fee;
                state.seats[account].credit += uint96(fee);
                emit FeePaid(page.task, account, page.round, fee);
            }
        }
        if (overturned) _shareOverturned(state, page, number, attempt, pot);
    }

    /// @dev A seat that cannot cover a round stood empty, which is no silence.
    function _slashSilent(Task storage state, Page memory page, address account) private {
        Amounts storage amounts = state.amounts;
        if (state.seats[account].stake < _aggregatorRoundStake(amounts)) return;
        page.burnedStake += _take(state, page, account, amounts.slashSilent, Cause.Silent);
    }

    function _accountAt(Task storage state, Page memory page, uint256 position)
        private
        view
        returns (address)
    {
        uint256 index = Permutation.permute(page.key, page.participants, position);
        return state.accounts[PARTICIPANT][index];
    }

    function _load(bytes32 task, Task storage state) private view returns (Page memory page) {
        page.task = task;
        page.round = state.core.round;
        page.key = state.keys.cohort;
        page.participants = state.core.participants;
        page.cohort = _cohort(state.core);
        page.reveals = state.core.attempt != 0;
        page.revealed = state.current.revealed;
        page.paid = state.current.owed & ~state.current.dropped;
        page.duplicates = state.current.duplicates;
        page.reward = state.amounts.roundReward;
        page.samples = state.settlement.samples;
        page.pool = state.settlement.pool;
        page.bonus = state.settlement.bonus;
        page.dust = state.money.dust;
        page.burned = state.money.burned;
        page.burnedStake = state.money.burnedStake;
    }

    function _store(Task storage state, Page memory page) private {
        state.settlement.pool = uint104(page.pool);
        state.settlement.bonus = uint104(page.bonus);
        state.money.dust = uint96(page.dust);
        state.money.burned = uint128(page.burned);
        state.money.burnedStake = uint128(page.burnedStake);
    }

    function _samplesAt(Task storage state, uint256 position) private view returns (uint256) {
        uint256 shift = position % SAMPLES_PER_SLOT * SAMPLES_BITS;
        return uint16(state.samples[position / SAMPLES_PER_SLOT] >> shift);
    }

    /// @dev Samples of the `paid` together: at most 256 of 16 bits each.
    function _sumSamples(Task storage state, uint256 paid) private view returns (uint24 sum) {
        for (uint256 slot = 0; paid >> slot * SAMPLES_PER_SLOT != 0; ++slot) {
            uint256 lanes = state.samples[slot];
            uint256 wanted = uint16(paid >> slot * SAMPLES_PER_SLOT);
            for (; wanted != 0; wanted >>= 1) {
                if (wanted & 1 == 1) sum += uint16(lanes);
                lanes >>= SAMPLES_BITS;
            }
        }
    }
}
