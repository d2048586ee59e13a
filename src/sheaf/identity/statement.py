"""What a receipt says: an in-toto Statement, version 1, about one step of one actor.

The predicates are Sheaf's own, one for updates and verdicts, one for acts; what each field means
and who can check it is in `docs/protocol/receipts.md`. Hashes are hex, and integers decimal text:
others read and write the numbers of JSON as doubles (in-toto's own package makes 3.0 of 3), which
would be another text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from sheaf.identity.canonical import canonical, parsed
from sheaf.identity.envelope import MAX_ENVELOPE_BYTES
from sheaf.identity.predicates import ACT, RECEIPT, STATEMENT_TYPE
from sheaf.identity.privacy import Privacy, privacy_of, privacy_plain
from sheaf.protocol.errors import InvalidDocument

BINDING_BYTES = 65
FILE_DIGEST = "sha256"
"""What a digest set calls the SHA-256 of bytes as they are."""


@dataclass(frozen=True)
class Subject:
    """What a step made, found or is about: `name` says which kind it is, `root` is its tree root
    or, where it is `flat`, the SHA-256 of its bytes."""

    name: str
    root: bytes
    flat: bool = False


@dataclass(frozen=True)
class MissingChunk:
    """A chunk of a counted update that a member was not served."""

    position: int
    chunk: int


@dataclass(frozen=True)
class Act:
    """What the ledger calls a step that is neither update nor verdict, such as `challenge`; the
    number of the dispute that it is a move in, None where it opens one or there is none; and the
    cohort position that it is about, if it is about one."""

    name: str
    dispute: int | None = None
    position: int | None = None


@dataclass(frozen=True)
class Step:
    """One step of one actor, as the ledger has it or will have it.

    `base` and `base_state` are the tree roots of the model and of the optimiser's state (zero where
    there is none) that the round starts from; trees are over chunks of `chunk_bytes`. An update
    has `samples`, and attempt zero, since it belongs to none; a verdict has the `counted`
    positions, and `missing` where it is no result. An `act` has the counted positions, too, where
    its attempt has some.
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
    act: Act | None = None


@dataclass(frozen=True)
class Receipt:
    """A step and what its actor says besides: `policy` is the SHA-256 of the policy its data are
    under, if it has one; `bundle` that of the task's code, `software` the version of Sheaf,
    `privacy` what was spent.

    The public key (32 bytes) is bound to the account by the `blind` (32 bytes) of the nonce that
    its seat opened, or by a `binding` of the account's ledger key (65 bytes): one of the two, and
    the second for acts only.
    """

    step: Step
    policy: bytes | None
    bundle: bytes
    software: str
    public: bytes
    blind: bytes | None
    privacy: Privacy = None
    binding: bytes | None = None

    def encode(self) -> bytes:
        """The statement's JSON, in its one form."""
        return canonical(self.statement())

    @classmethod
    def decode(cls, payload: bytes) -> Receipt:
        """The receipt that `payload` is the one form of. Raises `InvalidDocument`."""
        content = parsed(payload, "statement", MAX_ENVELOPE_BYTES)
        kinds = content.get("_type"), content.get("predicateType")
        if kinds not in ((STATEMENT_TYPE, RECEIPT), (STATEMENT_TYPE, ACT)):
            raise InvalidDocument(
                f"statement: found {kinds[0]!r:.60} with {kinds[1]!r:.60}, accepted: "
                f"{STATEMENT_TYPE} with {RECEIPT} or {ACT}"
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
        return {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": each.name, "digest": {_digest_name(each, step): each.root.hex()}}
                for each in step.subjects
            ],
            "predicateType": RECEIPT if step.act is None else ACT,
            "predicate": {
                "task": {
                    "chain": str(step.chain),
                    "contract": to_checksum_address(step.contract),
                    "id": step.task.hex(),
                },
                "step": _step_plain(step),
                "data": {"policy": None if self.policy is None else {"sha256": self.policy.hex()}},
                "privacy": privacy_plain(self.privacy),
                "software": {"sheaf": self.software, "bundle": {"sha256": self.bundle.hex()}},
                "signer": {
                    "account": to_checksum_address(step.account),
                    "publicKey": self.public.hex(),
                    **_bound(self),
                },
            },
        }


def _digest_name(subject: Subject, step: Step) -> str:
    return FILE_DIGEST if subject.flat else tree_digest(step.chunk_bytes)


def _step_plain(step: Step) -> dict[str, Any]:
    missing, act = step.missing, step.act
    plain: dict[str, Any] = {
        "role": step.role,
        "round": str(step.round),
        "attempt": str(step.attempt),
        "base": {"model": step.base.hex(), "state": step.base_state.hex()},
        "chunkBytes": str(step.chunk_bytes),
        "samples": _number(step.samples),
        "counted": None if step.counted is None else [*map(str, step.counted)],
        "missing": None
        if missing is None
        else {"position": str(missing.position), "chunk": str(missing.chunk)},
    }
    if act is not None:
        numbers = {"dispute": _number(act.dispute), "position": _number(act.position)}
        plain["act"] = {"name": act.name, **numbers}
    return plain


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _bound(receipt: Receipt) -> dict[str, str]:
    """How the key is bound to the account."""
    if receipt.binding is not None:
        return {"binding": receipt.binding.hex()}
    return {"blind": (receipt.blind or b"").hex()}


def tree_digest(chunk_bytes: int) -> str:
    """What a digest set calls a tree root: RFC 9162 over SHA-256, chunks of so many bytes."""
    return f"rfc9162_sha256_{chunk_bytes}"


def _receipt(content: dict[str, Any]) -> Receipt:
    """What the statement's fields are read as; that they are written so is compared afterwards."""
    p, step = content["predicate"], _step(content)
    policy, signer, software = p["data"]["policy"], p["signer"], p["software"]
    bound = "binding" in signer and step.act is not None
    return Receipt(
        step,
        None if policy is None else _word(policy["sha256"]),
        _word(software["bundle"]["sha256"]),
        _version(software["sheaf"]),
        _word(signer["publicKey"]),
        None if bound else _word(signer["blind"]),
        privacy_of(p["privacy"]),
        _sized(bytes.fromhex(signer["binding"]), BINDING_BYTES) if bound else None,
    )


def _step(content: dict[str, Any]) -> Step:
    task, step = content["predicate"]["task"], content["predicate"]["step"]
    size, samples, counted, missing = (
        step[name] for name in ("chunkBytes", "samples", "counted", "missing")
    )
    act = _act(step["act"]) if content["predicateType"] == ACT else None
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
        tuple(_subject(each, _count(size), act) for each in content["subject"]),
        _optional(samples),
        None if counted is None else tuple(map(_count, counted)),
        None
        if missing is None
        else MissingChunk(_count(missing["position"]), _count(missing["chunk"])),
        act,
    )


def _subject(plain: dict[str, Any], chunk_bytes: int, act: Act | None) -> Subject:
    """Only acts are about bytes that are no tree's."""
    digest = plain["digest"]
    flat = act is not None and FILE_DIGEST in digest
    root = digest[FILE_DIGEST if flat else tree_digest(chunk_bytes)]
    return Subject(_text(plain["name"]), _word(root), flat)


def _act(plain: dict[str, Any]) -> Act:
    return Act(_text(plain["name"]), _optional(plain["dispute"]), _optional(plain["position"]))


def _optional(value: object) -> int | None:
    return None if value is None else _count(value)


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
