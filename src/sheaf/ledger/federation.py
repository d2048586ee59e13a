"""A deployed federation: protocol actions in, protocol events and rejections out.

Everything above this file speaks in `sheaf.protocol`; everything below in transactions and logs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

from eth_utils.address import to_checksum_address

from sheaf.ledger.abi import Interface, merged
from sheaf.ledger.artifacts import artifact
from sheaf.ledger.client import Call, Client
from sheaf.ledger.engine import Log, Receipt
from sheaf.ledger.errors import Reverted, Unfunded
from sheaf.protocol import actions
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import LedgerUnavailable, Reason, Rejected
from sheaf.protocol.events import EVENTS, Withdrawn
from sheaf.protocol.hashing import Deployment

GAS = {
    actions.Publish: 2_000_000,
    actions.Settle: 12_000_000,
    actions.Advance: 2_000_000,
    actions.Challenge: 4_000_000,
    actions.Refute: 1_000_000,
    actions.Unfold: 1_000_000,
    actions.Pick: 1_000_000,
    actions.Demand: 1_000_000,
    actions.Supply: 1_000_000,
    actions.Decide: 1_000_000,
}
"""Gas limits of actions that need more than the default."""

NOTE_BYTES = 32
NO_NOTE = bytes(NOTE_BYTES)
"""What may stand behind a call's arguments: a word that no contract reads, and that the sender
signs with the transaction."""

DEFAULT_GAS = 400_000
SYMBOL = 64
"""Characters of a token's symbol, which stands in reports."""
DEPLOYMENT_GAS = 10_000_000
REASONS = {reason.value: reason for reason in Reason}


Reader = Callable[[bytes, bytes], bytes]
"""Answers a call (contract, call data) without changing anything."""


@dataclass(frozen=True)
class AddressBook:
    """Where a deployment's contracts are; addresses of 20 bytes."""

    chain_id: int
    federation: bytes
    court: bytes
    vault: bytes
    stake_token: bytes
    reward_token: bytes

    @property
    def deployment(self) -> Deployment:
        """What the protocol's hashes are bound to."""
        return Deployment(self.chain_id, self.federation)


@dataclass(frozen=True)
class Outcome:
    """What became of an action: its gas, and why it failed, if it did: `Rejected` by the protocol,
    or `Reverted` outside of it, such as by a token without allowance."""

    action: Action
    gas: int
    failure: Rejected | Reverted | None


@cache
def federation_interface() -> Interface:
    """The functions, errors and events of a federation and of the court, which is code of it."""
    own = [kind for kind in EVENTS.values() if kind is not Withdrawn]
    return Interface(merged(artifact("Federation").abi, artifact("Court").abi), own)


@cache
def vault_interface() -> Interface:
    """The vault's functions, errors and events."""
    return Interface(artifact("Vault").abi, [Withdrawn])


@cache
def token_interface() -> Interface:
    """The ERC-20 of the embedded ledger."""
    return Interface(artifact("Token").abi)


