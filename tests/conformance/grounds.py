"""What the contracts under test stand on: the embedded ledger, or a real anvil process.

`pytest --engine anvil` chooses the second. Both take signed transactions and the time of each
block, so that whatever a test says of the contracts it says on either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from eth.vm.forks.cancun import CancunVM
from eth_typing import Address, Hash32

from sheaf.ledger.anvil import Anvil, options, require
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.engine import Block, Message, Receipt
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.ledger.pyevm_records import plain_header
from sheaf.ledger.wire import data, decode_bytes, decode_quantity, decode_receipt, quantity
from tests.conformance.words import word
from tests.engines import CHOSEN, ENGINES, RUNNING

ROOT = Path(__file__).parents[2]
FUNDS_WEI = 10**24
CHUNK = 100

Write = tuple[bytes, int, int]
"""A contract, a slot of its storage, and the value that is put there."""

READER = bytes.fromhex("5f5b80361460135780355481526020016001565b5ff3")
"""Code that returns the words at the slots in its call data: put in a contract's place for the
length of one call, it reads any number of them at once."""


class Ground(Protocol):
    """A chain to put contracts on."""

    branches: ClassVar[bool]
    """Whether a copy and what it was copied from go on side by side."""

    def nonce(self, account: bytes) -> int:
        """The nonce of the account's next transaction, those that wait counted."""

    def submit(self, raw: bytes) -> None:
        """A transaction for the next block."""

    def mine(self, now: int) -> list[Receipt]:
        """A block of what waits, at `now`; what failed has its revert data."""

    def call(self, to: bytes, calldata: bytes) -> bytes:
        """What a call returns at the head."""

    def storage(self, address: bytes, slot: int) -> int:
        """A slot of a contract at the head."""

    def poke(self, writes: Sequence[Write], now: int) -> None:
        """Surgery: a block at `now` that writes without any transaction."""

    def copy(self) -> Ground:
        """The same chain, to go on with."""


class EmbeddedGround:
    """The ledger in this process."""

    branches: ClassVar[bool] = True

    def __init__(self, ledger: EmbeddedLedger) -> None:
        self._ledger = ledger

    @classmethod
    def begin(cls, chain_id: int, funded: Iterable[bytes]) -> EmbeddedGround:
        """A chain whose first block is at time 0."""
        allocation = dict.fromkeys(funded, FUNDS_WEI)
        return cls(
            EmbeddedLedger.create(None, chain_id=chain_id, allocation=allocation, timestamp=0)
        )

    def nonce(self, account: bytes) -> int:
        """As `Ground.nonce`."""
        return self._ledger.engine.nonce(account) + len(self._ledger.waiting_from(account))

    def submit(self, raw: bytes) -> None:
        """As `Ground.submit`."""
        self._ledger.submit(raw)

    def mine(self, now: int) -> list[Receipt]:
        """As `Ground.mine`."""
        return list(self._ledger.mine(now).receipts)

    def call(self, to: bytes, calldata: bytes) -> bytes:
        """As `Ground.call`."""
        return self._ledger.engine.call(Message(to, calldata))

    def storage(self, address: bytes, slot: int) -> int:
        """As `Ground.storage`; the engine's own reading would be most of a test's time."""
        engine = self._ledger.engine
        assert isinstance(engine, PyEvmEngine)
        return word(engine._database, engine.head().state_root, address, slot)

    def poke(self, writes: Sequence[Write], now: int) -> None:
        """As `Ground.poke`."""
        engine = self._ledger.engine
        assert isinstance(engine, PyEvmEngine)
        parent = engine._head()
        header = CancunVM.create_header_from_parent(
            parent,
            timestamp=now,
            gas_limit=parent.gas_limit,
            coinbase=Address(bytes(20)),
            parent_beacon_block_root=Hash32(bytes(32)),
        )
        vm = engine._vm(header)
        for address, slot, value in writes:
            vm.state.set_storage(Address(address), slot, value)
        filled = vm.set_block_transactions_and_withdrawals(vm.get_block(), header, [], [])
        sealed = vm.mine_block(filled).block.header
        engine._chain.persist_header(sealed)
        self._ledger._file.commit(Block(plain_header(sealed), (), ()))

    def copy(self) -> EmbeddedGround:
        """As `Ground.copy`."""
        return EmbeddedGround(self._ledger.copy())


