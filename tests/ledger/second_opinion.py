"""Apply blocks with the executable specification; run with its folder on the module path.

Reads JSON: `chain_id`, `allocation` (address, wei), `genesis` (header) and `blocks` (header and
raw transactions), bytes as hex. Writes the state root after the genesis and after each block, one
a line. The specification refuses a block whose header differs in any field from what it computes.
"""

# The specification is not in the environment that is checked (second_opinion.txt says why).
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import json
import sys
from typing import Any

from ethereum.forks.cancun.blocks import Block, Header
from ethereum.forks.cancun.fork import BlockChain, state_transition
from ethereum.forks.cancun.fork_types import Address
from ethereum.forks.cancun.state import State, set_account_balance, state_root
from ethereum.forks.cancun.transactions import LegacyTransaction
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes
from ethereum_types.numeric import U64, U256

TYPED_END = 0xC0
"""A typed transaction starts below this byte; a legacy one is an RLP list."""


def block_of(header: Any, raw_transactions: list[str]) -> Any:
    transactions = []
    for text in raw_transactions:
        raw = bytes.fromhex(text)
        legacy = raw[0] >= TYPED_END
        transactions.append(rlp.decode_to(LegacyTransaction, raw) if legacy else Bytes(raw))
    return Block(header=header, transactions=tuple(transactions), ommers=(), withdrawals=())


def header_of(text: str) -> Any:
    return rlp.decode_to(Header, bytes.fromhex(text))


def main() -> None:
    given = json.load(sys.stdin)
    state = State()
    for address, wei in given["allocation"]:
        set_account_balance(state, Address(bytes.fromhex(address)), U256(int(wei)))
    genesis = block_of(header_of(given["genesis"]), [])
    chain = BlockChain(blocks=[genesis], state=state, chain_id=U64(given["chain_id"]))
    sys.stdout.write(f"{state_root(state).hex()}\n")
    for header, raw_transactions in given["blocks"]:
        state_transition(chain, block_of(header_of(header), raw_transactions))
        sys.stdout.write(f"{state_root(state).hex()}\n")


if __name__ == "__main__":
    main()
