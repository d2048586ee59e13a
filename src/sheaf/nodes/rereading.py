"""The chain that a verification stands on: a ledger file executed again, or blocks read again from
an endpoint, each proved against its header.

What the second shows less is in its limits: it takes the endpoint's word for the state, but for the
contracts' code where the endpoint serves proofs of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from eth_utils.address import to_checksum_address

from sheaf.ledger.engine import Block, Header, Message
from sheaf.ledger.errors import Misreported
from sheaf.ledger.federation import Reader
from sheaf.ledger.proving import ProvingClient, may_hold
from sheaf.ledger.reexecute import Difference
from sheaf.ledger.remade import RemadeLedger
from sheaf.nodes.evidence import LIMITS, ORDER, Told, fail, silent
from sheaf.nodes.executing import ALONE, Execution
from sheaf.protocol.errors import LedgerCorrupt, VerificationFailed

STATE = (
    "that the state follows from the transactions: state roots were not re-executed, and the "
    "tokens' units and why something was rejected are the endpoint's word"
)
BLOCKS = "blocks"
"""What is told of while a chain is read."""

REREAD_LIMITS = (*(limit for limit in LIMITS if limit != ORDER), STATE)


Code = Callable[[bytes], tuple[bytes, str]]
"""The code at an address after the head, and why it is no more than an endpoint's word: "" where it
was computed or proved."""


@dataclass(frozen=True)
class Ground:
    """A chain whose blocks were seen: what lies on it after its head, how many `transactions` it
    has and how they were checked. `foreign` tokens may be anybody's contracts; `host` is the
    endpoint whose word is taken, "" where there is none."""

    chain_id: int
    head: Header
    code: Code
    read: Reader
    transactions: int
    detail: str
    limits: Sequence[str] = LIMITS
    foreign: bool = False
    host: str = ""


@dataclass(frozen=True)
class Source:
    """Where a run's blocks are read again: from `first`, which the contracts are not older than."""

    client: ProvingClient
    first: int = 0


def reread(
    source: Source,
    last: int | None,
    observe: Callable[[Block], None],
    only: Sequence[bytes] = (),
    told: Told = silent,
) -> Ground:
    """The chain of `source`, every block of which up to `last` (None: the final head) was proved
    and shown to `observe`; where there are contracts in `only`, those that hold logs of theirs, and
    of the others the headers. `told` is told of each.

    Raises `VerificationFailed` for a block that the endpoint misreports, and ledger errors where it
    does not answer.
    """
    client, transactions, seen = source.client, 0, 0
    final = client.head().number
    head = final if last is None else last
    if not source.first <= head <= final:
        fail(f"ledger: found final blocks {source.first} to {final}, the run ended in {head}")
    try:
        for header in client.headers(source.first, head):
            told(BLOCKS, header.number, head)
            if only and not any(may_hold(header.logs_bloom, address) for address in only):
                continue
            block = client.proved(header.number)
            transactions, seen = transactions + len(block.transactions), seen + 1
            observe(block)
    except Misreported as error:
        fail(f"ledger: {error.message}")
    blocks = head + 1 - source.first
    detail = f"transactions in {seen} blocks, with receipts, proved by headers"
    if only:
        detail += (
            f"; of {blocks - seen} others, which hold no log of the contracts, by header alone"
        )
    return Ground(
        chain_id=client.chain_id,
        head=client.proved(head).header,
        code=partial(_code_after, client, head),
        read=client.call,
        transactions=transactions,
        detail=detail,
        limits=REREAD_LIMITS,
        foreign=True,
        host=client.host,
    )


def _code_after(client: ProvingClient, head: int, address: bytes) -> tuple[bytes, str]:
    try:
        return client.code_after(head, address)
    except Misreported as error:
        fail(f"ledger: {error.message}")


def execute_again(
    path: Path,
    observe: Callable[[Block, RemadeLedger], None],
    names: Mapping[str, str],
    told: Told = silent,
    execution: Execution = ALONE,
) -> Ground:
    """The chain in a ledger file, every block of which was executed again and shown to `observe`,
    with what stands at it or ahead of it. `told` is told of each.

    Raises `VerificationFailed` for the first difference, in which accounts have these `names`, and
    ledger errors where the file cannot be read at all.
    """
    begun: list[tuple[RemadeLedger, int]] = []

    def seen(block: Block) -> None:
        ((remade, height),) = begun
        observe(block, remade)
        told(BLOCKS, block.header.number, height)

    try:
        again = execution.of(path, seen, lambda *each: begun.append(each))
    except LedgerCorrupt as error:
        raise VerificationFailed(f"ledger: {error.message}") from error
    if again.difference is not None:
        _fail_ledger(again.difference, names)
    return Ground(
        chain_id=again.genesis.chain_id,
        head=again.head,
        code=lambda address: (again.remade.code(address), ""),
        read=reader(again.remade),
        transactions=again.transactions,
        detail=f"transactions in {again.blocks} blocks re-executed to the same state roots",
        limits=(*LIMITS, _from_before(again.known)) if again.known else LIMITS,
    )


def _from_before(blocks: int) -> str:
    return (
        f"that blocks 1 to {blocks} give what the ledger says: an earlier verification executed "
        "them, and its own copy, beside its state file, has the same transactions and results"
    )


def _fail_ledger(d: Difference, names: Mapping[str, str]) -> NoReturn:
    """Name block, field and, where somebody sent what is wrong, who that is."""
    accounts, role = ((d.sender,), "sent by") if d.sender else (d.named, "whose logs name")
    told = ", ".join(
        f"{address} ({names.get(address, 'unknown')})"
        for address in map(to_checksum_address, accounts)
    )
    whose = f", {role} {told}" if told else ""
    fail(f"ledger: block {d.block}: {d.field}: found {d.found}, recomputed {d.expected}{whose}")


def reader(remade: RemadeLedger) -> Reader:
    """Calls of contracts after the last block."""
    return lambda contract, calldata: remade.call(Message(contract, calldata))
