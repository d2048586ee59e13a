"""Hashes against an independent ABI encoder, and their separation: no hash serves two purposes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from eth_abi.abi import encode

from sheaf.protocol import hashing
from sheaf.protocol.hashing import Deployment, Missing, Verdict

CHAIN = 5
CONTRACT, ACCOUNT, SPONSOR = (bytes([n]) * 20 for n in (0x11, 0x22, 0x33))
TASK, WORD, ROOT, RECEIPT, SALT = (bytes([n]) * 32 for n in (0x44, 0x55, 0x66, 0x77, 0x88))
WEIGHTS, MODEL, STATE = (bytes([n]) * 32 for n in (0x99, 0xAA, 0xBB))
HERE = Deployment(CHAIN, CONTRACT)

ADDRESS, BYTES, UINT = "address", "bytes32", "uint256"
PLACE = ((UINT, CHAIN), (ADDRESS, CONTRACT), (BYTES, TASK))


def abi(name: str, *typed: tuple[str, object]) -> bytes:
    """SHA-256 over what Solidity's `abi.encode` gives for a domain literal and these words."""
    literal = name.encode() + b"\0" * (32 - len(name))
    types = [BYTES, *(kind for kind, _ in typed)]
    values = [literal, *(_value(kind, value) for kind, value in typed)]
    return hashlib.sha256(encode(types, values)).digest()


def _value(kind: str, value: object) -> object:
    return "0x" + value.hex() if kind == ADDRESS and isinstance(value, bytes) else value


UPDATE_ARGS = (TASK, 3, ACCOUNT, ROOT, 700, RECEIPT, SALT)
VERDICT = Verdict(0b1011, WEIGHTS, MODEL, STATE, RECEIPT, SALT)
MISSING = Missing(4, 9, RECEIPT, SALT)