class AnvilGround:
    """An anvil process. There is one history in it: a copy takes it back to where `copy` was first
    called, and the ground before is dead."""

    branches: ClassVar[bool] = False

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, self._endpoint = anvil, Endpoint(anvil.url)
        self._nonces: dict[bytes, int] = {}
        self._waiting: list[str] = []
        self._asked: dict[bytes, set[int]] = {}
        self._words: dict[tuple[bytes, int], int] = {}
        self._snapshot: tuple[str, Mapping[bytes, int]] | None = None

    @classmethod
    def begin(cls, chain_id: int, funded: Iterable[bytes]) -> AnvilGround:
        """A process whose chain's first block is at time 0, and that mines when it is told to."""
        ground = cls(Anvil(require(ROOT), options(chain_id=chain_id, timestamp=0)))
        RUNNING.append(ground)
        balances = [("anvil_setBalance", data(each), quantity(FUNDS_WEI)) for each in funded]
        ground._do(("evm_setAutomine", False), *balances)
        return ground

    def close(self) -> None:
        """End the process."""
        self._endpoint.close()
        self.anvil.close()

    def nonce(self, account: bytes) -> int:
        """As `Ground.nonce`: every transaction goes through here, so they are counted here."""
        nonce = self._nonces.get(account, 0)
        self._nonces[account] = nonce + 1
        return nonce

    def submit(self, raw: bytes) -> None:
        """As `Ground.submit`."""
        self._waiting.append(data(raw))

    def mine(self, now: int) -> list[Receipt]:
        """As `Ground.mine`."""
        sent = [("eth_sendRawTransaction", raw) for raw in self._waiting]
        self._waiting = []
        _, *hashes, _ = self._do(("evm_setNextBlockTimestamp", now), *sent, ("evm_mine",))
        self._words.clear()
        found = self._do(*[("eth_getTransactionReceipt", digest) for digest in hashes])
        return [self._explained(plain) for plain in found]

    def call(self, to: bytes, calldata: bytes) -> bytes:
        """As `Ground.call`."""
        message = {"to": data(to), "data": data(calldata)}
        (returned,) = self._do(("eth_call", message, "latest"))
        return decode_bytes(returned)

    def storage(self, address: bytes, slot: int) -> int:
        """As `Ground.storage`. The first read after a block reads again, at once, all that was ever
        asked for: one request a slot would be most of a test's time."""
        known = self._words.get((address, slot))
        if known is None:
            self._asked.setdefault(address, set()).add(slot)
            self._read_all()
            known = self._words[address, slot]
        return known

    def poke(self, writes: Sequence[Write], now: int) -> None:
        """As `Ground.poke`."""
        changes = [
            ("anvil_setStorageAt", data(address), data(slot.to_bytes(32)), data(value.to_bytes(32)))
            for address, slot, value in writes
        ]
        self._do(*changes, ("evm_setNextBlockTimestamp", now), ("evm_mine",))
        self._words.clear()

    def copy(self) -> AnvilGround:
        """As `Ground.copy`."""
        if self._snapshot is None:
            (name,) = self._do(("evm_snapshot",))
            self._snapshot = name, dict(self._nonces)
        name, nonces = self._snapshot
        # Going back to a snapshot uses it up.
        went, name = self._do(("evm_revert", name), ("evm_snapshot",))
        assert went is True
        self._snapshot = name, nonces
        again = AnvilGround.__new__(AnvilGround)
        again.__dict__ |= self.__dict__
        again._nonces, again._waiting = dict(nonces), []
        again._asked, again._words = {}, {}
        return again

    def _explained(self, plain: Any) -> Receipt:
        if decode_quantity(plain["status"]) == 0:
            tracer = {"tracer": "callTracer"}
            (trace,) = self._do(("debug_traceTransaction", plain["transactionHash"], tracer))
            plain = {**plain, "revertReason": trace.get("output", "0x")}
        return decode_receipt(plain)

    def _read_all(self) -> None:
        wanted = [(address, sorted(slots)) for address, slots in self._asked.items()]
        calls = []
        for address, slots in wanted:
            message = {
                "to": data(address),
                "data": data(b"".join(slot.to_bytes(32) for slot in slots)),
            }
            calls.append(("eth_call", message, "latest", {data(address): {"code": data(READER)}}))
        for (address, slots), returned in zip(wanted, self._do(*calls), strict=True):
            octets = decode_bytes(returned)
            for place, slot in enumerate(slots):
                word = octets[32 * place : 32 * place + 32]
                self._words[address, slot] = int.from_bytes(word)

    def _do(self, *requests: tuple[Any, ...]) -> list[Any]:
        """Results in order; whatever anvil refuses is a failure of the test."""
        results: list[Any] = []
        for start in range(0, len(requests), CHUNK):
            batch = [(request[0], request[1:]) for request in requests[start : start + CHUNK]]
            answers = self._endpoint.make_batch_request(batch)
            assert isinstance(answers, list)
            for request, answer in zip(batch, answers, strict=True):
                assert "error" not in answer, f"{request}: {answer['error']}"
                results.append(answer["result"])
        return results


def begin(chain_id: int, funded: Iterable[bytes]) -> Ground:
    """A fresh chain on the chosen engine."""
    kinds: tuple[type[EmbeddedGround], type[AnvilGround]] = (EmbeddedGround, AnvilGround)
    return kinds[ENGINES.index(CHOSEN[0])].begin(chain_id, funded)
