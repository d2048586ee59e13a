"""What can go wrong between a caller and the chain. The tree, under `protocol.errors.SheafError`:

SheafError
├── LedgerUnavailable    no ledger, or one of another format (protocol.errors)
│   ├── LedgerInUse      somebody else has the file to itself
│   └── Misanswered      an endpoint's answer that is none to what was asked
├── LedgerCorrupt        a ledger file that contradicts itself (protocol.errors)
├── Reverted             the contract refused: `data` holds what it returned
├── TransactionRefused   the chain would not take a transaction at all
├── Unfunded             an account that cannot pay for what it is to send
├── Misreported          an endpoint's answer that its own headers disprove
└── TimeNotAdvanced      a block whose time is not later than its parent's
"""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from sheaf.protocol.errors import LedgerUnavailable, SheafError


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


class Unfunded(SheafError):
    """An account without the means to pay what it is to send."""

    code = "unfunded"
    exit_code = 3

    def __init__(self, account: bytes, balance: object, need: int, unit: str = "wei") -> None:
        super().__init__(
            f"account {to_checksum_address(account)} is not funded: "
            f"found {balance} {unit}, accepted: at least {need}"
        )


class LedgerInUse(LedgerUnavailable):
    """A file that another process has to itself."""

    code = "ledger_in_use"


class Misanswered(LedgerUnavailable):
    """An endpoint's answer that is malformed, or no answer to what was asked."""

    code = "misanswered"

    def __init__(self, endpoint: str, method: str, found: str, accepted: str) -> None:
        super().__init__(f"{endpoint}: {method}: found {found}, accepted: {accepted}")


class Misreported(SheafError):
    """Something an endpoint said of a block that does not fit what else it said of it."""

    code = "misreported"
    exit_code = 4

    def __init__(self, block: int, what: str, found: str, expected: str) -> None:
        super().__init__(
            f"the endpoint contradicts itself in block {block}: {what}: "
            f"found {found}, proved {expected}"
        )


class TimeNotAdvanced(SheafError):
    """A block's timestamp must be later than its parent's."""

    code = "time_not_advanced"

    def __init__(self, timestamp: int, parent: int) -> None:
        super().__init__(f"block time {timestamp} is not after the head's time {parent}")
