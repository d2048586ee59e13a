"""The engine alone: strict about what a block may hold, and nothing durable of its own."""

from __future__ import annotations

import json

import pytest

from sheaf.ledger.engine import Genesis, Message
from sheaf.ledger.errors import TimeNotAdvanced, TransactionRefused
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.protocol.errors import LedgerCorrupt
from tests.ledger.chain import CHAIN_ID, FUNDS_WEI, GWEI, START, address_of, raw_transaction

GENESIS = Genesis(CHAIN_ID, START, ((address_of("sponsor"), FUNDS_WEI),))
TO = address_of("auditor")


@pytest.fixture
def nodes() -> dict[bytes, bytes]:
    return {}


@pytest.fixture
def engine(nodes: dict[bytes, bytes]) -> PyEvmEngine:
    return PyEvmEngine.begin(GENESIS, nodes)


def test_headers_are_those_of_a_chain_after_the_merge(engine: PyEvmEngine) -> None:
    block = engine.apply([raw_transaction("sponsor", 0, TO)], START + 3)

    header = block.header
    assert (header.number, header.timestamp) == (1, START + 3)
    assert header.parent_hash == PyEvmEngine.begin(GENESIS, {}).head().hash
    assert (header.nonce, header.mix_hash, header.coinbase) == (bytes(8), bytes(32), bytes(20))
    assert header.gas_limit == GENESIS.gas_limit
    assert header.uncles_hash.hex().startswith("1dcc4de8")
    assert engine.head() == header


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (raw_transaction("sponsor", 2, TO), "nonce"),
        # The price of a gas is 0.875 gwei, the most that may be paid 2 gwei.
        (
            raw_transaction("sponsor", 1, TO, value_wei=FUNDS_WEI - 21_000 * 3 * GWEI, gas=21_000),
            None,
        ),
        (
            raw_transaction("sponsor", 1, TO, value_wei=FUNDS_WEI - 21_000 * 2 * GWEI, gas=21_000),
            "cannot cover",
        ),
        (raw_transaction("sponsor", 1, TO, maxFeePerGas=GWEI // 2), "lower than block's base fee"),
        (raw_transaction("sponsor", 1, TO, gas=GENESIS.gas_limit), "gas"),
        (raw_transaction("sponsor", 1, TO, gas=20_999), "intrinsic"),
        (raw_transaction("sponsor", 1, TO, chainId=5), "chain 5"),
    ],
)
def test_one_invalid_transaction_keeps_the_block_out(
    engine: PyEvmEngine, second: bytes, reason: str | None
) -> None:
    block = [raw_transaction("sponsor", 0, TO), second]
    before = engine.head()
    if reason is None:
        assert len(engine.apply(block, START + 1).receipts) == 2
        return

    with pytest.raises(TransactionRefused, match=reason) as refused:
        engine.apply(block, START + 1)

    assert refused.value.index == 1
    assert engine.head() == before
    assert engine.nonce(address_of("sponsor")) == 0


def test_calls_go_as_deep_as_the_gas_of_a_block(engine: PyEvmEngine) -> None:
    """Each level passes on 63/64 of its gas (EIP-150); all of it must fit Python's own stack."""
    # Call oneself with all gas, results to the first word; return that word plus one.
    runtime = bytes.fromhex("60206000600060006000305af15060005160010160005260206000f3")
    creation = bytes.fromhex(f"60{len(runtime):02x}600c60003960{len(runtime):02x}6000f3")
    block = engine.apply([raw_transaction("sponsor", 0, None, creation + runtime)], START + 1)

    returned = engine.call(Message(block.receipts[0].contract, b"", gas=GENESIS.gas_limit))

    # 10^9 * (63/64)^735 is 9,400: not enough for another level that comes back.
    assert 700 < int.from_bytes(returned) < 800


def test_a_text_of_brackets_is_an_error_and_no_crash() -> None:
    with pytest.raises(RecursionError):
        json.loads("[" * 100_000)


def test_time_must_advance(engine: PyEvmEngine) -> None:
    with pytest.raises(TimeNotAdvanced):
        engine.apply([], START)


def test_the_state_lies_in_the_mapping(engine: PyEvmEngine, nodes: dict[bytes, bytes]) -> None:
    kept = dict(nodes)
    engine.apply([raw_transaction("sponsor", 0, TO, value_wei=9)], START + 1)

    assert PyEvmEngine(CHAIN_ID, dict(nodes)).balance_wei(TO) == 9
    assert PyEvmEngine(CHAIN_ID, kept).balance_wei(TO) == 0
    assert engine.balance_wei(TO, 0) == 0
    with pytest.raises(LookupError, match="no block 2"):
        engine.balance_wei(TO, 2)


def test_a_mapping_with_holes_is_a_corrupt_ledger(
    engine: PyEvmEngine, nodes: dict[bytes, bytes]
) -> None:
    root = engine.head().state_root
    del nodes[root]

    with pytest.raises(LedgerCorrupt, match="lacks a node"):
        PyEvmEngine(CHAIN_ID, nodes).balance_wei(TO)
    with pytest.raises(LedgerCorrupt, match="no head"):
        PyEvmEngine(CHAIN_ID, {}).head()


@pytest.mark.parametrize("stored", [b"", b"\x00", b"\xc2\x80\x80"])
def test_a_head_that_is_no_header_is_a_corrupt_ledger(
    engine: PyEvmEngine, nodes: dict[bytes, bytes], stored: bytes
) -> None:
    """The last one is a list of two, of which no fork has headers."""
    nodes[engine.head().hash] = stored

    with pytest.raises(LedgerCorrupt, match="no head"):
        PyEvmEngine(CHAIN_ID, nodes).head()
