"""py-evm behind the seam: Cancun rules, post-merge headers, one whole block at a time.

Applying transactions one by one through py-evm's chain object rebuilds the block each time and
is ten times slower, so this drives the virtual machine itself: execute all, fill the block once,
seal it, keep its header. Nothing is mined by work; the post-merge fields are their constants.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import rlp
from eth import constants
from eth.abc import BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.chains.base import Chain
from eth.consensus.context import ConsensusContext
from eth.db.atomic import AtomicDB
from eth.db.chain import ChainDB
from eth.db.schema import SchemaV1
from eth.exceptions import HeaderNotFound, UnrecognizedTransactionType
from eth.vm.chain_context import ChainContext
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.constants import BLOB_TX_TYPE
from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from eth.vm.interrupt import EVMMissingData
from eth.vm.spoof import SpoofTransaction
from eth_keys.exceptions import BadSignature
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError

from sheaf.ledger.engine import (
    ZERO_ADDRESS,
    Block,
    Genesis,
    Header,
    Message,
    Transaction,
)
from sheaf.ledger.errors import Reverted, TimeNotAdvanced, TransactionRefused
from sheaf.ledger.pyevm_records import (
    plain_header,
    plain_receipts,
    plain_transaction,
    revert_data,
)
from sheaf.ledger.recent import Recent
from sheaf.protocol.errors import LedgerCorrupt

# It logs what is raised through it, with all that it drops for that; whoever wants to see it may
# listen, but where nobody does Python would print it.
for _name in ("eth.db.AtomicDB", "eth.db.AtomicDBWriteBatch"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

_DECODED_BYTES = 16 * 2**20
"""Of transactions that are remembered decoded, since who submits one and who mines it ask twice."""

_DECODED_FIELDS = 2048
"""About what one takes besides its bytes."""

_STIPEND_GAS = 2300
_ZERO_HASH = Hash32(bytes(32))

# Importing py-evm lets Python recurse 100,000 deep, where a nested JSON text overflows the C stack:
# a file could kill who reads it. The deepest calls a block has gas for take a fifth of this.
sys.setrecursionlimit(25_000)


class _Latest(NamedTuple):
    """The head, and its state for reading only."""

    header: BlockHeaderAPI
    plain: Header
    state: StateAPI


class PyEvmEngine:
    """An `Engine` over py-evm whose state lies in `nodes`: trie nodes, code and headers."""

    def __init__(self, chain_id: int, nodes: MutableMapping[bytes, bytes]) -> None:
        self._chain_id = chain_id
        self._database = AtomicDB(cast(Any, nodes))
        self._chain = ChainDB(self._database)
        self._context = ChainContext(chain_id)
        self._latest: _Latest | None = None
        decoded: Recent[bytes, tuple[Transaction, SignedTransactionAPI]] = Recent(_DECODED_BYTES)
        self._decoded = decoded

    @classmethod
    def begin(cls, genesis: Genesis, nodes: MutableMapping[bytes, bytes]) -> PyEvmEngine:
        """Write the genesis state and header into empty `nodes`."""
        engine = cls(genesis.chain_id, nodes)
        chain_class = Chain.configure(
            "EmbeddedChain",
            vm_configuration=((BlockNumber(0), CancunVM),),
            chain_id=genesis.chain_id,
        )
        chain_class.from_genesis(
            engine._database,
            {
                "timestamp": genesis.timestamp,
                "gas_limit": genesis.gas_limit,
                "coinbase": Address(ZERO_ADDRESS),
                "parent_beacon_block_root": _ZERO_HASH,
            },
            {
                Address(address): {"balance": balance, "nonce": 0, "code": b"", "storage": {}}
                for address, balance in genesis.allocation
            },
        )
        return engine

    @property
    def chain_id(self) -> int:
        """The chain id that transactions must be signed for."""
        return self._chain_id

    def head(self) -> Header:
        """The latest header; LedgerCorrupt if the mapping holds none."""
        return self._read_head().plain

    def next_base_fee_wei(self) -> int:
        """The base fee of the block after the head."""
        return calculate_expected_base_fee_per_gas(self._head())

    def decode(self, raw: bytes) -> Transaction:
        """The transaction in these bytes; TransactionRefused if no block could hold it."""
        return self._decode(raw)[0]

    def apply(self, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
        """Execute one block on the head and make it the head (see `Engine.apply`)."""
        parent = self._head()
        if timestamp <= parent.timestamp:
            raise TimeNotAdvanced(timestamp, parent.timestamp)
        pairs = self._decode_all(raw_transactions)
        header = CancunVM.create_header_from_parent(
            parent,
            timestamp=timestamp,
            gas_limit=parent.gas_limit,
            coinbase=Address(ZERO_ADDRESS),
            parent_beacon_block_root=_ZERO_HASH,
        )
        vm = self._vm(header)
        with _whole_state():
            header, receipts, computations = _execute(vm, header, pairs)
            filled = vm.set_block_transactions_and_withdrawals(
                vm.get_block(), header, [signed for _, signed in pairs], receipts
            )
            sealed = vm.mine_block(filled).block.header
        self._chain.persist_header(sealed)
        transactions = tuple(transaction for transaction, _ in pairs)
        head = plain_header(sealed)
        return Block(head, transactions, plain_receipts(head, transactions, receipts, computations))

    def call(self, message: Message, number: int | None = None) -> bytes:
        """What the call returns; Reverted if it fails."""
        computation = self._try(message, self._header(number), message.gas)
        if computation is None:
            raise Reverted(b"")
        if computation.is_error:
            raise Reverted(revert_data(computation))
        return computation.output

    def estimate_gas(self, message: Message, number: int | None = None) -> int:
        """The least gas the message succeeds with as a transaction; Reverted if none does."""
        header = self._header(number)
        most = message.gas or header.gas_limit
        computation = self._try(message, header, most)
        if computation is None or computation.is_error:
            raise Reverted(b"" if computation is None else revert_data(computation))
        enough, short = most, constants.GAS_TX - 1
        # A call keeps back a 64th of the gas at each depth, so what was used may not suffice;
        # one depth above it nearly always does, which spares most of the halving.
        guess = (most - computation.get_gas_remaining() + _STIPEND_GAS) * 64 // 63
        while short + 1 < enough:
            middle = guess if short < guess < enough else (short + enough) // 2
            guess = 0
            tried = self._try(message, header, middle)
            if tried is None or tried.is_error:
                short = middle
            else:
                enough = middle
        return enough

    def balance_wei(self, address: bytes, number: int | None = None) -> int:
        """Balance."""
        with _whole_state():
            return self._state(number).get_balance(Address(address))

    def nonce(self, address: bytes, number: int | None = None) -> int:
        """How many transactions the account has sent."""
        with _whole_state():
            return self._state(number).get_nonce(Address(address))

    def code(self, address: bytes, number: int | None = None) -> bytes:
        """Runtime code, empty for an account without any."""
        with _whole_state():
            return self._state(number).get_code(Address(address))

    def storage(self, address: bytes, slot: int, number: int | None = None) -> int:
        """One storage slot as an integer."""
        with _whole_state():
            return self._state(number).get_storage(Address(address), slot)

    def _head(self) -> BlockHeaderAPI:
        return self._read_head().header

    def _read_head(self) -> _Latest:
        """The head that the mapping names now: its owner may have dropped the last block."""
        try:
            digest = self._database[SchemaV1.make_canonical_head_hash_lookup_key()]
            if self._latest is None or self._latest.plain.hash != digest:
                header = self._chain.get_canonical_head()
                plain = plain_header(header)
                self._latest = _Latest(header, plain, self._vm(header).state)
        except (KeyError, ValueError, HeaderNotFound, rlp.exceptions.RLPException) as error:
            raise LedgerCorrupt("the ledger's state holds no head") from error
        return self._latest

    def _header(self, number: int | None) -> BlockHeaderAPI:
        if number is None:
            return self._head()
        try:
            return self._chain.get_canonical_block_header_by_number(BlockNumber(number))
        except HeaderNotFound as error:
            raise LookupError(f"no block {number}") from error

    def _vm(self, header: BlockHeaderAPI) -> CancunVM:
        return CancunVM(header, self._chain, self._context, ConsensusContext(self._database))

    def _state(self, number: int | None) -> StateAPI:
        if number is None:
            return self._read_head().state
        return self._vm(self._header(number)).state

    def _decode_all(
        self, raw_transactions: Sequence[bytes]
    ) -> list[tuple[Transaction, SignedTransactionAPI]]:
        pairs = []
        for index, raw in enumerate(raw_transactions):
            try:
                pairs.append(self._decode(raw))
            except TransactionRefused as refused:
                raise TransactionRefused(refused.reason, index) from refused
        return pairs

    def _decode(self, raw: bytes) -> tuple[Transaction, SignedTransactionAPI]:
        known = self._decoded.get(raw)
        if known is not None:
            return known
        try:
            signed = CancunVM.get_transaction_builder().decode(raw)
            transaction = plain_transaction(raw, signed)
        except (
            rlp.exceptions.RLPException,
            ValidationError,
            BadSignature,
            UnrecognizedTransactionType,
            IndexError,
            ValueError,
        ) as error:
            raise TransactionRefused(f"not a signed transaction ({error})") from error
        self._require_valid(transaction, signed)
        self._decoded.add(raw, (transaction, signed), 2 * len(raw) + _DECODED_FIELDS)
        return transaction, signed

    def _require_valid(self, transaction: Transaction, signed: SignedTransactionAPI) -> None:
        """The rules that py-evm leaves to its caller, before any state is read."""
        if transaction.chain_id != self._chain_id:
            raise TransactionRefused(
                f"signed for chain {transaction.chain_id}, not {self._chain_id}"
            )
        if transaction.kind == BLOB_TX_TYPE:
            raise TransactionRefused("blob transactions are not carried by this chain")
        if transaction.gas < signed.intrinsic_gas:
            raise TransactionRefused(
                f"gas {transaction.gas} is below the intrinsic {signed.intrinsic_gas}"
            )
        if transaction.priority_fee_wei > transaction.max_fee_wei:
            raise TransactionRefused("the priority fee is above the maximum fee")

    def _try(
        self, message: Message, header: BlockHeaderAPI, gas: int | None
    ) -> ComputationAPI | None:
        """Run a message on the state after `header`, for free; None if no transaction could be.

        The state is thrown away with the virtual machine: nothing is written before a persist.
        """
        state = self._vm(header.copy(base_fee_per_gas=0)).state
        unsigned = CancunVM.create_unsigned_transaction(
            nonce=state.get_nonce(Address(message.sender)),
            gas_price=0,
            gas=header.gas_limit if gas is None else gas,
            to=Address(message.to or constants.CREATE_CONTRACT_ADDRESS),
            value=message.value_wei,
            data=message.data,
        )
        if unsigned.gas < unsigned.intrinsic_gas:
            return None
        spoofed = cast(SignedTransactionAPI, SpoofTransaction(unsigned, from_=message.sender))
        try:
            with _whole_state():
                return state.apply_transaction(spoofed)
        except ValidationError:
            return None


@contextmanager
def _whole_state() -> Iterator[None]:
    """A trie node or code that the mapping lacks means the ledger is damaged."""
    try:
        yield
    except EVMMissingData as error:
        raise LedgerCorrupt(f"the ledger's state lacks a node ({error})") from error


def _execute(
    vm: CancunVM,
    header: BlockHeaderAPI,
    pairs: Sequence[tuple[Transaction, SignedTransactionAPI]],
) -> tuple[BlockHeaderAPI, list[ReceiptAPI], list[ComputationAPI]]:
    """Run every transaction in one state, or refuse the first that the block cannot hold."""
    receipts, computations = [], []
    for index, (transaction, signed) in enumerate(pairs):
        # py-evm compares the balance with the price paid; the rule is the most it may pay.
        if vm.state.get_balance(signed.sender) < transaction.most_wei:
            raise TransactionRefused("the sender cannot cover its value and maximum fee", index)
        try:
            receipt, computation = vm.apply_transaction(header, signed)
        except ValidationError as error:
            raise TransactionRefused(str(error), index) from error
        header = vm.add_receipt_to_header(header, receipt)
        receipts.append(receipt)
        computations.append(computation)
    return header, receipts, computations
