// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {State} from "../src/federation/State.sol";
import {Matter, Opening, Roots, Stage} from "../src/interfaces/Disputes.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {Books} from "./Books.sol";
import {Forest} from "./Forest.sol";
import {Harness} from "./Harness.sol";

/// @notice Plays in court: challengers, honest and lying, and whoever answers them. Models and
/// updates are ten integers in three chunks; which they are, everybody knows.
abstract contract CourtPlayer is Harness {
    uint256 internal constant INITIAL = 2;
    uint256 private constant COORDINATES = 10;
    uint256 private constant CHUNK = 16;
    uint256 private constant BOND = 5;

    /// @dev Selector of what the language's own checks revert with.
    bytes4 private constant PANIC = bytes4(keccak256("Panic(uint256)"));

    Books public federation;
    bytes32 internal _task;

    /// @notice How often disputes came to each stage: what a campaign reached.
    mapping(Stage stage => uint256) public reached;

    mapping(bytes32 dispute => bytes) private _columns;
    bytes32[] private _modelRoots;
    bytes32[] private _updateRoots;

    error Panicked(bytes data);

    function _found(address stakeToken) internal {
        federation = new Books(stakeToken, address(new Court()));
        for (uint256 choice = 0; choice <= INITIAL; ++choice) {
            _modelRoots.push(Forest.root(Forest.leavesOf(_content("model", choice), CHUNK)));
            _updateRoots.push(Forest.root(Forest.leavesOf(_content("update", choice), CHUNK)));
        }
    }

    /// @dev Something in court while its window is open.
    function _dispute(address account, uint256 choice) internal {
        uint256 kind = choice % 8;
        if (kind < 2) _challenge(account, choice >> 3, 0);
        else if (kind == 2) _descend(account);
        else _demandOrSupply(account, choice >> 3);
    }

    /// @dev A demand, or an answer in a dispute that waits for one.
    function _demandOrSupply(address account, uint256 choice) internal {
        (uint256 disputes,) = federation.docketOf(_task);
        if (choice % 4 == 0 || disputes == 0) {
            if (choice % 3 != 0) return;
            bytes memory call = abi.encodeCall(
                ICourt.demand, (_task, choice / 4 % 3, choice / 16 % 3, BOND * (1 + choice % 5))
            );
            if (_try(account, call)) ++reached[Stage.Asked];
            return;
        }
        _answer(account, 1 + choice / 4 % disputes, choice >> 32);
    }

    /// @dev Disputes of the running attempt, each once its deadline is there.
    function _decideAll() internal {
        (uint256 disputes,) = federation.docketOf(_task);
        for (uint256 number = 1; number <= disputes; ++number) {
            State.Dispute memory dispute = federation.disputeOf(_task, number);
            if (dispute.stage > Stage.Served) continue;
            if (block.timestamp < dispute.deadline) vm.warp(dispute.deadline);
            if (!_try(address(this), abi.encodeCall(ICourt.decide, (_task, number)))) continue;
            ++reached[federation.disputeOf(_task, number).stage];
        }
    }

    function _challenge(address account, uint256 choice, uint256 number) private {
        uint256 coordinate = number == 0
            ? choice % COORDINATES
            : federation.disputeOf(_task, number).index * CHUNK / 4;
        bytes memory column = _column(coordinate, choice % 3 == 0);
        uint256 old = _old();
        Roots memory roots = Roots(0, 0, _modelRoot(old), 0);
        Opening[] memory openings = new Opening[](2);
        openings[0] = _opening(_content("model", old), coordinate * 4 / CHUNK);
        for (uint256 model = 0; model < 2; ++model) {
            roots.model = _modelRoot(model);
            openings[1] = _opening(_content("model", model), coordinate * 4 / CHUNK);
            bytes memory call = abi.encodeCall(
                ICourt.challenge,
                (_task, number, 1, coordinate, roots, openings, column, BOND + choice % 2)
            );
            if (!_try(account, call)) continue;
            (uint256 last,) = federation.docketOf(_task);
            _columns[_key(number == 0 ? last : number)] = column;
            ++reached[Stage.Filed];
        }
    }

    function _descend(address account) private {
        for (uint256 model = 0; model < 2; ++model) {
            Roots memory roots = Roots(_modelRoot(model), 0, 0, 0);
            _try(account, abi.encodeCall(ICourt.descend, (_task, 1, roots, BOND)));
        }
    }

    /// @dev The move that a dispute waits for, if this one makes it.
    function _answer(address account, uint256 number, uint256 choice) private {
        State.Dispute memory dispute = federation.disputeOf(_task, number);
        if (dispute.stage == Stage.Filed) _refute(account, number, dispute.index);
        else if (dispute.matter >= Matter.Update) _supplyUpdate(account, number, dispute);
        else if (dispute.stage == Stage.Served) _challenge(dispute.opener, choice, number);
        else if (dispute.stage < Stage.Served) _goDown(account, number, choice);
    }

    function _refute(address account, uint256 number, uint256 coordinate) private {
        (,,, uint256 counted) = federation.placeOf(_task);
        for (uint256 position = 0; position < 3; ++position) {
            if (counted >> position & 1 == 0) continue;
            Opening memory opening =
                _opening(_content("update", _updateAt(position)), coordinate * 4 / CHUNK);
            bytes memory column = _columns[_key(number)];
            bytes memory call =
                abi.encodeCall(ICourt.refute, (_task, number, position, column, opening));
            if (_try(account, call)) ++reached[Stage.Dismissed];
        }
    }

    function _supplyUpdate(address account, uint256 number, State.Dispute memory dispute) private {
        Opening memory opening =
            _opening(_content("update", _updateAt(dispute.position)), dispute.index);
        if (_try(account, abi.encodeCall(ICourt.supply, (_task, number, opening)))) {
            ++reached[Stage.Dismissed];
        }
    }

    /// @dev Up to four moves of a descent at once, or none would ever come to its end.
    function _goDown(address account, uint256 number, uint256 choice) private {
        for (uint256 moves = 1 + choice % 4; moves > 0; --moves) {
            State.Dispute memory dispute = federation.disputeOf(_task, number);
            if (dispute.stage == Stage.Served) _challenge(dispute.opener, choice, number);
            bool waits = dispute.stage == Stage.Asked || dispute.stage == Stage.Unfolded;
            if (waits) _goOn(account, number, dispute, choice);
        }
    }

    /// @dev Down a descent: its three leaves, one of them, its chunk.
    function _goOn(
        address account,
        uint256 number,
        State.Dispute memory dispute,
        uint256 choice
    ) private {
        for (uint256 model = 0; model < 2; ++model) {
            bytes memory content = _content("model", model);
            bytes32[] memory hashes = Forest.leavesOf(content, CHUNK);
            if (dispute.stage == Stage.Unfolded) {
                bytes memory call =
                    abi.encodeCall(ICourt.pick, (_task, number, choice % 3, hashes));
                _try(dispute.opener, call);
            } else if (dispute.level != 0) {
                bytes memory call = abi.encodeCall(ICourt.unfold, (_task, number, hashes));
                if (_try(account, call)) ++reached[Stage.Unfolded];
            } else {
                Opening memory opening;
                opening.chunk = Forest.chunkOf(content, CHUNK, dispute.index);
                bytes memory call = abi.encodeCall(ICourt.supply, (_task, number, opening));
                if (_try(account, call)) ++reached[Stage.Served];
            }
        }
    }

    function _try(address account, bytes memory data) internal returns (bool ok) {
        bytes memory reason;
        vm.prank(account);
        (ok, reason) = address(federation).call(data);
        // A refusal is a custom error; a panic would be a defect.
        if (!ok && bytes4(reason) == PANIC) revert Panicked(data);
    }

    function _modelRoot(uint256 choice) internal view returns (bytes32) {
        return _modelRoots[choice];
    }

    function _updateRoot(uint256 choice) internal view returns (bytes32) {
        return _updateRoots[choice];
    }

    /// @dev Ten coordinates of four bytes in chunks of sixteen.
    function _header(bytes32 root) internal pure returns (bytes32) {
        return _hash(abi.encodePacked(bytes1(0x02), abi.encode(1, 4, 10, 3, root)));
    }

    function _hash(bytes memory preimage) internal pure returns (bytes32) {
        return sha256(preimage);
    }

    /// @dev What the updates have at a coordinate, or, from who lies, something else in the first.
    function _column(uint256 coordinate, bool lying) private view returns (bytes memory column) {
        (,,, uint256 counted) = federation.placeOf(_task);
        for (uint256 position = 0; position < 3; ++position) {
            if (counted >> position & 1 == 0) continue;
            bytes memory content = _content("update", _updateAt(position));
            column = bytes.concat(column, Forest.chunkOf(content, 4, coordinate));
        }
        if (lying && column.length != 0) column[0] = ~column[0];
    }

    /// @dev Which of three models the last round left.
    function _old() private view returns (uint256 choice) {
        bytes32 root = federation.modelRootOf(_task);
        while (choice < INITIAL && _header(_modelRoot(choice)) != root) ++choice;
    }

    function _updateAt(uint256 position) private view returns (uint256) {
        return federation.updateOf(_task, position) == _updateRoot(1) ? 1 : 0;
    }

    function _key(uint256 number) private view returns (bytes32) {
        (uint256 round,,,) = federation.placeOf(_task);
        return keccak256(abi.encode(_task, round, number));
    }

    function _opening(bytes memory content, uint256 chunk) private pure returns (Opening memory) {
        bytes32[] memory leaves = Forest.leavesOf(content, CHUNK);
        return Opening(Forest.chunkOf(content, CHUNK, chunk), Forest.path(leaves, chunk));
    }

    /// @dev Forty bytes; integers are small, so that no sum leaves its range.
    function _content(string memory name, uint256 choice) private pure returns (bytes memory data) {
        bytes32 word = keccak256(abi.encode(name, choice));
        data = new bytes(4 * COORDINATES);
        for (uint256 place = 0; place < COORDINATES; ++place) data[4 * place] = word[place];
    }
}
