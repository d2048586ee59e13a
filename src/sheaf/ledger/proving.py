"""The client of an endpoint that nobody has to believe in what the federation did.

It reads final blocks only. Every header must hash to its block's hash and name its parent's; every
receipt and log comes out of a block whose roots it was proved against, and a block whose bloom
filter says that it holds none of a contract's logs is not asked for more. So an endpoint can invent
a whole chain, but leave nothing out of one, and it cannot change its mind. Code is proved against
a header's state root where the endpoint serves proofs; calls and balances are its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import Web3

from sheaf.ledger.client import Call, Client, Confirm, Head, Included, sensible
from sheaf.ledger.engine import Block, Header, Log, Receipt
from sheaf.ledger.errors import Misreported
from sheaf.ledger.finality import LATEST, Finality
from sheaf.ledger.inclusion import StateProof, proved_account
from sheaf.ledger.recent import Recent
from sheaf.ledger.rpc_records import prove_block, prove_header
from sheaf.ledger.wire import data, decode_bytes, decode_log, quantity
from sheaf.protocol.errors import LedgerUnavailable

T = TypeVar("T")

_CHUNK = 100
_HEADERS_BYTES = 8 * 2**20
_BLOCKS_BYTES = 64 * 2**20
"""What is remembered of headers and of whole blocks: an endpoint says how large one is."""

_BLOOM_BITS = 2048


class ProvingClient(Client):
    """A `Client` that proves what it reads; see the module. Errors: Misreported, besides."""

    def __init__(
        self,
        web3: Web3,
        keys: Iterable[bytes] = (),
        confirm: Confirm | None = None,
        finality: Finality = LATEST,
    ) -> None:
        self._finality = finality
        self._headers: Recent[int, Header] = Recent(_HEADERS_BYTES)
        self._blocks: Recent[int, Block] = Recent(_BLOCKS_BYTES)
        super().__init__(web3, keys, confirm)

    def head(self) -> Head:
        """The latest block that is final by the rule."""
        newest = self.block(self._finality.tag)
        (header,) = self._read_headers([max(0, newest.number - self._finality.blocks)])
        return Head(header.number, header.hash, header.timestamp)

    def logs(
        self,
        address: bytes,
        from_block: int = 0,
        to_block: int | None = None,
        topics: Sequence[bytes | None] = (),
    ) -> list[Log]:
        """As `Client.logs`; None is the final head."""
        last = self.head().number if to_block is None else to_block
        return [
            log
            for header in self.headers(from_block, last)
            if may_hold(header.logs_bloom, address)
            for receipt in self.proved(header.number).receipts
            for log in receipt.logs
            if log.address == address and _fits(log, topics)
        ]

    def headers(self, first: int, last: int) -> Iterator[Header]:
        """The final headers first..last, each the next one's parent."""
        for start in range(first, last + 1, _CHUNK):
            yield from self._read_headers(range(start, min(start + _CHUNK, last + 1)))

    def number_of(self, block_hash: bytes) -> int | None:
        """The number of the final block of this hash; None where the endpoint has none."""
        plain = self._ask(lambda told: told, "eth_getBlockByHash", data(block_hash), False)
        if plain is None:
            return None
        with sensible("eth_getBlockByHash"):
            header = prove_header(plain)
        if header.hash != block_hash:
            raise Misreported(header.number, "hash", data(header.hash), data(block_hash))
        final = header.number <= self.head().number
        return header.number if final and self._is_final(header) else None

    def told_logs(self, topics: Sequence[bytes], first: int = 0) -> list[Log]:
        """Logs of any contract from block `first` on, as the endpoint tells them: hints of where to
        look, which prove nothing."""
        wanted = {"fromBlock": quantity(first), "topics": [data(topic) for topic in topics]}
        return self._ask(lambda told: [decode_log(each) for each in told], "eth_getLogs", wanted)

    def proved(self, number: int) -> Block:
        """A final block, whole."""
        (header,) = self._read_headers([number])
        block = self._blocks.get(number)
        if block is None:
            plain = self._ask(_record, "eth_getBlockByNumber", quantity(number), True)
            receipts = self._receipts(plain)
            with sensible(f"block {number}"):
                block = prove_block(plain, receipts)
            _require_same(header, block.header)
            self._blocks.add(number, block, _size_bytes(block))
        return block

    def state_proof(self, number: int, address: bytes, slots: Sequence[int]) -> StateProof:
        """What the endpoint says proves an account after a block, and some of its slots: whoever
        uses it checks it. LedgerUnavailable where the endpoint does not keep that state."""
        asked = [data(address), [quantity(slot) for slot in slots], quantity(number)]
        return self._ask(_state_proof, "eth_getProof", *asked)

    def code_after(self, number: int, address: bytes) -> tuple[bytes, str]:
        """The runtime code at an address after a final block, proved by that block's state root;
        and why it is not, where the endpoint serves no proof, "" where it is.

        Raises Misreported for a proof that does not hold, or other code than the one proved.
        """
        (header,) = self._read_headers([number])
        place = quantity(number)
        (told,) = self._responses("eth_getProof", [[data(address), [], place]])
        if "error" in told:
            return self.code(address), str(told["error"]["message"])
        with sensible("eth_getProof"):
            proof = _state_proof(told["result"])
        if not proof.account or keccak(proof.account[0]) != header.state_root:
            # Development chains prove their latest state, whatever they are asked for.
            return self.code(address), "its proof is of another state"
        code = self._ask(decode_bytes, "eth_getCode", data(address), place)
        try:
            proved = proved_account(header.state_root, address, proof.account).code_hash
        except ValueError as error:
            root = f"the state root {data(header.state_root)}"
            what = f"the account {to_checksum_address(address)}"
            raise Misreported(number, what, f"no proof ({error})", root) from None
        if keccak(code) != proved:
            what = f"the code of {to_checksum_address(address)}"
            raise Misreported(number, what, f"one of hash {data(keccak(code))}", data(proved))
        return code, ""

    def transactions(self, number: int) -> list[Included]:
        """As `Client.transactions`, of a final block."""
        block, found = self.proved(number), []
        for sent, receipt in zip(block.transactions, block.receipts, strict=True):
            call = Call(sent.sender, sent.to, sent.data, sent.gas, sent.value_wei)
            explained = self._explained(receipt, call)
            found.append(Included(sent.sender, sent.to, sent.data, explained))
        return found

    def waiting(self) -> bool:
        """Whether anything that its accounts have sent is not in a final block yet."""
        method, final = "eth_getTransactionCount", quantity(self.head().number)
        accounts = [data(account) for account in self.accounts]
        tags = [[account, tag] for account in accounts for tag in ("pending", final)]
        answers = self._ask_all(method, tags) if tags else []
        return any(sent != known for sent, known in zip(answers[::2], answers[1::2], strict=True))

    def _final_receipts(self, hashes: Sequence[bytes]) -> dict[bytes, Receipt]:
        final = self.head().number
        places = {receipt.block_number for receipt in super()._final_receipts(hashes).values()}
        blocks = [self.proved(number) for number in sorted(places) if number <= final]
        wanted = set(hashes)
        return {
            receipt.transaction_hash: receipt
            for block in blocks
            for receipt in block.receipts
            if receipt.transaction_hash in wanted
        }

    def _broadcast(self, signed: Sequence[bytes]) -> list[str | None]:
        """As `Client._broadcast`. Where the answer is lost, the node is asked what it has."""
        try:
            return super()._broadcast(signed)
        except LedgerUnavailable as error:
            self._nonces.clear()
            hashes = [data(keccak(raw)) for raw in signed]
            known = self._ask_all("eth_getTransactionByHash", [[digest] for digest in hashes])
            if None in known:
                raise LedgerUnavailable(
                    f"{error.message}; it may have taken transaction {hashes[known.index(None)]}, "
                    "which was not sent again"
                ) from None
            return [None] * len(signed)

    def _is_final(self, header: Header) -> bool:
        """Whether a header is that of the chain at its height."""
        return self._read_headers([header.number])[0].hash == header.hash

    def _read_headers(self, numbers: Sequence[int]) -> list[Header]:
        """Headers of final blocks, linked to those that are known already."""
        # Set aside: what is kept may be dropped for what is read now.
        known = {n: self._headers.get(n) for n in numbers}
        found = {n: header for n, header in known.items() if header is not None}
        missing = [number for number in numbers if number not in found]
        wanted = [[quantity(number), False] for number in missing]
        answers = self._ask_all("eth_getBlockByNumber", wanted) if wanted else []
        for number, plain in zip(missing, answers, strict=True):
            if plain is None:
                raise LedgerUnavailable(f"the endpoint has no block {number}")
            with sensible("eth_getBlockByNumber"):
                header = prove_header(plain)
            self._link(number, header)
            found[number] = header
        return [found[number] for number in numbers]

    def _link(self, number: int, header: Header) -> None:
        """Keep a header that fits to its neighbours."""
        if header.number != number:
            raise Misreported(number, "number", quantity(header.number), quantity(number))
        before, after = self._headers.get(number - 1), self._headers.get(number + 1)
        if before is not None and before.hash != header.parent_hash:
            _reorganised(before)
        if after is not None and after.parent_hash != header.hash:
            _reorganised(after)
        self._headers.add(number, header, 2 * len(header.encoded))

    def _receipts(self, plain: Mapping[str, Any]) -> list[Any]:
        """A block's receipts, one by one where the node does not give them at once."""
        hashes = [[each["hash"]] for each in plain["transactions"]]
        if not hashes:
            return []
        (answer,) = self._responses("eth_getBlockReceipts", [[plain["number"]]])
        if isinstance(answer.get("result"), list):
            return list(answer["result"])
        return self._ask_all("eth_getTransactionReceipt", hashes)