class FederationClient:
    """Sends actions for the accounts of `client`, and reads what happened."""

    def __init__(self, client: Client, book: AddressBook) -> None:
        self.client = client
        self.book = book

    def send(
        self, orders: Sequence[tuple[bytes, Action]], notes: Sequence[bytes] = ()
    ) -> list[Outcome]:
        """Send (account, action) in order, each with its note if there are `notes`; returns when
        all are final."""
        noted = zip(orders, notes or [NO_NOTE] * len(orders), strict=True)
        calls = [self.call_of(account, action, note) for (account, action), note in noted]
        receipts = self.client.send(calls)
        return [
            Outcome(action, receipt.gas_used, failure_of(receipt))
            for (_, action), receipt in zip(orders, receipts, strict=True)
        ]

    def refusal(self, account: bytes, action: Action) -> Rejected | Reverted | None:
        """Why an action of `account` would fail after the head; nothing is sent."""
        call = self.call_of(account, action)
        assert call.to is not None
        try:
            self.client.call(call.to, call.data, account)
        except Reverted as error:
            return _explained(error.data)
        return None

    def events(self, from_block: int, to_block: int | None = None) -> list[object]:
        """All protocol events of the blocks, in the order they happened."""
        pairs = (
            (self.book.federation, federation_interface()),
            (self.book.vault, vault_interface()),
        )
        found: list[tuple[int, int, object]] = []
        for address, interface in pairs:
            for log in self.client.logs(address, from_block, to_block):
                event = interface.decode_event(log)
                if event is not None:
                    found.append((log.block_number, log.index, event))
        return [event for _, _, event in sorted(found, key=lambda each: each[:2])]

    def actions(self, number: int) -> list[tuple[bytes, Outcome]]:
        """The protocol actions of a block by their senders, in order, and what became of them."""
        found = []
        for sent in self.client.transactions(number):
            action = action_of(self.book, sent.to, sent.data)
            if action is not None:
                outcome = Outcome(action, sent.receipt.gas_used, failure_of(sent.receipt))
                found.append((sent.sender, outcome))
        return found

    def call_of(self, account: bytes, action: Action, note: bytes = NO_NOTE) -> Call:
        """The transaction that is an action of `account`, with its note, if it has one."""
        gas, data = GAS.get(type(action), DEFAULT_GAS), call_data(action)
        withdraws = isinstance(action, actions.Withdraw)
        to = self.book.vault if withdraws else self.book.federation
        return Call(account, to, data if note == NO_NOTE else data + note, gas)


def call_data(action: Action) -> bytes:
    """What a contract is called with: the selector and the arguments."""
    withdraws = isinstance(action, actions.Withdraw)
    return (vault_interface() if withdraws else federation_interface()).encode(action)


def note_of(action: Action, data: bytes) -> bytes:
    """The note behind an action's arguments in a transaction's data, which is `NO_NOTE` where there
    is none, or the arguments are written in another way than here."""
    if not data[:-NOTE_BYTES] or data[:-NOTE_BYTES] != call_data(action):
        return NO_NOTE
    return data[-NOTE_BYTES:]


def event_of(book: AddressBook, log: Log) -> object | None:
    """The protocol event in a log, or None."""
    if log.address == book.federation:
        return federation_interface().decode_event(log)
    if log.address == book.vault:
        return vault_interface().decode_event(log)
    return None


def action_of(book: AddressBook, to: bytes | None, data: bytes) -> Action | None:
    """The protocol action in a transaction, or None: a deployment, a token's own business."""
    found: Action | None = None
    if to == book.federation:
        kinds = [kind for kind in get_args(Action) if kind is not actions.Withdraw]
        found = federation_interface().decode_action(data, kinds)
    elif to == book.vault:
        found = vault_interface().decode_action(data, [actions.Withdraw])
    return found


def failure_of(receipt: Receipt) -> Rejected | Reverted | None:
    """Why a transaction failed: the protocol's rejection, or a revert that is not the protocol's;
    None where it succeeded."""
    return None if receipt.status else _explained(receipt.revert_data or b"")


def _explained(data: bytes) -> Rejected | Reverted:
    """What revert data says."""
    for interface in (federation_interface(), vault_interface()):
        error = interface.decode_error(data)
        if error is not None and error.name in REASONS:
            detail = b"".join(a for a in error.arguments if isinstance(a, bytes))
            return Rejected(REASONS[error.name], detail.rstrip(b"\0").decode("ascii", "replace"))
    return Reverted(data)


def token_unit(read: Reader, token: bytes, host: str = "") -> dict[str, object]:
    """A token's `symbol` and `decimals`, as it says itself; LedgerUnavailable for one that does not
    say them, since it is anybody's contract, or an endpoint's lie: `host` is who answers."""
    interface, unit = token_interface(), dict[str, object]()
    for name in ("symbol", "decimals"):
        try:
            (unit[name],) = interface.result(name, read(token, interface.calldata(name)))
        except (Reverted, ValueError):
            raise _no_token(host, token, f"no {name}") from None
    if len(str(unit["symbol"])) > SYMBOL:
        raise _no_token(host, token, f"a symbol of {len(str(unit['symbol']))} characters")
    return unit