GOLDEN: dict[str, tuple[bytes, bytes]] = {
    "task": (
        HERE.task_id(SPONSOR, WORD),
        abi("sheaf/task/1", *PLACE[:2], (ADDRESS, SPONSOR), (BYTES, WORD)),
    ),
    "nonce": (
        HERE.nonce_hash(TASK, ACCOUNT, WORD),
        abi("sheaf/nonce/1", *PLACE, (ADDRESS, ACCOUNT), (BYTES, WORD)),
    ),
    "first seed": (HERE.first_seed(TASK, WORD), abi("sheaf/seed/1", *PLACE, (BYTES, WORD))),
    "update": (
        HERE.update_commitment(*UPDATE_ARGS),
        abi(
            "sheaf/update/1",
            *PLACE,
            (UINT, 3),
            (ADDRESS, ACCOUNT),
            (BYTES, ROOT),
            (UINT, 700),
            (BYTES, RECEIPT),
            (BYTES, SALT),
        ),
    ),
    "verdict": (
        HERE.verdict_commitment(TASK, 3, 2, ACCOUNT, VERDICT),
        abi(
            "sheaf/verdict/1",
            *PLACE,
            (UINT, 3),
            (UINT, 2),
            (ADDRESS, ACCOUNT),
            (UINT, 0b1011),
            *((BYTES, root) for root in (WEIGHTS, MODEL, STATE, RECEIPT, SALT)),
        ),
    ),
    "missing": (
        HERE.missing_commitment(TASK, 3, 2, ACCOUNT, MISSING),
        abi(
            "sheaf/missing/1",
            *PLACE,
            (UINT, 3),
            (UINT, 2),
            (ADDRESS, ACCOUNT),
            (UINT, 4),
            (UINT, 9),
            (BYTES, RECEIPT),
            (BYTES, SALT),
        ),
    ),
    "claim": (
        HERE.claim(TASK, 3, 2, 0b1011, (WEIGHTS, MODEL, STATE)),
        abi(
            "sheaf/claim/1",
            *PLACE,
            (UINT, 3),
            (UINT, 2),
            (UINT, 0b1011),
            *((BYTES, root) for root in (WEIGHTS, MODEL, STATE)),
        ),
    ),
    "opened nonce": (
        hashing.opened_nonce(WORD, ACCOUNT),
        abi("sheaf/opened-nonce/1", (BYTES, WORD), (ADDRESS, ACCOUNT)),
    ),
    "key nonce": (
        hashing.key_nonce(WORD, SALT),
        abi("sheaf/signing-key/1", (BYTES, WORD), (BYTES, SALT)),
    ),
    "next seed": (
        hashing.next_seed(WORD, 3, SALT),
        abi("sheaf/next-seed/1", (BYTES, WORD), (UINT, 3), (BYTES, SALT)),
    ),
    "cohort": (hashing.cohort_key(WORD), abi("sheaf/cohort/1", (BYTES, WORD))),
    "committee": (hashing.committee_key(WORD), abi("sheaf/committee/1", (BYTES, WORD))),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_hash_is_sha256_over_abi_words(name: str) -> None:
    found, expected = GOLDEN[name]
    assert found == expected


def test_one_preimage_byte_by_byte() -> None:
    # Written out by hand, without any encoder.
    preimage = (
        b"sheaf/nonce/1"
        + bytes(19)
        + bytes(31)
        + b"\x05"
        + bytes(12)
        + b"\x11" * 20
        + b"\x44" * 32
        + bytes(12)
        + b"\x22" * 20
        + b"\x55" * 32
    )
    assert len(preimage) == 6 * 32
    assert HERE.nonce_hash(TASK, ACCOUNT, WORD) == hashlib.sha256(preimage).digest()


def _verdict(task: bytes, round: int, attempt: int, account: bytes, *parts: Any) -> bytes:
    return HERE.verdict_commitment(task, round, attempt, account, Verdict(*parts))


def _missing(task: bytes, round: int, attempt: int, account: bytes, *parts: Any) -> bytes:
    return HERE.missing_commitment(task, round, attempt, account, Missing(*parts))


def _claim(task: bytes, round: int, attempt: int, counted: int, *roots: bytes) -> bytes:
    return HERE.claim(task, round, attempt, counted, (roots[0], roots[1], roots[2]))


# What each hash binds besides chain and contract; the first is the task, or names what it is of.
BOUND: dict[str, tuple[Callable[..., bytes], Sequence[Any]]] = {
    "task": (HERE.task_id, (SPONSOR, WORD)),
    "nonce": (HERE.nonce_hash, (TASK, ACCOUNT, WORD)),
    "first seed": (HERE.first_seed, (TASK, WORD)),
    "update": (HERE.update_commitment, UPDATE_ARGS),
    "verdict": (_verdict, (TASK, 3, 2, ACCOUNT, 11, WEIGHTS, MODEL, STATE, RECEIPT, SALT)),
    "missing": (_missing, (TASK, 3, 2, ACCOUNT, 4, 9, RECEIPT, SALT)),
    "claim": (_claim, (TASK, 3, 2, 11, WEIGHTS, MODEL, STATE)),
}


def other(value: Any) -> Any:
    """Another value of the same kind."""
    return value + 1 if isinstance(value, int) else bytes([value[0] ^ 1]) + value[1:]


@pytest.mark.parametrize("name", BOUND)
def test_no_replay_across_task_round_attempt_sender(name: str) -> None:
    # Changing any one argument changes the hash, so nothing opened elsewhere opens here.
    function, arguments = BOUND[name]
    found = {function(*arguments)}
    for index, value in enumerate(arguments):
        found.add(function(*arguments[:index], other(value), *arguments[index + 1 :]))
    assert len(found) == 1 + len(arguments)


@pytest.mark.parametrize("elsewhere", [Deployment(6, CONTRACT), Deployment(CHAIN, ACCOUNT)])
def test_no_replay_across_chain_and_contract(elsewhere: Deployment) -> None:
    for name in ("task_id", "nonce_hash", "first_seed", "update_commitment"):
        arguments = BOUND[name.split("_")[0] if name != "first_seed" else "first seed"][1]
        assert getattr(elsewhere, name)(*arguments) != getattr(HERE, name)(*arguments)
    place = (TASK, 3, 2, ACCOUNT)
    assert elsewhere.verdict_commitment(*place, VERDICT) != HERE.verdict_commitment(*place, VERDICT)
    assert elsewhere.missing_commitment(*place, MISSING) != HERE.missing_commitment(*place, MISSING)
    roots = (WEIGHTS, MODEL, STATE)
    assert elsewhere.claim(TASK, 3, 2, 11, roots) != HERE.claim(TASK, 3, 2, 11, roots)


def test_domains_separate_hashes_of_equal_words() -> None:
    names = [name for name in vars(hashing) if name.isupper() and name != "ZERO"]
    domains = {getattr(hashing, name) for name in names}
    assert len(domains) == len(names) == 12
    assert all(len(domain) == 32 for domain in domains)
    assert hashing.cohort_key(WORD) != hashing.committee_key(WORD)


def test_neighbouring_words_do_not_run_together() -> None:
    # (round 1, attempt 12) and (round 11, attempt 2): words are fixed-width.
    claims = {HERE.claim(TASK, r, a, 0, (WORD,) * 3) for r, a in ((1, 12), (11, 2), (112, 0))}
    assert len(claims) == 3


def test_words() -> None:
    assert hashing.word(1) == bytes(31) + b"\x01"
    assert hashing.word(ACCOUNT) == bytes(12) + ACCOUNT
    assert hashing.word(WORD) == WORD
    with pytest.raises(ValueError, match="found 31 bytes"):
        hashing.word(bytes(31))
    with pytest.raises(OverflowError):
        hashing.word(2**256)
    with pytest.raises(OverflowError):
        hashing.word(-1)


def test_exclusive_or() -> None:
    assert hashing.xor(WORD, SALT) == b"\xdd" * 32
    assert hashing.xor(WORD, WORD) == hashing.ZERO
