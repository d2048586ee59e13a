"""The compiled contracts, as package data that the contract toolchain writes and checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from sheaf.protocol.errors import LedgerUnavailable


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract. `immutable_references` are (start, length) places in `runtime`."""

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    runtime: bytes
    immutable_references: tuple[tuple[int, int], ...]

    def is_runtime(self, code: bytes) -> bool:
        """Whether deployed code is this contract's, whatever its immutables were set to."""
        return len(code) == len(self.runtime) and self._masked(code) == self._masked(self.runtime)

    def _masked(self, code: bytes) -> bytes:
        masked = bytearray(code)
        for start, length in self.immutable_references:
            masked[start : start + length] = bytes(length)
        return bytes(masked)


def parse_artifact(document: str) -> Artifact:
    """The artifact in the JSON text that the contract toolchain writes."""
    plain = json.loads(document)
    references = (place for places in plain["immutableReferences"].values() for place in places)
    return Artifact(
        name=plain["contractName"],
        abi=tuple(plain["abi"]),
        bytecode=_code(plain["bytecode"]),
        runtime=_code(plain["deployedBytecode"]),
        immutable_references=tuple(
            sorted((place["start"], place["length"]) for place in references)
        ),
    )


@cache
def artifact(name: str) -> Artifact:
    """The shipped contract of this name; LedgerUnavailable if none is."""
    file = resources.files(__package__).joinpath(f"{name}.json")
    if not name.isidentifier() or not file.is_file():
        raise LedgerUnavailable(f"no contract {name} is shipped with Sheaf")
    return parse_artifact(file.read_text("utf-8"))


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
