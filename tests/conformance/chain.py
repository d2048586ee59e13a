"""The contracts on a chain: one transaction a block, spoken to in the spec's words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from coincurve import PrivateKey

from sheaf.ledger.abi import Interface
from sheaf.ledger.artifacts import Artifact, artifact, parse_artifact
from sheaf.ledger.client import sign
from sheaf.ledger.engine import Log, Receipt
from sheaf.ledger.federation import federation_interface
from sheaf.protocol.actions import Action, Withdraw
from sheaf.protocol.errors import Reason, Rejected
from sheaf.protocol.events import Withdrawn
from tests.conformance import grounds
from tests.conformance.grounds import Ground, Write
from tests.conformance.storage import ALLOWANCES_SLOT, BALANCES_SLOT, entry
from tests.worlds import CHAIN, COURT, DEPLOYMENT, REWARD, STAKE, TAX_BPS, TAXED, account, key

HOSTILE = Path(__file__).parents[1] / "contracts" / "artifacts"
PURSE = 2**100
GAS, FEE_WEI = 20_000_000, 10**11
CROWD = (
    "sponsor",
    "auditor",
    *(f"participant {i}" for i in range(256)),
    *(f"aggregator {i}" for i in range(33)),
)

FEDERATION = federation_interface()
VAULT = Interface(artifact("Vault").abi, [Withdrawn])


@cache
def hostile(name: str) -> Artifact:
    """A token that misbehaves, from `contracts/test/tokens`."""
    return parse_artifact((HOSTILE / f"{name}.json").read_text("utf-8"))


@cache
def _key(label: str) -> PrivateKey:
    return PrivateKey(key(label).to_bytes())


class Chain:
    """A chain with the tokens and the federation on it, and everybody's purse filled."""

    def __init__(self, ground: Ground, vault: bytes) -> None:
        self.ground, self.vault = ground, vault
        self.federation = DEPLOYMENT.address
        self.gas_used = 0
        """By the last transaction."""

    def transact(
        self, label: str, to: bytes | None, calldata: bytes, now: int, gas: int = GAS
    ) -> Receipt:
        """One transaction in a block of its own, but for what was queued before it."""
        self.queue(label, to, calldata, gas)
        receipt = self.ground.mine(now)[-1]
        self.gas_used = receipt.gas_used
        return receipt

    def queue(self, label: str, to: bytes | None, calldata: bytes, gas: int = GAS) -> None:
        """A transaction for the next block."""
        fields = (self.ground.nonce(account(label)), 0, FEE_WEI, gas, to or b"", 0, calldata)
        self.ground.submit(sign(_key(label), CHAIN, fields))

    def call(self, to: bytes, calldata: bytes) -> bytes:
        """What a call returns at the head."""
        return self.ground.call(to, calldata)

    def copy(self) -> Chain:
        """The same chain, to go on with."""
        return Chain(self.ground.copy(), self.vault)

    def act(self, label: str, action: Action, now: int) -> tuple[object, ...]:
        """The events of a spec action's transaction, or `Rejected` as the contract reverted."""
        interface, to = FEDERATION, self.federation
        if isinstance(action, Withdraw):
            interface, to = VAULT, self.vault
        receipt = self.transact(label, to, interface.encode(action), now)
        if not receipt.status:
            raise _rejection(interface, receipt.revert_data or b"")
        return tuple(self._event(log) for log in receipt.logs if log.address in self._speakers)

    def storage(self, address: bytes, slot: int) -> int:
        """A slot of a contract at the head."""
        return self.ground.storage(address, slot)

    def poke(self, writes: Sequence[Write], now: int) -> None:
        """Surgery: a block that writes (contract, slot, value) without any transaction."""
        self.ground.poke(writes, now)

    @property
    def _speakers(self) -> tuple[bytes, bytes]:
        return self.federation, self.vault

    def _event(self, log: Log) -> object:
        interface = VAULT if log.address == self.vault else FEDERATION
        event: object = interface.decode_event(log)
        assert event is not None, log
        return event


def _rejection(interface: Interface, data: bytes) -> Rejected:
    """The rejection behind a revert; any other revert is a failure of its own."""
    error = interface.decode_error(data)
    assert error is not None, f"an unknown revert: {data.hex()}"
    detail = b""
    if error.arguments:
        assert error.name == Reason.INVALID_TERMS, error
        (detail,) = error.arguments  # type: ignore[assignment]
    return Rejected(Reason(error.name), detail.rstrip(b"\0").decode("ascii"))


@cache
def deployed(stake_tax_bps: int, plain: str = "") -> Chain:
    """The chain every world starts from; copy it. Tokens that take no tax are the shipped one, or
    a hostile one that is made as it is."""
    deployer, supply, now = account("deployer"), 2**200, 1
    funded = [account(label) for label in ("deployer", *CROWD)]
    chain = Chain(grounds.begin(CHAIN, funded), b"")
    for name, tax in (("stake", stake_tax_bps), ("reward", 0), ("taxed", TAX_BPS)):
        untaxed = hostile(plain) if plain else artifact("Token")
        source = hostile("FeeOnTransferToken") if tax else untaxed
        arguments = (name, name, 6, deployer, supply, *([tax] if tax else []))
        creation = Interface(source.abi).creation(source.bytecode, *arguments)
        chain.transact("deployer", None, creation, now).require()
        now += 1
    receipt = chain.transact("deployer", None, artifact("Court").bytecode, now).require()
    assert receipt.contract == COURT
    code = FEDERATION.creation(artifact("Federation").bytecode, STAKE, COURT)
    receipt = chain.transact("deployer", None, code, now + 1).require()
    assert receipt.contract == DEPLOYMENT.address
    returned = chain.call(DEPLOYMENT.address, FEDERATION.calldata("vault"))
    (chain.vault,) = FEDERATION.result("vault", returned)
    _fill_purses(chain, now + 2)
    return chain


def _fill_purses(chain: Chain, now: int) -> None:
    """Everybody has tokens of each kind and lets the vault pull them: written into the tokens'
    storage at once, since hundreds of transfers and approvals would be most of a test's time."""
    writes = []
    for token in (STAKE, REWARD, TAXED):
        for label in CROWD:
            owner = account(label)
            writes.append((token, entry(BALANCES_SLOT, owner), PURSE))
            allowed = entry(entry(ALLOWANCES_SLOT, owner), chain.vault)
            writes.append((token, allowed, 2**256 - 1))
    chain.poke(writes, now)
