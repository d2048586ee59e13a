// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Challenges} from "./court/Challenges.sol";
import {Duplicates} from "./court/Duplicates.sol";
import {Withholding} from "./court/Withholding.sol";

/// @title The court's code
/// @notice A federation runs it on its own storage. It has no storage, no constructor and no power:
/// called directly it finds no task.
contract Court is Challenges, Withholding, Duplicates {}
