"""The seam between Sheaf and an EVM: what an engine takes, and what it gives back.

An engine keeps its whole state in the key-value mapping that it is given, so that whoever owns
the mapping decides when a block becomes durable. Addresses are 20 bytes, hashes 32 bytes, amounts
wei, times seconds since the Unix epoch. Records are the Cancun fork's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import rlp
from eth_utils.crypto import keccak

from sheaf.ledger.errors import Reverted

DEFAULT_GAS_LIMIT = 1_000_000_000
"""Gas of an embedded block: wide, so that one batch of a few hundred transactions is one block."""

ZERO_ADDRESS = bytes(20)

_ACCEPTED = {
    "chain_id": range(2**64),
    "gas_limit": range(5000, 2**63),
    "timestamp": range(2**64),
}
"""Numbers of a genesis; of gas limits, those that the rules of a header allow."""


@dataclass(frozen=True, slots=True)
class Genesis:
    """What a chain starts from; the same genesis and transactions give the same chain."""

    chain_id: int
    timestamp: int
    allocation: tuple[tuple[bytes, int], ...]
    gas_limit: int = DEFAULT_GAS_LIMIT

    def document(self) -> str:
        """One JSON text for one genesis."""
        plain = {
            "allocation": [[address.hex(), str(wei)] for address, wei in self.allocation],
            "chain_id": self.chain_id,
            "gas_limit": self.gas_limit,
            "timestamp": self.timestamp,
        }
        return json.dumps(plain, sort_keys=True)

    @classmethod
    def parse(cls, document: str) -> Genesis:
        """What `document` wrote; ValueError for anything else."""
        try:
            plain = json.loads(document)
            allocation = tuple((bytes.fromhex(who), int(wei)) for who, wei in plain["allocation"])
            genesis = cls(plain["chain_id"], plain["timestamp"], allocation, plain["gas_limit"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"unreadable genesis: {error}") from error
        for name, accepted in _ACCEPTED.items():
            if type(plain[name]) is not int or plain[name] not in accepted:
                raise ValueError(f"unreadable genesis: {name} cannot be {plain[name]!r:.40}")
        if any(len(who) != 20 or wei not in range(2**256) for who, wei in allocation):
            raise ValueError("unreadable genesis: what it allocates is no balance of an account")
        if genesis.document() != document:
            raise ValueError("unreadable genesis: not as it is written")
        return genesis


@dataclass(frozen=True, slots=True)
class Header:
    """A block header and the RLP bytes its hash is taken over; what its fork lacks is empty."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    coinbase: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    withdrawals_root: bytes
    uncles_hash: bytes
    logs_bloom: bytes
    gas_limit: int
    gas_used: int
    base_fee_wei: int
    mix_hash: bytes
    nonce: bytes
    extra_data: bytes
    parent_beacon_root: bytes
    encoded: bytes


_HEADER_FIELDS = range(15, 22)
"""How many a header may have: EIP-1559, 4895, 4844, 4788 and 7685 each added some."""


@lru_cache(maxsize=256)
def decode_header(encoded: bytes) -> Header:
    """The header in these RLP bytes; ValueError when they are not one, of Homestead to Prague."""
    try:
        fields = cast(list[bytes], rlp.decode(encoded))
    except rlp.exceptions.RLPException as error:
        raise ValueError(f"not a header: {error}") from error
    if len(fields) not in _HEADER_FIELDS or not all(isinstance(f, bytes) for f in fields):
        raise ValueError(f"not a header: it has {len(fields)} fields")
    fields += [b""] * (_HEADER_FIELDS[-1] - len(fields))
    return Header(
        parent_hash=fields[0],
        uncles_hash=fields[1],
        coinbase=fields[2],
        state_root=fields[3],
        transactions_root=fields[4],
        receipts_root=fields[5],
        logs_bloom=fields[6],
        number=int.from_bytes(fields[8]),
        gas_limit=int.from_bytes(fields[9]),
        gas_used=int.from_bytes(fields[10]),
        timestamp=int.from_bytes(fields[11]),
        extra_data=fields[12],
        mix_hash=fields[13],
        nonce=fields[14],
        base_fee_wei=int.from_bytes(fields[15]),
        withdrawals_root=fields[16],
        parent_beacon_root=fields[19],
        hash=keccak(encoded),
        encoded=encoded,
    )


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed transaction with its sender recovered; `to` is None where it creates a contract."""

    hash: bytes
    raw: bytes
    kind: int
    chain_id: int
    sender: bytes
    nonce: int
    to: bytes | None
    value_wei: int
    data: bytes
    gas: int
    max_fee_wei: int
    priority_fee_wei: int
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...]
    y_parity: int
    r: int
    s: int

    def price_wei(self, base_fee_wei: int) -> int:
        """What a unit of gas costs the sender in a block of this base fee (EIP-1559)."""
        return min(self.max_fee_wei, base_fee_wei + self.priority_fee_wei)

    @property
    def most_wei(self) -> int:
        """The most this transaction can take from its sender."""
        return self.gas * self.max_fee_wei + self.value_wei


@dataclass(frozen=True, slots=True)
class Log:
    """An event as a contract wrote it; `index` counts the logs of the block."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    transaction_index: int
    index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction. `revert_data` is None where it succeeded.

    `encoded` is the form that the receipts root is taken over; a node does not tell it.
    """

    transaction_hash: bytes
    transaction_index: int
    block_number: int
    block_hash: bytes
    status: int
    gas_used: int
    cumulative_gas_used: int
    contract: bytes | None
    logs: tuple[Log, ...]
    revert_data: bytes | None
    encoded: bytes = b""

    def require(self) -> Receipt:
        """This receipt, or Reverted where the transaction failed."""
        if not self.status:
            raise Reverted(self.revert_data or b"")
        return self


@dataclass(frozen=True, slots=True)
class Block:
    """A header with its transactions and their receipts, in order."""

    header: Header
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A call that changes nothing: `to` None tries a contract creation, `gas` None is the limit."""

    to: bytes | None
    data: bytes
    sender: bytes = ZERO_ADDRESS
    value_wei: int = 0
    gas: int | None = None


class Engine(Protocol):
    """Executes whole blocks and answers questions about a block's state (None: the head's)."""

    @property
    def chain_id(self) -> int:
        """The chain id that transactions must be signed for."""

    def head(self) -> Header:
        """The latest header."""

    def next_base_fee_wei(self) -> int:
        """The base fee of the block after the head."""

    def decode(self, raw: bytes) -> Transaction:
        """The transaction in these bytes; TransactionRefused if no block could hold it."""

    def apply(self, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
        """Execute one block on the head and make it the head, in the mapping only.

        TransactionRefused names the first transaction that the rules keep out of the block, and
        TimeNotAdvanced a time not after the head's; the owner of the mapping then drops what was
        written.
        """

    def call(self, message: Message, number: int | None = None) -> bytes:
        """What the call returns; Reverted if it fails."""

    def estimate_gas(self, message: Message, number: int | None = None) -> int:
        """The least gas the message succeeds with as a transaction; Reverted if none does."""

    def balance_wei(self, address: bytes, number: int | None = None) -> int:
        """Balance."""

    def nonce(self, address: bytes, number: int | None = None) -> int:
        """How many transactions the account has sent."""

    def code(self, address: bytes, number: int | None = None) -> bytes:
        """Runtime code, empty for an account without any."""

    def storage(self, address: bytes, slot: int, number: int | None = None) -> int:
        """One storage slot as an integer."""
