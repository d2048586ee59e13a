"""What a receipt says: an in-toto Statement, version 1, about one step of one actor.

The predicate is Sheaf's own (`PREDICATE_TYPE`); `docs/protocol/receipts.md` says what each field
means and who can check it. Hashes are hex, and integers decimal text: others read and write the
numbers of JSON as doubles (in-toto's own package makes 3.0 of 3), which would be another text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.identity.canonical import canonical, parsed
from sheaf.identity.envelope import MAX_ENVELOPE_BYTES
from sheaf.protocol.errors import InvalidDocument

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:sheaf:receipt:1"
NO_PRIVACY = {"mechanism": "none", "epsilon": None}
"""No update is made private yet, and a receipt says so."""


@dataclass(frozen=True)
class Subject:
    """What a step made or found: `name` says which kind it is, `root` is its tree root."""

    name: str
    root: bytes


@dataclass(frozen=True)
class MissingChunk:
    """A chunk of a counted update that a member was not served."""

    position: int
    chunk: int


@dataclass(frozen=True)
class Step:
    """One step of one actor, as the ledger has it or will have it.

    `base` and `base_state` are the tree roots of the model and of the optimiser's state (zero where
    there is none) that the round starts from; trees are over chunks of `chunk_bytes`. An update
    has `samples`, and attempt zero, since it belongs to none; a verdict has the `counted`
    positions, and `missing` where it is no result.
    """

    chain: int
    contract: bytes
    task: bytes
    account: bytes
    role: str
    round: int
    attempt: int
    base: bytes
    base_state: bytes
    chunk_bytes: int
    subjects: tuple[Subject, ...]
    samples: int | None = None
    counted: tuple[int, ...] | None = None
    missing: MissingChunk | None = None


@dataclass(frozen=True)
class Receipt:
    """A step and what its actor says besides: `policy` is the SHA-256 of the policy its data are
    under, if it has one; `bundle` that of the task's code, `software` the version of Sheaf; the
    public key and the `blind` that bind the receipt to the account (32 bytes each)."""

    step: Step
    policy: bytes | None
    bundle: bytes
    software: str
    public: bytes
    blind: bytes

    def encode(self) -> bytes:
        """The statement's JSON, in its one form."""
        return canonical(self.statement())

    @classmethod
    def decode(cls, payload: bytes) -> Receipt:
        """The receipt that `payload` is the one form of. Raises `InvalidDocument`."""
        content = parsed(payload, "statement", MAX_ENVELOPE_BYTES)
        kind = f"{content.get('_type')!r:.60} with {content.get('predicateType')!r:.60}"
        if kind != f"{STATEMENT_TYPE!r} with {PREDICATE_TYPE!r}":
            raise InvalidDocument(
                f"statement: found {kind}, accepted: {STATEMENT_TYPE} with {PREDICATE_TYPE}"
            )
        try:
            receipt = _receipt(content)
            same = receipt.encode() == payload
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            told = f"found no receipt: {type(error).__name__}: {error}"
            raise InvalidDocument(f"statement: {told:.200}, accepted: its fields") from error
        if not same:
            raise InvalidDocument("statement: found other fields, accepted: those of a receipt")
        return receipt

    def statement(self) -> dict[str, Any]:
        """The in-toto Statement."""
        step = self.step
        missing = step.missing
        return {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": each.name, "digest": {tree_digest(step.chunk_bytes): each.root.hex()}}
                for each in step.subjects
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "task": {
                    "chain": str(step.chain),
                    "contract": to_checksum_address(step.contract),
                    "id": step.task.hex(),
                },
                "step": {
                    "role": step.role,
                    "round": str(step.round),
                    "attempt": str(step.attempt),
                    "base": {"model": step.base.hex(), "state": step.base_state.hex()},
                    "chunkBytes": str(step.chunk_bytes),
                    "samples": None if step.samples is None else str(step.samples),
                    "counted": None if step.counted is None else [*map(str, step.counted)],
                    "missing": None
                    if missing is None
                    else {"position": str(missing.position), "chunk": str(missing.chunk)},
                },
                "data": {"policy": None if self.policy is None else {"sha256": self.policy.hex()}},
                "privacy": NO_PRIVACY,
                "software": {"sheaf": self.software, "bundle": {"sha256": self.bundle.hex()}},
                "signer": {
                    "account": to_checksum_address(step.account),
                    "publicKey": self.public.hex(),
                    "blind": self.blind.hex(),
                },
            },
        }


def tree_digest(chunk_bytes: int) -> str:
    """What a digest set calls a tree root: RFC 9162 over SHA-256, chunks of so many bytes."""
    return f"rfc9162_sha256_{chunk_bytes}"


def _receipt(content: dict[str, Any]) -> Receipt:
    """What the statement's fields are read as; that they are written so is compared afterwards."""
    p = content["predicate"]
    policy, signer, software = p["data"]["policy"], p["signer"], p["software"]
    return Receipt(
        _step(content),
        None if policy is None else _word(policy["sha256"]),
        _word(software["bundle"]["sha256"]),
        _version(software["sheaf"]),
        _word(signer["publicKey"]),
        _word(signer["blind"]),
    )


def _step(content: dict[str, Any]) -> Step:
    task, step = content["predicate"]["task"], content["predicate"]["step"]
    size, samples, counted, missing = (
        step[name] for name in ("chunkBytes", "samples", "counted", "missing")
    )
    roots = (
        (_text(s["name"]), _word(s["digest"][tree_digest(_count(size))]))
        for s in content["subject"]
    )
    return Step(
        _count(task["chain"]),
        _address(task["contract"]),
        _word(task["id"]),
        _address(content["predicate"]["signer"]["account"]),
        _text(step["role"]),
        _count(step["round"]),
        _count(step["attempt"]),
        _word(step["base"]["model"]),
        _word(step["base"]["state"]),
        _count(size),
        tuple(Subject(*each) for each in roots),
        None if samples is None else _count(samples),
        None if counted is None else tuple(map(_count, counted)),
        None
        if missing is None
        else MissingChunk(_count(missing["position"]), _count(missing["chunk"])),
    )


def _word(text: str) -> bytes:
    return _sized(bytes.fromhex(text), 32)


def _address(text: str) -> bytes:
    return _sized(bytes.fromhex(text.removeprefix("0x")), 20)


def _sized(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes where {size} are expected")
    return data


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} where text is expected")
    return value


def _version(value: object) -> str:
    if not re.fullmatch("[0-9A-Za-z.+!-]{1,64}", _text(value), re.ASCII):
        raise ValueError(f"{value!r:.60} where a version is expected")
    return _text(value)


def _count(value: object) -> int:
    return int(_text(value))