def _no_token(host: str, token: bytes, found: str) -> LedgerUnavailable:
    who = f"{host}: " if host else ""
    return LedgerUnavailable(
        f"{who}token {to_checksum_address(token)}: found {found}, accepted: an ERC-20 that tells "
        f"symbol (at most {SYMBOL} characters) and decimals"
    )


def deploy(client: Client, deployer: bytes, stake: TokenTerms, reward: TokenTerms) -> AddressBook:
    """Create both tokens, then the court and the federation, which creates its vault. The deployer
    holds the whole supply and has no power over anything."""
    stake_token, reward_token = create_tokens(client, deployer, (stake, reward))
    return create_federation(client, deployer, stake_token, reward_token)[0]


def create_tokens(client: Client, deployer: bytes, tokens: Sequence[TokenTerms]) -> list[bytes]:
    """The addresses of new tokens, in one batch. Raises `LedgerUnavailable` where it fails."""
    interface, bytecode = token_interface(), artifact("Token").bytecode
    calls = []
    for token in tokens:
        arguments = (token.name, token.symbol, token.decimals, deployer, token.supply)
        creation = interface.creation(bytecode, *arguments)
        calls.append(Call(deployer, None, creation, DEPLOYMENT_GAS))
    return [_created(receipt) for receipt in client.send(calls)]


def create_federation(
    client: Client, deployer: bytes, stake_token: bytes, reward_token: bytes
) -> tuple[AddressBook, int]:
    """A new federation for this stake token with a court of its own, and the block it is in."""
    (receipt,) = client.send([Call(deployer, None, artifact("Court").bytecode, DEPLOYMENT_GAS)])
    court = _created(receipt)
    code = artifact("Federation").bytecode
    creation = federation_interface().creation(code, stake_token, court)
    (receipt,) = client.send([Call(deployer, None, creation, DEPLOYMENT_GAS)])
    federation = _created(receipt)
    vault = own_address(client.call, federation, "vault")
    book = AddressBook(client.chain_id, federation, court, vault, stake_token, reward_token)
    return book, receipt.block_number


def own_address(read: Reader, federation: bytes, name: str) -> bytes:
    """What a federation says of itself: its `court`, its `vault` or its `stakeToken`."""
    returned = read(federation, federation_interface().calldata(name))
    (address,) = federation_interface().result(name, returned)
    assert isinstance(address, bytes)
    return address


@dataclass(frozen=True)
class TokenTerms:
    """An ERC-20 to create; `supply` in the token's own unit."""

    name: str
    symbol: str
    decimals: int
    supply: int


def grant(
    client: Client, book: AddressBook, holder: bytes, grants: Sequence[tuple[bytes, bytes, int]]
) -> None:
    """Give (token, account, amount) from `holder`, and let the vault pull as much of each.

    Raises `Unfunded` where the holder has too little of a token.
    """
    interface = token_interface()
    for token in dict.fromkeys(token for token, _, _ in grants):
        need = sum(amount for asked, _, amount in grants if asked == token)
        require_tokens(client, token, holder, need)
    calls = [
        Call(holder, token, interface.calldata("transfer", account, amount), DEFAULT_GAS)
        for token, account, amount in grants
    ]
    calls += [
        Call(account, token, interface.calldata("approve", book.vault, amount), DEFAULT_GAS)
        for token, account, amount in grants
    ]
    for receipt in client.send(calls):
        receipt.require()


def require_tokens(client: Client, token: bytes, holder: bytes, need: int) -> None:
    """Raise `Unfunded` where `holder` has fewer units of a token."""
    interface = token_interface()
    returned = client.call(token, interface.calldata("balanceOf", holder))
    (balance,) = interface.result("balanceOf", returned)
    if not isinstance(balance, int) or balance < need:
        raise Unfunded(holder, balance, need, f"of token {to_checksum_address(token)}")


def _created(receipt: Receipt) -> bytes:
    if not receipt.status or receipt.contract is None:
        raise LedgerUnavailable("a contract could not be created on this ledger")
    return receipt.contract
