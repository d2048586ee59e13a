// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProtocol} from "./IProtocol.sol";
import {IVault} from "./IVault.sol";
import {Terms} from "./Terms.sol";

/// @title Tasks, from publication to payment
/// @notice Conforms bit for bit to the executable specification (`src/sheaf/protocol`). There is no
/// owner and no upgrade; only time and the accounts named below move a task. What is not here is in
/// `ICourt`, and is called at the federation's address, too.
interface IFederation is IProtocol {
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

    /// @notice Close the phase whose deadline has passed. Anyone may. A round is ended by `settle`:
    /// of the windows of the court only that of a void attempt is closed here.
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

    /// @notice Move the round's money: one page of two sweeps over the cohort, first those who did
    /// not reveal, then those who did, and one over the round's disputes. The last page settles the
    /// committees and starts what is next.
    /// @param steps Cohort positions and disputes to visit.
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

    /// @notice Whose code runs for what is not here.
    function court() external view returns (address);
}