def may_hold(bloom: bytes, address: bytes) -> bool:
    """Whether a block of this bloom filter may hold a log of this contract (Yellow Paper 4.3.1)."""
    digest, bits = keccak(address), int.from_bytes(bloom)
    places = (int.from_bytes(digest[at : at + 2]) % _BLOOM_BITS for at in (0, 2, 4))
    return all(bits >> place & 1 for place in places)


def _state_proof(plain: Any) -> StateProof:
    account = tuple(decode_bytes(node) for node in plain["accountProof"])
    slots = (each["proof"] for each in plain["storageProof"])
    return StateProof(account, tuple(tuple(map(decode_bytes, nodes)) for nodes in slots))


def _record(plain: Any) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        raise TypeError("no block")
    return plain


def _fits(log: Log, topics: Sequence[bytes | None]) -> bool:
    return len(log.topics) >= len(topics) and all(
        wanted in (None, found) for wanted, found in zip(topics, log.topics, strict=False)
    )


def _size_bytes(block: Block) -> int:
    """About what a block takes: its fields have its bytes again."""
    sent = sum(len(each.raw) for each in block.transactions)
    received = sum(len(each.encoded) for each in block.receipts)
    return 2 * (len(block.header.encoded) + sent + received)


def _require_same(known: Header, told: Header) -> None:
    if known.hash != told.hash:
        _reorganised(known)


def _reorganised(header: Header) -> None:
    raise LedgerUnavailable(
        f"block {header.number}, which was final, is another block now: the chain was reorganised "
        "deeper than ledger.finality says, or the endpoint lies"
    )
