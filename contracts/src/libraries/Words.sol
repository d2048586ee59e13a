// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Hashes both sides of the chain agree on
/// @notice SHA-256 over static words. Every preimage of a commitment starts with a domain word, the
/// chain id and this contract's address. Conforms to `sheaf.protocol.hashing` and `merkle.header`.
library Words {
    bytes32 private constant TASK = "sheaf/task/1";
    bytes32 private constant NONCE = "sheaf/nonce/1";
    bytes32 private constant OPENED_NONCE = "sheaf/opened-nonce/1";
    bytes32 private constant SEED = "sheaf/seed/1";
    bytes32 private constant NEXT_SEED = "sheaf/next-seed/1";
    bytes32 private constant COHORT = "sheaf/cohort/1";
    bytes32 private constant COMMITTEE = "sheaf/committee/1";
    bytes32 private constant UPDATE = "sheaf/update/1";
    bytes32 private constant VERDICT = "sheaf/verdict/1";
    bytes32 private constant MISSING = "sheaf/missing/1";
    bytes32 private constant CLAIM = "sheaf/claim/1";

    /// @notice Where a verdict belongs: no hash of one place serves another.
    struct Place {
        bytes32 task;
        uint256 round;
        uint256 attempt;
    }

    /// @notice A result over the counted set; roots are headers.
    struct Verdict {
        uint256 counted;
        bytes32 weightsRoot;
        bytes32 modelRoot;
        bytes32 stateRoot;
    }

    function taskId(address sponsor, bytes32 document) internal view returns (bytes32) {
        return sha256(abi.encode(TASK, block.chainid, address(this), sponsor, document));
    }

    function nonceHash(bytes32 task, address account, bytes32 nonce)
        internal
        view
        returns (bytes32)
    {
        return sha256(abi.encode(NONCE, block.chainid, address(this), task, account, nonce));
    }

    function openedNonce(bytes32 nonce, address account) internal pure returns (bytes32) {
        return sha256(abi.encode(OPENED_NONCE, nonce, account));
    }

    function firstSeed(bytes32 task, bytes32 nonces) internal view returns (bytes32) {
        return sha256(abi.encode(SEED, block.chainid, address(this), task, nonces));
    }

    function nextSeed(bytes32 seed, uint256 round, bytes32 salts) internal pure returns (bytes32) {
        return sha256(abi.encode(NEXT_SEED, seed, round, salts));
    }

    function cohortKey(bytes32 seed) internal pure returns (bytes32) {
        return sha256(abi.encode(COHORT, seed));
    }

    function committeeKey(bytes32 seed) internal pure returns (bytes32) {
        return sha256(abi.encode(COMMITTEE, seed));
    }

    function updateCommitment(
        bytes32 task,
        uint256 round,
        bytes32 root,
        uint256 samples,
        bytes32 receipt,
        bytes32 salt
    ) internal view returns (bytes32) {
        return sha256(
            abi.encode(
                UPDATE,
                block.chainid,
                address(this),
                task,
                round,
                msg.sender,
                root,
                samples,
                receipt,
                salt
            )
        );
    }

    function verdictCommitment(
        Place memory place,
        Verdict memory verdict,
        bytes32 receipt,
        bytes32 salt
    ) internal view returns (bytes32) {
        return sha256(
            abi.encode(
                VERDICT, block.chainid, address(this), place, msg.sender, verdict, receipt, salt
            )
        );
    }

    function missingCommitment(
        Place memory place,
        uint256 position,
        uint256 chunk,
        bytes32 receipt,
        bytes32 salt
    ) internal view returns (bytes32) {
        return sha256(
            abi.encode(
                MISSING,
                block.chainid,
                address(this),
                place,
                msg.sender,
                position,
                chunk,
                receipt,
                salt
            )
        );
    }

    function claim(Place memory place, Verdict memory verdict) internal view returns (bytes32) {
        return sha256(abi.encode(CLAIM, block.chainid, address(this), place, verdict));
    }

    /// @notice Binds a tree root to the shape of what it is the root of.
    function header(
        uint256 kind,
        uint256 elementBytes,
        uint256 coordinates,
        uint256 leaves,
        bytes32 treeRoot
    ) internal pure returns (bytes32) {
        return sha256(
            abi.encodePacked(bytes1(0x02), kind, elementBytes, coordinates, leaves, treeRoot)
        );
    }
}
