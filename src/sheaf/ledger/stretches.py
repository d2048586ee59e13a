"""Blocks executed ahead by other processes: stretches of a ledger's file.

Who executes a stretch takes the file's word for the state before it, and for nothing else: all that
the blocks make must be as the file stores it. The state before a stretch is what the one before it
made. So all of them together, from the genesis on, say what executing one after the other says.

Requests and answers are lines over a process's own pipes: `python -m sheaf.ledger.stretches`.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import rlp
from eth.db.schema import SchemaV1
from eth.rlp.sedes import chain_gaps
from eth_typing import BlockNumber
from eth_utils.crypto import keccak

from sheaf.ledger.database import LedgerFile
from sheaf.ledger.engine import Block
from sheaf.ledger.pyevm import PyEvmEngine
from sheaf.ledger.reexecute import check_block
from sheaf.ledger.remade import Written, digest_of
from sheaf.protocol.errors import LedgerCorrupt, SheafError

STRETCH_TRANSACTIONS = 200
"""In one stretch, about: most of a second."""

_HASH_BYTES = 32
_HEAD = SchemaV1.make_canonical_head_hash_lookup_key()
_GAPS = SchemaV1.make_header_chain_gaps_lookup_key()


def stretches(file: LedgerFile, after: int) -> list[range]:
    """The blocks that follow block `after`, in stretches of about as many transactions."""
    found, first, held = [], after + 1, 0
    for number, count in file.counts(after):
        held += count
        if held >= STRETCH_TRANSACTIONS:
            found.append(range(first, number + 1))
            first, held = number + 1, 0
    end = file.height() + 1
    return [*found, range(first, end)] if first < end else found


def executed(file: LedgerFile, blocks: range) -> Written | None:
    """What executing these blocks writes, where the file has all of it and all that came of them;
    else None. Raises `SheafError`, or what the engine makes of a state that is none."""
    before = file.header(blocks.start - 1)
    if before is None:
        return None
    # What the engine keeps of its head: with any other block it is another.
    moving = {_HEAD: before.hash, _GAPS: rlp.encode(((), blocks.start), chain_gaps)}
    nodes = _Nodes(file.nodes, dict(moving), blocks)
    standing = _Standing(PyEvmEngine(file.genesis().chain_id, nodes))
    made = []
    for number in blocks:
        rows = file.transaction_rows(number)
        block, difference = check_block(file, standing, number, rows)
        if block is None or difference is not None:
            return None
        made.append(block)
    kept = {key: value for key, value in nodes.new.items() if key not in moving}
    if any(file.nodes.get(key) != value for key, value in kept.items()):
        return None
    return Written(nodes.new, digest_of(made))


class _Standing:
    """An engine that knows no block."""

    height = 0

    def __init__(self, engine: PyEvmEngine) -> None:
        self.engine, self.apply = engine, engine.apply

    def block(self, number: int) -> Block:
        raise LookupError(number)


class _Nodes(MutableMapping[bytes, bytes]):
    """What is written, over a file that is only read: of its state, which must be what its keys
    say, and of what it knows of the blocks before."""

    def __init__(
        self, below: Mapping[bytes, bytes], new: dict[bytes, bytes], hidden: range
    ) -> None:
        self._below, self.new = below, new
        lookup = SchemaV1.make_block_number_to_hash_lookup_key
        self._hidden = {lookup(BlockNumber(number)) for number in hidden}

    def __getitem__(self, key: bytes) -> bytes:
        if key in self.new:
            return self.new[key]
        if key in self._hidden:
            raise KeyError(key)
        value = self._below[key]
        if len(key) == _HASH_BYTES and keccak(value) != key:
            raise LedgerCorrupt(f"state node {key.hex()} is another")
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.new[key] = value

    def __delitem__(self, key: bytes) -> None:
        del self.new[key]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.new)

    def __len__(self) -> int:
        return len(self.new)


def request(blocks: range) -> Any:
    """What another process is asked; the ledger's path is told to it once (`serve`)."""
    return [blocks.start, blocks.stop]


def answer(written: Written | None) -> Any:
    """What it answers."""
    if written is None:
        return None
    return [rlp.encode([*written.nodes.items()]).hex(), written.digest.hex()]


def answered(plain: Any) -> Written | None:
    """What an answer says. Raises `ValueError` or `TypeError` for anything else."""
    if plain is None:
        return None
    nodes, digest = map(bytes.fromhex, plain)
    try:
        pairs = [(bytes(key), bytes(value)) for key, value in rlp.decode(nodes)]
    except rlp.exceptions.RLPException as error:
        raise ValueError(f"found no list of pairs ({error})") from error
    return Written(dict(pairs), digest)


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are none any more: the first line is the ledger's path, as
    JSON."""
    file = LedgerFile.open(Path(json.loads(requests.readline())), read_only=True)
    try:
        for line in requests:
            found = None
            # Of changed nodes an engine makes errors of every kind; who asked executes then.
            with suppress(Exception):
                found = executed(file, range(*json.loads(line)))
            answers.write(json.dumps(answer(found)).encode() + b"\n")
            answers.flush()
    finally:
        file.close()


if __name__ == "__main__":
    # Ctrl-C goes to all processes of a terminal: whoever asked ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(SheafError, BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
