"""Merkle-Patricia proofs: the trie library reads what is made, and nothing else passes a check."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import rlp
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from sheaf.ledger.archive import FileArchive
from sheaf.ledger.inclusion import (
    Proof,
    logs_of,
    mapping_slot,
    proved_account,
    proved_receipt,
    proved_slot,
    receipt_proof,
)
from sheaf.protocol.errors import LedgerUnavailable
from tests.ledger.chain import (
    CELL_RUNTIME,
    START,
    STORED,
    address_of,
    deploy_cell,
    new_ledger,
    raw_transaction,
    slot_of,
    word,
)

PLACES = [(1, 0), (2, 0), (2, 1), (17, 15), (17, 16), (129, 0), (129, 77), (129, 127), (300, 299)]
"""A block's count of receipts and one of them: keys are RLP of the position, so paths differ."""


def receipts(count: int) -> list[bytes]:
    """Values of which some are short enough to lie in their parent."""
    return [bytes([1 + at % 7]) * (3 + 40 * (at % 3)) + rlp.encode(at) for at in range(count)]


def root_of(values: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[rlp.encode(index)] = value
    return bytes(trie.root_hash)


@pytest.mark.parametrize(("count", "index"), PLACES)
def test_a_receipt_of_a_block_is_proved(count: int, index: int) -> None:
    values = receipts(count)
    root, proof = root_of(values), receipt_proof(values, index)
    assert proved_receipt(root, index, proof) == values[index]
    key, nodes = rlp.encode(index), [rlp.decode(node) for node in proof]
    known = HexaryTrie.get_from_proof(root, key, nodes)  # type: ignore[no-untyped-call]
    assert known == values[index]


def longer(proof: Proof) -> Proof:
    return (*proof, proof[-1])


def flipped(proof: Proof) -> Proof:
    last = bytearray(proof[-1])
    last[-1] ^= 1
    return (*proof[:-1], bytes(last))


FORGERIES: list[Callable[[Proof], Proof]] = [
    longer,
    flipped,
    lambda proof: proof[:-1],
    lambda proof: proof[1:],
    lambda proof: proof[::-1],
    lambda proof: (),
    lambda proof: (*proof[:-1], b""),
    lambda proof: (*proof[:-1], rlp.encode([b"", b""])),
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_proof_proves_nothing(forge: Callable[[Proof], Proof]) -> None:
    values = receipts(129)
    root, proof = root_of(values), receipt_proof(values, 77)
    assert len(proof) == 3
    with pytest.raises(ValueError, match=r"proof|found node"):
        proved_receipt(root, 77, forge(proof))


def test_a_proof_is_of_one_position_and_one_root() -> None:
    values = receipts(129)
    proof = receipt_proof(values, 77)
    with pytest.raises(ValueError, match="proof"):
        proved_receipt(root_of(values), 78, proof)
    with pytest.raises(ValueError, match="found node"):
        proved_receipt(root_of(values[:-1]), 77, proof)


def test_the_only_receipt_of_a_block_is_at_its_place_alone() -> None:
    """Its root is a leaf, which nothing but the rest of its key tells from another's."""
    values = receipts(1)
    with pytest.raises(ValueError, match="another key"):
        proved_receipt(root_of(values), 1, receipt_proof(values, 0))


def test_a_node_that_is_no_node_is_refused() -> None:
    """Although it hashes to the root: whoever makes up a header makes up its roots as well."""
    for content in (b"\x80", rlp.encode([b"a"] * 3), rlp.encode([b"\x50", b"a"]), b"\xc1" * 9):
        with pytest.raises(ValueError, match="found"):
            proved_receipt(keccak(content), 0, (content,))


RLP = st.recursive(
    st.binary(max_size=40), lambda inner: st.lists(inner, max_size=17), max_leaves=20
)


@given(st.lists(RLP, min_size=1, max_size=3), st.binary(min_size=20, max_size=20))
@settings(max_examples=500, deadline=None)
def test_whatever_somebody_calls_a_state_is_an_account_or_none(
    content: list[object], address: bytes
) -> None:
    """Each node names the next where it can, since whoever makes up a header makes up its roots."""
    nodes = [rlp.encode(content[-1])]
    for each in content[-2::-1]:
        nodes.insert(0, rlp.encode([each, keccak(nodes[0])]))
    # A leaf at the end of that account's whole key.
    key = keccak(address)
    for proof in (nodes, [rlp.encode([b"\x20" + key, rlp.encode(content[0])])]):
        account = None
        with suppress(ValueError):
            account = proved_account(keccak(proof[0]), address, tuple(proof))
        assert account is None or len(account.code_hash) == 32


def test_an_account_is_four_byte_strings() -> None:
    address = bytes(20)
    for fields, holds in (
        ([b"\x01", b"\x02", b"\x03" * 32, b"\x04" * 32], True),
        ([b"\x01", b"\x02", b"\x03" * 32, b"\x04" * 31], False),
        ([[], b"\x02", b"\x03" * 32, b"\x04" * 32], False),
        ([b"\x01", b"\x02", b"\x03" * 32, [b"\x04"] * 32], False),
    ):
        leaf = rlp.encode([b"\x20" + keccak(address), rlp.encode(fields)])
        if holds:
            assert proved_account(keccak(leaf), address, (leaf,)).nonce == 1
        else:
            with pytest.raises(ValueError, match="found no account in the proof"):
                proved_account(keccak(leaf), address, (leaf,))


def test_a_value_that_is_absent_is_not_proved() -> None:
    branch = rlp.encode([b""] * 17)
    with pytest.raises(ValueError, match="ends before"):
        proved_receipt(keccak(branch), 0, (branch,))


@pytest.fixture
def file(tmp_path: Path) -> tuple[Path, bytes]:
    """A ledger on which two roles have written to a cell."""
    path = tmp_path / "ledger.db"
    ledger = new_ledger(path)
    cell = deploy_cell(ledger, START + 1)
    for role, number in (("participant 1", 5), ("participant 2", 0), ("aggregator", 7)):
        ledger.submit(raw_transaction(role, 0, cell, word(number)))
    ledger.mine(START + 2)
    ledger.close()
    return path, cell


def test_an_account_and_its_storage_are_proved(file: tuple[Path, bytes]) -> None:
    path, cell = file
    with FileArchive.opened(path) as archive:
        (head,) = archive.headers(2, 2)
        slots = [slot_of("participant 1"), slot_of("aggregator")]
        state = archive.state(head, cell, slots)
    assert state is not None
    account = proved_account(head.state_root, cell, state.account)
    assert account.code_hash == keccak(CELL_RUNTIME)
    assert (account.nonce, account.balance_wei) == (1, 0)
    words = [
        proved_slot(account.storage_root, s, p) for s, p in zip(slots, state.slots, strict=True)
    ]
    assert words == [word(5), word(7)]
    with pytest.raises(ValueError, match=r"proof|found node"):
        proved_account(head.state_root, address_of("sponsor"), state.account)
    with pytest.raises(ValueError, match=r"proof|found node"):
        proved_slot(account.storage_root, slots[0], state.slots[1])


def test_logs_are_read_out_of_receipts(file: tuple[Path, bytes]) -> None:
    path, cell = file
    with FileArchive.opened(path) as archive:
        found = [list(logs_of(encoded)) for encoded in archive.receipts(2)]
    assert [[(log.address, log.data, log.index) for log in logs] for logs in found] == [
        [(cell, word(5), 0)],
        [],
        [(cell, word(7), 0)],
    ]
    assert found[0][0].topics == (STORED, word(slot_of("participant 1")))


def test_a_block_that_is_not_there(file: tuple[Path, bytes]) -> None:
    with (
        FileArchive.opened(file[0]) as archive,
        pytest.raises(LedgerUnavailable, match="no block 3"),
    ):
        archive.headers(1, 4)


def test_a_mapping_lies_where_solidity_puts_it() -> None:
    """The published example of a mapping in slot 0: Keccak-256 of 64 zero bytes."""
    known = "ad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5"
    assert mapping_slot(0, bytes(32)) == int(known, 16)
