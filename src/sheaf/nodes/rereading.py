"""The chain that a verification stands on: a ledger file executed again, or blocks read again from
an endpoint, each proved against its header.

What the second shows less is in its limits: it takes the endpoint's word for the state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sheaf.ledger.engine import Block, Header
from sheaf.ledger.errors import Misreported
from sheaf.ledger.federation import Reader
from sheaf.ledger.proving import ProvingClient
from sheaf.nodes.evidence import LIMITS, ORDER, fail

STATE = (
    "that the state follows from the transactions: state roots were not re-executed, and the "
    "contracts' code, the tokens' units and why something was rejected are the endpoint's word"
)
REREAD_LIMITS = (*(limit for limit in LIMITS if limit != ORDER), STATE)


@dataclass(frozen=True)
class Ground:
    """A chain whose blocks were seen: what lies on it after its head, how many `transactions` it
    has and how they were checked. `foreign` tokens may be anybody's contracts."""

    chain_id: int
    head: Header
    code: Callable[[bytes], bytes]
    read: Reader
    transactions: int
    detail: str
    limits: Sequence[str] = LIMITS
    foreign: bool = False


@dataclass(frozen=True)
class Source:
    """Where a run's blocks are read again: from `first`, which the contracts are not older than."""

    client: ProvingClient
    first: int = 0


def reread(source: Source, last: int | None, observe: Callable[[Block], None]) -> Ground:
    """The chain of `source`, every block of which up to `last` (None: the final head) was proved
    and shown to `observe`.

    Raises `VerificationFailed` for a block that the endpoint misreports, and ledger errors where it
    does not answer.
    """
    client, transactions = source.client, 0
    final = client.head().number
    head = final if last is None else last
    if not source.first <= head <= final:
        fail(f"ledger: found final blocks {source.first} to {final}, the run ended in {head}")
    try:
        for number in range(source.first, head + 1):
            block = client.proved(number)
            transactions += len(block.transactions)
            observe(block)
    except Misreported as error:
        fail(f"ledger: {error.message}")
    detail = f"transactions in {head + 1 - source.first} blocks, with receipts, proved by headers"
    return Ground(
        chain_id=client.chain_id,
        head=client.proved(head).header,
        code=client.code,
        read=client.call,
        transactions=transactions,
        detail=detail,
        limits=REREAD_LIMITS,
        foreign=True,
    )
