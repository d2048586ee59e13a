// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a dispute is about: the claimed model or optimiser's state, or a counted update's
/// chunk, demanded by anyone (`Update`) or by a member's opened `Missing`.
enum Matter {
    None,
    Model,
    State,
    Update,
    Missing
}

/// @notice How a dispute stands. Up to `Served` it waits for a move: `Filed`, a column, for whoever
/// can refute it; `Asked`, for hashes or a chunk; `Unfolded`, for the challenger's choice of a
/// child; `Served`, for the challenger's column. Then it is decided: for the opener, against it, or
/// without effect.
enum Stage {
    None,
    Filed,
    Asked,
    Unfolded,
    Served,
    Upheld,
    Dismissed,
    Moot
}

/// @notice One chunk of a committed array, and the siblings that lead it to the tree's root
/// (RFC 9162).
struct Opening {
    bytes chunk;
    bytes32[] path;
}

/// @notice Tree roots, zero for none: the claimed model and optimiser's state, and those before.
struct Roots {
    bytes32 model;
    bytes32 state;
    bytes32 oldModel;
    bytes32 oldState;
}
