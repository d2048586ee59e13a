"""Receipts of a verdict and of an act written out, as examples."""

from __future__ import annotations

from typing import Any

from sheaf.identity.keys import BoundKey
from sheaf.identity.privacy import Budget
from sheaf.identity.statement import Act, MissingChunk, Receipt, Step, Subject

KEY = BoundKey(b"\x01" * 32, b"\x02" * 32)
PUBLIC = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
"""That of KEY, as another implementation (of openssl) gives it."""

STEP = Step(
    chain=2**60,
    contract=bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
    task=b"\x11" * 32,
    account=bytes.fromhex("fb6916095ca1df60bb79ce92ce3ea74c37c5d359"),
    role="aggregator",
    round=3,
    attempt=2,
    base=b"\x22" * 32,
    base_state=b"\x33" * 32,
    chunk_bytes=4096,
    subjects=(Subject("model", b"\x44" * 32), Subject("state", b"\x55" * 32)),
    counted=(0, 2, 3),
)
MISSING = MissingChunk(2, 5)
RECEIPT = Receipt(STEP, b"\x66" * 32, b"\x77" * 32, "0.1.0", KEY.public, KEY.blind)


def written() -> dict[str, Any]:
    """What RECEIPT says, by hand; the addresses in the two forms that EIP-55 gives as examples."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "model", "digest": {"rfc9162_sha256_4096": "44" * 32}},
            {"name": "state", "digest": {"rfc9162_sha256_4096": "55" * 32}},
        ],
        "predicateType": "urn:sheaf:receipt:1",
        "predicate": {
            "task": {
                "chain": "1152921504606846976",
                "contract": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "id": "11" * 32,
            },
            "step": {
                "role": "aggregator",
                "round": "3",
                "attempt": "2",
                "base": {"model": "22" * 32, "state": "33" * 32},
                "chunkBytes": "4096",
                "samples": None,
                "counted": ["0", "2", "3"],
                "missing": None,
            },
            "data": {"policy": {"sha256": "66" * 32}},
            "privacy": {"mechanism": "none", "epsilon": None},
            "software": {"sheaf": "0.1.0", "bundle": {"sha256": "77" * 32}},
            "signer": {
                "account": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                "publicKey": PUBLIC,
                "blind": "02" * 32,
            },
        },
    }


ACT_STEP = Step(
    chain=5,
    contract=STEP.contract,
    task=STEP.task,
    account=STEP.account,
    role="challenger",
    round=3,
    attempt=1,
    base=b"\x22" * 32,
    base_state=bytes(32),
    chunk_bytes=4096,
    subjects=(Subject("update", b"\x44" * 32), Subject("call", b"\x55" * 32, flat=True)),
    counted=(0, 1),
    act=Act("refute", 2, 1),
)
ACT = Receipt(
    ACT_STEP,
    None,
    b"\x77" * 32,
    "0.1.0",
    KEY.public,
    None,
    Budget("gaussian", 1.5, 1e-05),
    b"\x88" * 65,
)


def act_written() -> dict[str, Any]:
    """What ACT says, by hand."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "update", "digest": {"rfc9162_sha256_4096": "44" * 32}},
            {"name": "call", "digest": {"sha256": "55" * 32}},
        ],
        "predicateType": "urn:sheaf:act:1",
        "predicate": {
            "task": {
                "chain": "5",
                "contract": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "id": "11" * 32,
            },
            "step": {
                "role": "challenger",
                "round": "3",
                "attempt": "1",
                "base": {"model": "22" * 32, "state": "00" * 32},
                "chunkBytes": "4096",
                "samples": None,
                "counted": ["0", "1"],
                "missing": None,
                "act": {"name": "refute", "dispute": "2", "position": "1"},
            },
            "data": {"policy": None},
            "privacy": {"mechanism": "gaussian", "epsilon": "1.5", "delta": "1e-05"},
            "software": {"sheaf": "0.1.0", "bundle": {"sha256": "77" * 32}},
            "signer": {
                "account": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                "publicKey": PUBLIC,
                "binding": "88" * 65,
            },
        },
    }
