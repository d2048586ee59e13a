// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {IFederation} from "../src/interfaces/IFederation.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {Cohort, Economics, Model, Phase, Schedule, Terms} from "../src/interfaces/Terms.sol";
import {Token} from "../src/Token.sol";
import {CourtPlayer} from "./CourtPlayer.sol";

/// @notice Plays tasks: each call lets some accounts act in the running phase, each in its own way,
/// and closes it. What an account may not do now is tried in vain.
contract FederationHandler is CourtPlayer {
    uint256 private constant PARTICIPANTS = 4;
    uint256 private constant SEATS = 11;
    uint256 private constant DURATION_S = 100;
    uint256 private constant SUPPLY = 1e15;
    uint256 private constant PURSE = SUPPLY / 100;

    Token public immutable stakeToken;
    Token public immutable rewardToken;
    address[] private _accounts;
    bytes32[] private _tasks;

    /// @notice How often each phase was left: what a campaign reached.
    mapping(Phase phase => uint256) public left;

    constructor() {
        stakeToken = new Token("Stake", "S", 6, address(this), SUPPLY);
        rewardToken = new Token("Reward", "R", 18, address(this), SUPPLY);
        _found(address(stakeToken));
        address vault = address(federation.vault());
        for (uint256 index = 0; index <= SEATS; ++index) {
            address account = address(uint160(0xACC000 + index));
            _accounts.push(account);
            stakeToken.transfer(account, PURSE);
            rewardToken.transfer(account, PURSE);
            vm.prank(account);
            stakeToken.approve(vault, SUPPLY);
            vm.prank(account);
            rewardToken.approve(vault, SUPPLY);
        }
    }

    /// @notice Accounts act in the running phase, as `word` says, then it is closed. One in `idle`
    /// does nothing; 0 lets all act.
    function play(uint256 idle, uint256 word) external {
        Phase phase = _task == 0 ? Phase.None : federation.phaseOf(_task);
        if (phase == Phase.None) return _publish(word);
        for (uint256 index = 0; index < SEATS; ++index) {
            uint256 choice = uint256(keccak256(abi.encode(word, index)));
            if (idle != 0 && choice % (2 + idle % 16) == 0) continue;
            _act(phase, _accounts[index], index, choice >> 16);
        }
        if (phase == Phase.Done || phase == Phase.Ended) {
            _withdraw(_accounts[SEATS]);
            // Leave this task be, at times with seats that did not claim.
            if (word % 3 == 0) _task = 0;
            return;
        }
        _close(phase, word);
        ++left[phase];
    }

    /// @notice All stake and reward tokens that the books know of.
    function accounted() external view returns (uint256 stakes, uint256 rewards) {
        for (uint256 index = 0; index < _tasks.length; ++index) {
            stakes += federation.stakes(_tasks[index], _accounts);
            rewards += federation.rewards(_tasks[index], _accounts);
        }
        for (uint256 index = 0; index < _accounts.length; ++index) {
            stakes += federation.vault().withdrawable(address(stakeToken), _accounts[index]);
            rewards += federation.vault().withdrawable(address(rewardToken), _accounts[index]);
        }
    }

    /// @notice Reward tokens that seats hold beyond what they were given: what tasks paid out.
    function earned() external view returns (uint256 sum) {
        for (uint256 index = 0; index < SEATS; ++index) {
            sum += rewardToken.balanceOf(_accounts[index]) - PURSE;
        }
    }

    /// @dev At its deadline; what waits in court is decided before, where that must or may be.
    function _close(Phase phase, uint256 word) private {
        _pass();
        if (phase == Phase.Challenge || word % 2 == 0) {
            _decideAll();
            if (federation.phaseOf(_task) != phase) return;
            _pass();
        }
        if (phase == Phase.Aborted || phase == Phase.Challenge && !federation.isVoid(_task)) {
            _settle(1 + word % 8, word);
            return;
        }
        try federation.advance(_task) {}
        catch {
            // No quorum, while a demand is open.
            _decideAll();
            federation.advance(_task);
        }
    }

    function _pass() private {
        uint256 deadline = federation.deadlineOf(_task);
        if (block.timestamp < deadline) vm.warp(deadline);
    }

    function _publish(uint256 word) private {
        bytes32 document = keccak256(abi.encode(_tasks.length));
        address sponsor = _accounts[SEATS];
        Terms memory terms = _terms(word);
        uint256 escrow = 3 * (terms.economics.roundReward + terms.economics.committeeFee);
        bytes32 root = _modelRoot(INITIAL);
        vm.prank(sponsor);
        federation.publish(terms, document, root, 0, escrow + word % 5);
        _task = _hash(
            abi.encode(
                bytes32("sheaf/task/1"), block.chainid, address(federation), sponsor, document
            )
        );
        _tasks.push(_task);
    }

    function _terms(uint256 word) private view returns (Terms memory terms) {
        terms.model = Model(10, 10, 16, 4, 0, 0, 0, 0, 0, 0, 0, 0);
        terms.schedule = Schedule(
            3,
            DURATION_S,
            DURATION_S,
            DURATION_S,
            DURATION_S,
            DURATION_S,
            DURATION_S,
            DURATION_S,
            1 + word % 2 * DURATION_S
        );
        terms.cohort = Cohort(2, 3, 3, 1000, word % 2);
        terms.economics = Economics(
            address(rewardToken), 1000, 100, 100, 200, 5, 7, 11, 13, 17, 19, 23
        );
    }

    function _act(Phase phase, address account, uint256 index, uint256 choice) private {
        if (phase == Phase.Register) {
            bool participant = index < PARTICIPANTS;
            uint256 stake = (participant ? 100 : 200) + choice % 3;
            bytes32 nonceHash = _hash(_preimage("sheaf/nonce/1", account, abi.encode(_task)));
            uint256 role = participant ? 1 : 2;
            _try(account, abi.encodeCall(IFederation.register, (_task, role, nonceHash, stake)));
        } else if (phase == Phase.Open) {
            _try(account, abi.encodeCall(IFederation.open, (_task, _task)));
        } else if (phase == Phase.Challenge || phase == Phase.Aborted) {
            _try(account, abi.encodeCall(ICourt.duplicate, (_task, choice % 3, choice / 4 % 3)));
            if (phase == Phase.Challenge) _dispute(account, choice >> 8);
        } else if (phase == Phase.Done || phase == Phase.Ended) {
            _try(account, abi.encodeCall(IFederation.claim, (_task)));
            if (choice % 2 == 0) _withdraw(account);
        } else {
            _actInRound(phase, account, choice);
        }
    }

    function _actInRound(Phase phase, address account, uint256 choice) private {
        (uint256 round, uint256 attempt, uint256 revealed, uint256 counted) =
            federation.placeOf(_task);
        bytes32 lot = keccak256(abi.encode(_task, round, attempt, account));
        if (phase == Phase.Commit || phase == Phase.Reveal) {
            bytes32 update = keccak256(abi.encode(_task, round, account));
            // Few distinct roots, so that duplicates come up.
            bytes32 root = _updateRoot(uint256(update) % 2);
            uint256 samples = 1 + uint256(update) % 1000;
            bytes memory preimage = abi.encode(
                bytes32("sheaf/update/1"), block.chainid, federation, _task, round, account
            );
            preimage = bytes.concat(preimage, abi.encode(root, samples, bytes32(0), update));
            _try(
                account,
                phase == Phase.Commit
                    ? abi.encodeCall(IFederation.commit, (_task, _hash(preimage)))
                    : abi.encodeCall(IFederation.reveal, (_task, root, samples, 0, update))
            );
        } else if (phase == Phase.Hold) {
            uint256 bitmap = choice % 4 == 0 ? revealed & choice : revealed;
            _try(account, abi.encodeCall(IFederation.hold, (_task, bitmap)));
        } else {
            _vote(phase, account, lot, attempt, round, counted);
            _demandOrSupply(account, choice);
        }
    }

    /// @dev What `lot` says: seven in ten vote for one model, two for another, one misses a chunk.
    function _vote(
        Phase phase,
        address account,
        bytes32 lot,
        uint256 attempt,
        uint256 round,
        uint256 counted
    ) private {
        uint256 kind = uint256(lot) % 10;
        bool missing = kind == 9;
        if (phase == Phase.VerdictReveal) {
            bytes32 model = _modelRoot(kind < 7 ? 0 : 1);
            uint256 position = uint256(lot) % 3;
            _try(
                account,
                missing
                    ? abi.encodeCall(ICourt.revealMissing, (_task, position, 1, 0, lot))
                    : abi.encodeCall(IFederation.revealVerdict, (_task, 0, model, 0, 0, lot))
            );
            return;
        }
        bytes memory preimage = abi.encode(
            missing ? bytes32("sheaf/missing/1") : bytes32("sheaf/verdict/1"),
            block.chainid,
            federation,
            _task,
            round,
            attempt,
            account
        );
        bytes memory tail = missing
            ? abi.encode(uint256(lot) % 3, uint256(1))
            : abi.encode(counted, bytes32(0), _header(_modelRoot(kind < 7 ? 0 : 1)), bytes32(0));
        preimage = bytes.concat(preimage, tail, abi.encode(bytes32(0), lot));
        _try(account, abi.encodeCall(IFederation.commitVerdict, (_task, _hash(preimage))));
    }

    /// @dev One page under the right claim: the header of one of two models.
    function _settle(uint256 steps, uint256 word) private {
        if (word % 4 == 0) steps = type(uint256).max;
        bytes32 first = _header(_modelRoot(0));
        try federation.settle(_task, steps, 0, first, 0) {}
        catch {
            federation.settle(_task, steps, 0, _header(_modelRoot(1)), 0);
        }
    }

    function _withdraw(address account) private {
        _withdraw(account, address(stakeToken));
        _withdraw(account, address(rewardToken));
    }

    function _withdraw(address account, address token) private {
        IVault vault = federation.vault();
        vm.prank(account);
        // Mostly there is nothing.
        try vault.withdraw(token) {} catch {}
    }

    /// @dev A hash's words from the domain to the account, without places between.
    function _preimage(bytes32 domain, address account, bytes memory tail)
        private
        view
        returns (bytes memory)
    {
        return bytes.concat(
            abi.encode(domain, block.chainid, federation, _task, account), tail
        );
    }
}
