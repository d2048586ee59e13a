"""The account of somebody who acts alone on a chain: what it has, what it sends, what became of it.

Every transaction is written down before it is handed in (`moves`). Nothing is waited for: `settle`
is asked again at every look at the chain, and hands in again what a node has lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from sheaf.ledger.client import Call, data_of
from sheaf.ledger.errors import Unfunded
from sheaf.ledger.federation import (
    DEFAULT_GAS,
    NO_NOTE,
    AddressBook,
    FederationClient,
    failure_of,
    note_of,
    token_interface,
)
from sheaf.ledger.patient import Fees, PatientClient
from sheaf.nodes.moves import Dropped, Ended, Moves, Signed
from sheaf.protocol.actions import Action

APPROVAL = "lets the vault pull its stake tokens"
STUCK_BLOCKS = 10
"""After so many blocks without it a transaction offers more for its gas."""


@dataclass(frozen=True)
class Means:
    """What an account has: wei, stake tokens, and how many of these the vault may pull."""

    wei: int
    tokens: int
    allowance: int


@dataclass(frozen=True)
class Purse:
    """One account's money on one chain."""

    account: bytes
    book: AddressBook
    moves: Moves

    def means(self, client: PatientClient) -> Means:
        """What it has after the newest block."""
        interface, token = token_interface(), self.book.stake_token

        def read(function: str, *arguments: bytes) -> int:
            (found,) = interface.result(
                function, client.call(token, interface.calldata(function, *arguments))
            )
            assert isinstance(found, int)
            return found

        held = read("balanceOf", self.account)
        return Means(
            client.balance_wei(self.account),
            held,
            read("allowance", self.account, self.book.vault),
        )

    def send(
        self, client: PatientClient, actions: Sequence[Action], notes: Sequence[bytes] = ()
    ) -> list[str]:
        """Hand in actions, each with its note if there are `notes`, before them the approval that
        their bonds take; why a node refused any.

        Raises `Unfunded`, and sends nothing, where ether or tokens do not reach.
        """
        noted = zip(actions, notes or [NO_NOTE] * len(actions), strict=True)
        calls: list[tuple[Call, Action | None, str]] = [
            (self._call(client, action, note), action, "") for action, note in noted
        ]
        need = sum(getattr(action, "bond", 0) for action in actions)
        has, fees = self.means(client), client.fees()
        if has.tokens < need:
            name = f"of token {to_checksum_address(self.book.stake_token)}"
            raise Unfunded(self.account, has.tokens, need, name)
        approving = any(s.told == APPROVAL for s in self.moves.live.values())
        if has.allowance < need and not approving:
            # All that it has: the vault pulls only what this account's own actions ask for.
            approval = token_interface().calldata("approve", self.book.vault, has.tokens)
            call = Call(self.account, self.book.stake_token, approval, DEFAULT_GAS)
            calls.insert(0, (call, None, APPROVAL))
        cost = sum(call.gas for call, _, _ in calls) * fees.most
        if has.wei < cost:
            raise Unfunded(self.account, has.wei, cost)
        return [told for each in calls if (told := self._hand_in(client, *each, fees))]

    def settle(self, client: PatientClient) -> list[tuple[Signed, Ended]]:
        """Note what became of what is on its way, and hand in again what a node has lost; those
        that are in final blocks now."""
        done = []
        for digest, signed in list(self.moves.live.items()):
            fate = client.fate(digest)
            if fate is not None:
                receipt, failure = fate.receipt, failure_of(fate.receipt)
                numbers = (receipt.block_number, receipt.gas_used, fate.fee_wei)
                ended = Ended(digest, *numbers, str(failure) if failure else "")
                self.moves.note(ended)
                done.append((signed, ended))
        final = client.sent_count(self.account, client.head().number)
        newest = client.latest().number
        for digest, signed in list(self.moves.live.items()):
            if signed.nonce < final:
                self.moves.note(Dropped(digest, "another one took its nonce"))
            elif not client.knows(digest):
                self._again(client, signed)
            elif newest - signed.block > STUCK_BLOCKS and self._is_newest(signed):
                self._replace(client, signed, newest)
        return done

    def _call(self, client: PatientClient, action: Action, note: bytes) -> Call:
        return FederationClient(client, self.book).call_of(self.account, action, note)

    def _hand_in(
        self, client: PatientClient, call: Call, action: Action | None, told: str, fees: Fees
    ) -> str:
        used = {signed.nonce for signed in self.moves.live.values()}
        nonce = client.sent_count(self.account)
        while nonce in used:
            nonce += 1
        raw, block = client.signed(call, nonce, fees), client.latest().number
        signed = Signed(nonce, block, raw, fees.most, fees.tip, action, told)
        self.moves.note(signed)
        refused = client.hand_in(raw)
        if refused:
            self.moves.note(Dropped(signed.digest, refused))
        return refused

    def _again(self, client: PatientClient, signed: Signed) -> None:
        """Hand in once more what a node does not have, unless it is of no use any more."""
        action = signed.action
        acting = FederationClient(client, self.book)
        failing = action is not None and acting.refusal(self.account, action)
        refused = "" if failing else client.hand_in(signed.raw)
        if failing or refused:
            self.moves.note(Dropped(signed.digest, refused or "of no use any more"))

    def _replace(self, client: PatientClient, signed: Signed, newest: int) -> None:
        """Offer more for the gas of what no block takes."""
        call, fees = self._same(client, signed), client.fees().above(signed.fees)
        raw = client.signed(call, signed.nonce, fees)
        offers = (fees.most, fees.tip)
        dearer = Signed(signed.nonce, newest, raw, *offers, signed.action, signed.told)
        self.moves.note(dearer)
        refused = client.hand_in(raw)
        if refused:
            self.moves.note(Dropped(dearer.digest, refused))

    def _same(self, client: PatientClient, signed: Signed) -> Call:
        if signed.action is not None:
            note = note_of(signed.action, data_of(signed.raw))
            return self._call(client, signed.action, note)
        held = self.means(client).tokens
        approval = token_interface().calldata("approve", self.book.vault, held)
        return Call(self.account, self.book.stake_token, approval, DEFAULT_GAS)

    def _is_newest(self, signed: Signed) -> bool:
        """Whether it is the last one of its nonce: two offers wait together."""
        same = [s.block for s in self.moves.live.values() if s.nonce == signed.nonce]
        return signed.block == max(same)
