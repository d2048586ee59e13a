"""What can go wrong between a caller and the chain. The tree, under `protocol.errors.SheafError`:

SheafError
├── LedgerUnavailable    no ledger, or one of another format (protocol.errors)
├── LedgerCorrupt        a ledger file that contradicts itself (protocol.errors)
├── Reverted             the contract refused: `data` holds what it returned
├── TransactionRefused   the chain would not take a transaction at all
└── TimeNotAdvanced      a block whose time is not later than its parent's
"""

from __future__ import annotations

from sheaf.protocol.errors import SheafError


class Reverted(SheafError):
    """A call or transaction that reverted; `data` is its return data (selector and arguments).

    `abi.Interface.decode_error` names it. Out of gas and invalid opcodes leave `data` empty.
    """

    code = "reverted"

    def __init__(self, data: bytes) -> None:
        super().__init__(f"the contract reverted with 0x{data.hex()}")
        self.data = data


class TransactionRefused(SheafError):
    """A transaction that cannot be in the next block; `index` is its place in what was given."""

    code = "transaction_refused"

    def __init__(self, reason: str, index: int = 0) -> None:
        super().__init__(f"transaction {index} was refused: {reason}")
        self.reason = reason
        self.index = index


class TimeNotAdvanced(SheafError):
    """A block's timestamp must be later than its parent's."""

    code = "time_not_advanced"

    def __init__(self, timestamp: int, parent: int) -> None:
        super().__init__(f"block time {timestamp} is not after the head's time {parent}")
