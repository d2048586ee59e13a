"""Several endpoints of one chain: the first that is named is used while it answers.

Where it falls silent, contradicts itself or does not go on, the next one takes its place, once it
is the same chain up to where the reader is. So no single endpoint can keep its reader blind, and
none can lead it to another history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from web3 import Web3

from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.engine import Header
from sheaf.ledger.errors import Misreported
from sheaf.ledger.patient import PatientClient
from sheaf.ledger.rpc import Connection
from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable


@dataclass
class Endpoints:
    """The endpoints behind `connections`; their clients sign with `key`. `known` is the last header
    that was read, None before any."""

    connections: Sequence[Connection]
    key: bytes
    warned: Callable[[str], object]
    known: Header | None = None
    chain_id: int | None = None
    _at: int = 0
    _open: tuple[Endpoint, PatientClient] | None = None

    @property
    def name(self) -> str:
        """What may be told of the endpoint in use; "" where none is."""
        return self._open[0].name if self._open else ""

    def client(self) -> PatientClient:
        """A client of the endpoint in use, or of the first after it that serves the chain.

        Raises `LedgerUnavailable` where none does, `InvalidConfiguration` where the only one is
        another chain.
        """
        if self._open is not None:
            return self._open[1]
        failed: list[InvalidConfiguration | LedgerUnavailable | Misreported] = []
        for _ in self.connections:
            try:
                self._open = self._opened(self.connections[self._at])
                return self._open[1]
            except (InvalidConfiguration, LedgerUnavailable, Misreported) as error:
                failed.append(error)
                if len(self.connections) > 1:
                    self.warned(error.message)
                self._at = (self._at + 1) % len(self.connections)
        raise failed[0]

    def leave(self) -> None:
        """Turn to the next endpoint."""
        self.close()
        self._at = (self._at + 1) % len(self.connections)

    def close(self) -> None:
        """Close the connection in use."""
        if self._open is not None:
            self._open[0].close()
            self._open = None

    def _opened(self, connection: Connection) -> tuple[Endpoint, PatientClient]:
        endpoint = Endpoint(connection.url, connection.timeout_s, connection.sleep)
        try:
            make = partial(PatientClient, Web3(endpoint), [self.key])
            client = make(finality=connection.finality)
            wanted = self.chain_id if connection.chain_id is None else connection.chain_id
            if wanted not in (None, client.chain_id):
                found = f"found chain {client.chain_id} at {endpoint.name}"
                raise InvalidConfiguration(f"--ledger: {found}, accepted: {wanted}")
            if self.known is not None:
                (header,) = client.headers(self.known.number, self.known.number)
                if header.hash != self.known.hash:
                    raise LedgerUnavailable(
                        f"{endpoint.name}: found another block {header.number} than was read before"
                    )
            self.chain_id = client.chain_id
        except BaseException:
            endpoint.close()
            raise
        return endpoint, client
