"""An address book of a deployment: where its contracts are, and the hashes of their code.

Code hashes are Keccak-256 of the runtime code, as `EXTCODEHASH` gives them. The shipped artefacts
say what the code of federation, court and vault must be, whatever a book says; a token is
anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from sheaf.ledger.artifacts import artifact
from sheaf.ledger.client import Client
from sheaf.ledger.federation import AddressBook, own_address
from sheaf.protocol.errors import InvalidConfiguration, InvalidDocument

CONTRACTS: Mapping[str, str] = MappingProxyType(
    {
        "federation": "Federation",
        "court": "Court",
        "vault": "Vault",
        "stake_token": "",
        "reward_token": "",
    }
)
"""What a book names, and the artefact whose code it must have; none for tokens."""

_WIRED = (("stake_token", "stakeToken"), ("vault", "vault"), ("court", "court"))
"""What the federation itself says of the others, by the name of its function: its immutables, in
the order of its sources."""


@dataclass(frozen=True)
class Deployed:
    """A book, the block that the federation was created in, code hashes by contract."""

    book: AddressBook
    block: int
    codes: Mapping[str, bytes]

    @classmethod
    def read(cls, client: Client, book: AddressBook, block: int) -> Deployed:
        """What lies at a book's addresses now."""
        codes = {name: keccak(client.code(getattr(book, name))) for name in CONTRACTS}
        return cls(book, block, codes)

    def document(self) -> str:
        """The text of an address book's file."""
        contracts = {
            name: {
                "address": to_checksum_address(getattr(self.book, name)),
                "code_hash": f"0x{self.codes[name].hex()}",
            }
            for name in CONTRACTS
        }
        plain = {
            "chain_id": self.book.chain_id,
            "deployment_block": self.block,
            "contracts": contracts,
        }
        return json.dumps(plain, indent=2) + "\n"

    @classmethod
    def parse(cls, document: str) -> Deployed:
        """What `document` wrote. Raises `InvalidDocument` for anything else."""
        try:
            plain: Any = json.loads(document)
            named = plain["contracts"]
            book = AddressBook(
                plain["chain_id"],
                **{name: bytes(to_canonical_address(named[name]["address"])) for name in CONTRACTS},
            )
            codes = {
                name: bytes.fromhex(named[name]["code_hash"].removeprefix("0x"))
                for name in CONTRACTS
            }
            found = cls(book, plain["deployment_block"], codes)
            numbers = plain["chain_id"], plain["deployment_block"]
            if found.document() == document and all(type(number) is int for number in numbers):
                return found
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidDocument(f"found no address book: {error}") from error
        raise InvalidDocument("found no address book as `sheaf ledger deploy` writes it")


def wiring(code: bytes) -> dict[str, bytes]:
    """The addresses that a federation's code was created with, by their names in a book.

    ValueError for code that is not the shipped federation's.
    """
    return wired(artifact("Federation").values_in(code))


def wired(values: Sequence[bytes]) -> dict[str, bytes]:
    """The same, of the values that its immutables have. ValueError for no addresses."""
    if any(any(value[:-20]) for value in values):
        raise ValueError("no addresses")
    return {name: value[-20:] for (name, _), value in zip(_WIRED, values, strict=True)}


def load(path: Path) -> Deployed:
    """The address book in a file. Raises `InvalidConfiguration`."""
    try:
        return Deployed.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, InvalidDocument) as error:
        raise InvalidConfiguration(f"{path}: found no address book: {error}") from error


def require(path: Path, client: Client, tokens: Mapping[str, bytes]) -> Deployed:
    """The address book in a file, once the chain is as it says and it names these tokens.

    Raises `InvalidConfiguration` for the first difference.
    """
    known = load(path)
    wrong = list(differences(client, known))
    for name, wanted in tokens.items():
        if getattr(known.book, name) != wanted:
            wrong.append(f"{name}: found another than {to_checksum_address(wanted)}")
    if wrong:
        hint = "name another file, or move this one away to deploy anew"
        raise InvalidConfiguration(f"{path}: {wrong[0]}", hint)
    return known


def differences(client: Client, known: Deployed) -> Iterator[str]:
    """How a chain differs from an address book, a line for each way."""
    book = known.book
    if client.chain_id != book.chain_id:
        yield f"chain: found {client.chain_id}, accepted: {book.chain_id}"
        return
    wrong = [line for name in CONTRACTS if (line := _of_code(client, known, name))]
    yield from wrong
    # Only code that is what it should be can be asked who it belongs to.
    for name, getter in () if wrong else _WIRED:
        found = own_address(client.call, book.federation, getter)
        if found != getattr(book, name):
            yield f"{_where(book, name)}: found {to_checksum_address(found)} in the federation"


def _of_code(client: Client, known: Deployed, name: str) -> str:
    """How the code of one contract differs, or nothing."""
    book, shipped = known.book, CONTRACTS[name]
    code, where = client.code(getattr(book, name)), _where(book, name)
    if not code:
        return f"{where}: found no code"
    if keccak(code) != known.codes[name]:
        accepted = f"0x{known.codes[name].hex()}"
        return f"{where}: found code hash 0x{keccak(code).hex()}, accepted: {accepted}"
    if shipped and not artifact(shipped).is_runtime(code):
        return f"{where}: found other code than the {shipped} that Sheaf ships"
    return ""


def _where(book: AddressBook, name: str) -> str:
    return f"{name} {to_checksum_address(getattr(book, name))}"
