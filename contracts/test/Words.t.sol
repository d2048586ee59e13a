// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Words} from "../src/libraries/Words.sol";
import {Harness} from "./Harness.sol";

interface Stagehand {
    function chainId(uint256 id) external;
    function etch(address target, bytes calldata code) external;
}

/// @notice Hashes as a contract at any address and a sender of any address would.
contract Hasher {
    function taskId(bytes32 document) external view returns (bytes32) {
        return Words.taskId(msg.sender, document);
    }

    function nonceHash(bytes32 task, bytes32 nonce) external view returns (bytes32) {
        return Words.nonceHash(task, msg.sender, nonce);
    }

    function openedNonce(bytes32 nonce) external view returns (bytes32) {
        return Words.openedNonce(nonce, msg.sender);
    }

    function firstSeed(bytes32 task, bytes32 nonces) external view returns (bytes32) {
        return Words.firstSeed(task, nonces);
    }

    function update(bytes32 task, uint256 samples) external view returns (bytes32) {
        return Words.updateCommitment(
            task, 6, bytes32(uint256(8)), samples, bytes32(uint256(10)), bytes32(uint256(11))
        );
    }

    function verdict(Words.Place memory place, Words.Verdict memory result)
        external
        view
        returns (bytes32)
    {
        return Words.verdictCommitment(
            place, result, bytes32(uint256(10)), bytes32(uint256(11))
        );
    }

    function missing(Words.Place memory place) external view returns (bytes32) {
        return Words.missingCommitment(
            place, 16, 17, bytes32(uint256(10)), bytes32(uint256(11))
        );
    }

    function claim(Words.Place memory place, Words.Verdict memory result)
        external
        view
        returns (bytes32)
    {
        return Words.claim(place, result);
    }
}

/// @notice Expected values: `sheaf.protocol.hashing` and `merkle.header`, run on the same words.
contract WordsTest is Harness {
    Hasher private constant HASHER = Hasher(address(0xfed01));
    address private constant ACCOUNT = address(0xacc01);
    bytes32 private constant TASK = bytes32(uint256(2));

    function setUp() public {
        Stagehand(address(vm)).chainId(7);
        Stagehand(address(vm)).etch(address(HASHER), type(Hasher).runtimeCode);
    }

    function test_task() public {
        vm.prank(ACCOUNT);
        assertWord(
            HASHER.taskId(word(1)),
            0xb22a1cac5a44b8fa4cfdfd6b5d66dd7c7e1ab92448be51af077df19d38e0a253
        );
    }

    function test_nonces_and_seeds() public {
        vm.prank(ACCOUNT);
        assertWord(
            HASHER.nonceHash(TASK, word(3)),
            0xfe08193699d965e9d43f653c9a23baec593bb50cb494faa695c27e978a9982d7
        );
        vm.prank(ACCOUNT);
        assertWord(
            HASHER.openedNonce(word(3)),
            0xae10f9ea79daf24e40c0317764e16def041e946d492eb11227383068b8098f5f
        );
        assertWord(
            HASHER.firstSeed(TASK, word(4)),
            0xf19743793e12e4d998496135423cd0b3f5eed6ba6708d7873eef61df866e253a
        );
        assertWord(
            Words.nextSeed(word(5), 6, word(7)),
            0xfc4b39bb1e34bf06497e671bde521d547206993789f96866a3be0d76e693178c
        );
        assertWord(
            Words.cohortKey(word(5)),
            0xfc58c0bd7bbb1358e98eabbdd5cb25627e4a0cdb87a0f0c2be9ada8107b7dfc7
        );
        assertWord(
            Words.committeeKey(word(5)),
            0x734a7a5259f7d37c5a12869fad5c2577305a2c696729b7dd82abee94d40901bb
        );
    }

    function test_commitments() public {
        vm.prank(ACCOUNT);
        assertWord(
            HASHER.update(TASK, 9),
            0xe63ea23362c5e48deabf429c34e59c936170aa65acee40f85c1737beb6df46fc
        );
        vm.prank(ACCOUNT);
        assertWord(
            HASHER.verdict(place(), result()),
            0x7bb5d1523e353eedd9be01624957d2fc9f13c43f6ced659ca44278a2c2125620
        );
        vm.prank(ACCOUNT);
        assertWord(
            HASHER.missing(place()),
            0xbfb7acfa684c29b2edc665f27a3312f3a2f8590b3b0764676193824317e50335
        );
        assertWord(
            HASHER.claim(place(), result()),
            0x60e4113fb66c78f0336e641c9495b261c5506475164f6482f0b041b176e6a634
        );
    }

    function test_header() public pure {
        assertWord(
            Words.header(1, 4, 18, 19, word(20)),
            0xa850e6828b615b3d82d06b9293291d81eebfe8377373813635979b423a13155d
        );
    }

    function place() private pure returns (Words.Place memory) {
        return Words.Place({task: TASK, round: 6, attempt: 1});
    }

    function result() private pure returns (Words.Verdict memory) {
        return Words.Verdict({
            counted: 12, weightsRoot: word(13), modelRoot: word(14), stateRoot: word(15)
        });
    }

    function word(uint256 value) private pure returns (bytes32) {
        return bytes32(value);
    }

    function assertWord(bytes32 found, bytes32 expected) private pure {
        assertEq(uint256(found), uint256(expected));
    }
}
