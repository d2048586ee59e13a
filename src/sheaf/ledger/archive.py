"""A chain's past as proofs are made of it: headers, a block's receipts, accounts after a block.

Of a ledger file, whose nodes are all kept, or of an endpoint, which may have forgotten old states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sheaf.ledger.database import LedgerFile
from sheaf.ledger.engine import Header
from sheaf.ledger.errors import Misanswered
from sheaf.ledger.inclusion import StateProof, state_proof
from sheaf.ledger.proving import ProvingClient
from sheaf.protocol.errors import LedgerCorrupt, LedgerUnavailable


class Archive(Protocol):
    """The past of one chain."""

    def headers(self, first: int, last: int) -> list[Header]:
        """The headers first..last; LedgerUnavailable where one is not to be had."""

    def receipts(self, number: int) -> list[bytes]:
        """A block's receipts in their encoded form, in order."""

    def state(self, header: Header, address: bytes, slots: Sequence[int]) -> StateProof | None:
        """The proof of an account after a block, and of its slots; None where nobody keeps it."""


class FileArchive:
    """Of an embedded ledger's file."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[FileArchive]:
        """The archive in a file, which is only read; LedgerUnavailable, LedgerCorrupt."""
        file = LedgerFile.open(path, read_only=True)
        try:
            yield cls(file)
        finally:
            file.close()

    def headers(self, first: int, last: int) -> list[Header]:
        """See `Archive`."""
        found = [self._file.header(number) for number in range(first, last + 1)]
        known = [header for header in found if header is not None]
        if len(known) < len(found):
            raise LedgerUnavailable(f"found no block {first + found.index(None)} in the ledger")
        return known

    def receipts(self, number: int) -> list[bytes]:
        """See `Archive`."""
        return [row.encoded for row in self._file.receipts(number)]

    def state(self, header: Header, address: bytes, slots: Sequence[int]) -> StateProof | None:
        """See `Archive`; LedgerCorrupt for a file without a node that the state is made of."""
        try:
            return state_proof(self._file.nodes, header.state_root, address, slots)
        except (KeyError, ValueError) as error:
            raise LedgerCorrupt(f"the ledger's state lacks a node ({error})") from error


class ChainArchive:
    """Of a chain behind an endpoint."""

    def __init__(self, client: ProvingClient) -> None:
        self._client = client

    def headers(self, first: int, last: int) -> list[Header]:
        """See `Archive`."""
        return list(self._client.headers(first, last))

    def receipts(self, number: int) -> list[bytes]:
        """See `Archive`."""
        return [receipt.encoded for receipt in self._client.proved(number).receipts]

    def state(self, header: Header, address: bytes, slots: Sequence[int]) -> StateProof | None:
        """See `Archive`; Misanswered for what is no proof at all."""
        try:
            return self._client.state_proof(header.number, address, slots)
        except Misanswered:
            raise
        except LedgerUnavailable:
            return None
