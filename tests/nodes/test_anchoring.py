"""Countersignatures: what is signed, by whom, and what a file of them may not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data

from sheaf.nodes.accounts import development_account
from sheaf.nodes.anchoring import FILE, Countersignature, Statement, countersign, read
from sheaf.nodes.summary import json_text
from sheaf.protocol.errors import VerificationFailed
from tests.e2e.tampering import edit

END = Statement(1337, b"\x03" * 20, b"\x07" * 32, 41, b"\x09" * 32)
PARTICIPANT, CHALLENGER = (development_account(7, name) for name in ("participant-1", "challenger"))


def wallet_message(statement: Statement) -> SignableMessage:
    """The statement as any Ethereum wallet would be given it."""
    return encode_typed_data(
        {
            "name": "Sheaf",
            "version": "1",
            "chainId": statement.chain_id,
            "verifyingContract": "0x" + statement.federation.hex(),
        },
        {
            "Countersignature": [
                {"name": "task", "type": "bytes32"},
                {"name": "block", "type": "uint256"},
                {"name": "head", "type": "bytes32"},
            ]
        },
        {"task": statement.task, "block": statement.block, "head": statement.head},
    )


def test_a_wallet_makes_the_same_signature() -> None:
    made = Countersignature.make(END, PARTICIPANT.key)
    signed = Account.sign_message(wallet_message(END), PARTICIPANT.key)
    assert made.signature == signed.signature
    assert made.account.hex() == Account.from_key(PARTICIPANT.key).address[2:].lower()
    assert made.holds


@pytest.mark.parametrize(
    "other",
    [
        replace(END, chain_id=1),
        replace(END, federation=b"\x04" * 20),
        replace(END, task=b"\x08" * 32),
        replace(END, block=42),
        replace(END, head=b"\x0a" * 32),
    ],
)
def test_every_word_is_signed(other: Statement) -> None:
    made = Countersignature.make(END, PARTICIPANT.key)
    assert not replace(made, statement=other).holds


def test_a_signature_has_one_form_and_one_owner() -> None:
    made = Countersignature.make(END, PARTICIPANT.key)
    assert not replace(made, account=CHALLENGER.address).holds
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = order - int.from_bytes(made.signature[32:64])
    flipped = bytes([27 + 28 - made.signature[64]])
    twin = made.signature[:32] + high.to_bytes(32) + flipped
    # Recovery takes the twin; it is refused because it is another one for the same statement.
    recovered = Account.recover_message(wallet_message(END), signature=twin)
    assert recovered[2:].lower() == made.account.hex()
    assert not replace(made, signature=twin).holds
    for signature in (b"", made.signature[:64], made.signature + b"\0", bytes(65)):
        assert not replace(made, signature=signature).holds


def test_every_account_is_there_once_however_often_it_signs(tmp_path: Path) -> None:
    assert read(tmp_path) == []
    countersign(tmp_path, END, [PARTICIPANT.key])
    countersign(tmp_path, END, [CHALLENGER.key, PARTICIPANT.key])
    later = replace(END, block=42)
    countersign(tmp_path, later, [PARTICIPANT.key])
    assert [(made.account, made.statement) for made in read(tmp_path)] == [
        (PARTICIPANT.address, END),
        (CHALLENGER.address, END),
        (PARTICIPANT.address, later),
    ]


def first(plain: Any) -> Any:
    return plain["countersignatures"][0]


SPOILT: dict[str, tuple[Callable[[Any], object], str]] = {
    "another address": (
        lambda p: first(p).update(address=p["countersignatures"][1]["address"]),
        "is not that account's signature of what it says",
    ),
    "an address of no checksum": (
        lambda p: first(p).update(address=first(p)["address"].lower()),
        "cannot be read: not as it is written",
    ),
    "a chain that is no integer": (
        lambda p: first(p).update(chain_id=1337.0),
        "cannot be read: not as it is written",
    ),
    "a true block": (lambda p: first(p).update(block=True), "cannot be read"),
    "a negative block": (lambda p: first(p).update(block=-1), "cannot be read"),
    "a short task": (lambda p: first(p).update(task="07"), "cannot be read"),
    "a signature of spaces": (
        lambda p: first(p).update(signature=" " + first(p)["signature"]),
        "cannot be read",
    ),
    "a field more": (lambda p: first(p).update(note="x"), "cannot be read"),
    "a field less": (lambda p: first(p).pop("head"), "cannot be read"),
    "twice": (lambda p: p["countersignatures"].append(first(p)), "is there twice"),
    "no list": (lambda p: p.update(countersignatures=3), "cannot be read"),
    "a list of numbers": (lambda p: p.update(countersignatures=[3]), "cannot be read"),
    "something beside": (lambda p: p.update(note="x"), "is not as Sheaf writes it"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_file_is_one_clear_line(name: str, tmp_path: Path) -> None:
    change, expected = SPOILT[name]
    countersign(tmp_path, END, [PARTICIPANT.key, CHALLENGER.key])
    edit(tmp_path / FILE, change)
    with pytest.raises(VerificationFailed) as caught:
        read(tmp_path)
    assert caught.value.message.startswith("countersignatures: ")
    assert expected in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}"])
def test_a_file_of_something_else_is_one_clear_line(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(VerificationFailed, match=r"^countersignatures: .* cannot be read: "):
        read(tmp_path)


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    """Not one byte of the file is decoration."""
    countersign(tmp_path, END, [PARTICIPANT.key])
    path = tmp_path / FILE
    stored = path.read_bytes()
    assert stored.decode() == json_text(json.loads(stored))
    for place in range(len(stored)):
        for bit in (1, 2, 7, 32, 128):
            changed = bytearray(stored)
            changed[place] ^= bit
            path.write_bytes(changed)
            with pytest.raises(VerificationFailed, match=r"^countersignatures: "):
                read(tmp_path)
