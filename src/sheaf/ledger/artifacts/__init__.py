"""The compiled contracts, as package data that the contract toolchain writes and checks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from sheaf.protocol.errors import LedgerUnavailable


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract. `immutables` are the (start, length) places in `runtime` of each
    immutable, in the order in which the sources declare them."""

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    runtime: bytes
    immutables: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def immutable_references(self) -> tuple[tuple[int, int], ...]:
        """The places of all immutables, in the order of the code."""
        return tuple(sorted(place for places in self.immutables for place in places))

    def is_runtime(self, code: bytes) -> bool:
        """Whether deployed code is this contract's, whatever its immutables were set to."""
        return len(code) == len(self.runtime) and self._masked(code) == self._masked(self.runtime)

    def runtime_of(self, values: Sequence[bytes]) -> bytes:
        """The deployed code once the immutables, in order, have these values, which are shorter
        than their places or as long; ValueError for another number of them."""
        code = bytearray(self.runtime)
        for places, value in zip(self.immutables, values, strict=True):
            for start, length in places:
                code[start : start + length] = value.rjust(length, b"\0")
        return bytes(code)

    def values_in(self, code: bytes) -> tuple[bytes, ...]:
        """What the immutables are set to in deployed code, in order, as long as their places;
        ValueError for code that is not this contract's."""
        places = [each[0] for each in self.immutables]
        values = tuple(code[start : start + length] for start, length in places)
        if not self.is_runtime(code) or self.runtime_of(values) != code:
            raise ValueError(f"not the code of {self.name}")
        return values

    def _masked(self, code: bytes) -> bytes:
        masked = bytearray(code)
        for start, length in self.immutable_references:
            masked[start : start + length] = bytes(length)
        return bytes(masked)


def parse_artifact(document: str) -> Artifact:
    """The artifact in the JSON text that the contract toolchain writes."""
    plain = json.loads(document)
    # The compiler numbers declarations in the order of the sources, and names places by number.
    references = sorted(plain["immutableReferences"].items(), key=lambda each: int(each[0]))
    return Artifact(
        name=plain["contractName"],
        abi=tuple(plain["abi"]),
        bytecode=_code(plain["bytecode"]),
        runtime=_code(plain["deployedBytecode"]),
        immutables=tuple(
            tuple((place["start"], place["length"]) for place in places) for _, places in references
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
