"""Where two histories part: the first thing that is not the same in two runs or tasks.

Both are read as they lie there, ledger first: genesis, then block by block the header, each
transaction with what it asked for, each receipt and each event; then the contracts' addresses, the
stores' blobs and, of runs, the model file and what of the summary can be recomputed. Of tasks on
different chains, and of two tasks on one, what happened is compared instead, see `courses`. Neither
side is verified by that: a history that differs from a verified one is simply another history.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sheaf.audit.courses import course
from sheaf.audit.histories import ABSENT, ChainInFile, History, ProvedChain, Row
from sheaf.ledger.engine import Header, Log
from sheaf.nodes import inventory, summary
from sheaf.nodes.summary_file import SUMMARY_FILE, read_summary
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobCorrupt, BlobMissing, InvalidDocument
from sheaf.store.files import is_file, reachable
from sheaf.store.interface import Store


@dataclass(frozen=True)
class Divergence:
    """The first difference: `where` it is, which `field`, and what either side has there. They have
    in `common` the ledger up to a block, or all of it. `task` is the first field in which the task
    documents differ, with both values: often the reason of the rest."""

    where: str
    field: str
    left: str
    right: str
    block: int | None = None
    task: tuple[str, str, str] | None = None
    common: str = "the ledgers agree"


def first_divergence(left: History, right: History) -> Divergence | None:
    """The first difference of two histories; None where there is none.

    Raises `InvalidDocument` for events that cannot follow one another, and errors of a ledger or a
    store that cannot be read at all.
    """
    found = next(_all(left, right), None)
    return found and dataclasses.replace(found, task=_tasks(left, right))


def _all(a: History, b: History) -> Iterator[Divergence]:
    files = isinstance(a.chain, ChainInFile) and isinstance(b.chain, ChainInFile)
    start = max(a.chain.first, b.chain.first)
    hashes = [_hash(each, start) for each in (a, b)]
    if files or hashes[0] == hashes[1]:
        yield from _ledgers(a, b, start)
        common = "the ledgers agree"
    elif a.task == b.task:
        common = "the chain's id and the federation's address"
        yield Divergence(f"block {start}", "hash", hashes[0], hashes[1], common=common)
    else:
        common = "nothing of the ledgers: they are two chains"
    if a.task == b.task:
        yield from _beside(a, b)
    else:
        yield from _courses(a, b, common)


def _hash(history: History, number: int) -> str:
    if number > history.chain.height():
        return ABSENT
    header = history.chain.header(number)
    return header.hash.hex() if header else ABSENT


def _tasks(a: History, b: History) -> tuple[str, str, str] | None:
    """How the documents of two tasks differ first, where both can be had."""
    left, right = a.document(), b.document()
    if left is None or right is None:
        return None
    for field, one, other in _differences("", left, right):
        return field, _told(one), _told(other)
    return None


def _courses(a: History, b: History, common: str) -> Iterator[Divergence]:
    for one, other in zip_longest(course(a), course(b)):
        if one != other:
            first = one or other
            assert first is not None
            where, field, _ = first
            same = one is not None and other is not None and one[:2] == other[:2]
            left, right = (
                each[2] if each and same else ": ".join(each[:2]) if each else ABSENT
                for each in (one, other)
            )
            field = field if same else "what comes next"
            yield Divergence(where, field, left, right, common=common)


def _ledgers(a: History, b: History, start: int) -> Iterator[Divergence]:
    if start == 0 and type(a.chain) is type(b.chain):
        yield from _fields("genesis", a.chain.genesis(), b.chain.genesis(), 0)
    heights = (a.chain.height(), b.chain.height())
    for number in _suspects(a, b, start, min(heights)):
        yield from _block(a, b, number)
    longer = a if heights[0] > heights[1] else b
    # A chain that goes on by itself is no other history.
    if heights[0] != heights[1] and longer.chain.closed:
        told = [f"block {h}" for h in heights]
        yield _parted("ledger", "last block", told[0], told[1], min(heights))


def _suspects(a: History, b: History, start: int, last: int) -> Iterable[int]:
    """The blocks in which two chains may differ: of chains that hold by themselves, whose headers
    bind those before them, from the first that has another hash on."""
    if not (isinstance(a.chain, ProvedChain) and isinstance(b.chain, ProvedChain)):
        return range(start, last + 1)
    low, high = start, last + 1
    while low < high:
        middle = (low + high) // 2
        if _hash(a, middle) == _hash(b, middle):
            low = middle + 1
        else:
            high = middle
    return range(low, last + 1)


def _parted(where: str, field: str, left: str, right: str, block: int | None) -> Divergence:
    common = "the ledgers agree" if block is None else f"up to block {block}"
    return Divergence(where, field, left, right, block, common=common)


def _block(a: History, b: History, number: int) -> Iterator[Divergence]:
    """What differs in a block: when it was made and what was sent, then what came of that."""
    before, where = max(0, number - 1), f"block {number}, header"
    headers = (_header(a, number), _header(b, number))
    made = [{"timestamp": header.get("timestamp")} for header in headers]
    yield from _fields(where, made[0], made[1], before)
    rows = zip_longest(a.chain.rows(number), b.chain.rows(number))
    for place, (one, other) in enumerate(rows):
        sent = f"block {number}, transaction {place}"
        if one is None or other is None or one.raw != other.raw:
            yield from _transaction(a, b, sent, one, other, before)
        else:
            whole = type(a.chain) is type(b.chain)
            came = [each.came_of(whole=whole) for each in (one, other)]
            yield from _fields(f"{sent}, receipt", came[0], came[1], before)
    logs = (a.chain.logs(number), b.chain.logs(number))
    for place, pair in enumerate(zip_longest(*logs)):
        if _plain_log(pair[0]) != _plain_log(pair[1]):
            events = (a.event(pair[0]), b.event(pair[1]))
            named = [_name(each) for each in events]
            if named[0] != named[1]:
                yield _parted(f"block {number}, event {place}", "kind", named[0], named[1], before)
            yield from _fields(f"block {number}, event {place}, {named[0]}", *events, before)
    yield from _fields(where, *headers, before)


def _header(history: History, number: int) -> dict[str, Any]:
    """A block's header without what is a hash of the rest."""
    header = history.chain.header(number)
    named = dataclasses.fields(Header) if header else ()
    return {f.name: getattr(header, f.name) for f in named if f.name not in ("hash", "encoded")}


def _plain_log(log: Log | None) -> object:
    return None if log is None else (log.address, log.topics, log.data, log.transaction_index)


def _transaction(
    a: History,
    b: History,
    where: str,
    one: Row | None,
    other: Row | None,
    before: int,
) -> Iterator[Divergence]:
    """Who sent what, field by field."""
    senders = (a.sender(one), b.sender(other))
    if senders[0] != senders[1]:
        named = (
            f"{_name(a.action(one))} of {senders[0]}",
            f"{_name(b.action(other))} of {senders[1]}",
        )
        yield _parted(where, "sender", *named, before)
    actions = (a.action(one), b.action(other))
    yield from _fields(f"{where}, {_name(actions[0])}", *actions, before)
    yield _parted(where, "signed bytes", _told(one and one.raw), _told(other and other.raw), before)


def _content(file: Path) -> bytes | None:
    with reachable(file):
        return file.read_bytes() if is_file(file) else None


def _beside(a: History, b: History) -> Iterator[Divergence]:
    """What lies beside two ledgers that agree."""
    folders = [each.folder for each in (a, b) if each.folder is not None]
    where = "ledger.json" if len(folders) == 2 else "contracts"
    yield from _fields(where, a.book, b.book, None)
    yield from _stores(a, b)
    if len(folders) < 2:
        return
    files = [folder / summary.MODEL_FILE for folder in folders]
    contents = [_content(file) for file in files]
    if contents[0] != contents[1]:
        yield Divergence(summary.MODEL_FILE, "bytes", _told(contents[0]), _told(contents[1]))
    plain = [_summary(folder) for folder in folders]
    yield from _fields(SUMMARY_FILE, plain[0], plain[1], None)


def _stores(a: History, b: History) -> Iterator[Divergence]:
    """Blobs that one has and the other has not, or that are not what their ids say."""
    for content in sorted(_ids(a, b), key=str):
        found = [_held(each.store, content) for each in (a, b)]
        if found[0] != found[1]:
            yield Divergence("store", str(content), found[0], found[1])


def _ids(a: History, b: History) -> set[ContentId]:
    """Of stores in directories, all that lies there; else what the ledger names."""
    if a.listing and b.listing:
        return {*a.store.ids(), *b.store.ids()}
    task = a.document() or b.document()
    named = inventory.named(task, a.trail) if task else ()
    return {content for content, _, _ in named if any(content.digest)}


def _held(store: Store, content: ContentId) -> str:
    try:
        return f"{len(store.get(content))} bytes"
    except BlobMissing:
        return ABSENT
    except BlobCorrupt:
        return "other bytes than the id says"


def _summary(folder: Path) -> Any:
    """The summary without what the run only reports; None where it cannot be read."""
    try:
        plain = read_summary(folder)
        for name in summary.UNCHECKED:
            listed, _, field = name.rpartition(".")
            for row in plain[listed] if listed else [plain]:
                row.pop(field, None)
    except (InvalidDocument, KeyError, TypeError, AttributeError):
        return None
    return plain


def _fields(where: str, one: Any, other: Any, block: int | None) -> Iterator[Divergence]:
    """The fields, of dataclasses, mappings and sequences, in which two values differ."""
    for field, left, right in _differences("", one, other):
        yield _parted(where, field or "the whole", _told(left), _told(right), block)


def _differences(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        for each in dataclasses.fields(one):
            inner = f"{path}.{each.name}".lstrip(".")
            yield from _differences(inner, getattr(one, each.name), getattr(other, each.name))
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            inner = f"{path}.{key}".lstrip(".")
            yield from _differences(inner, one.get(key), other.get(key))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        for index, (left, right) in enumerate(zip_longest(one, other)):
            yield from _differences(f"{path}[{index}]", left, right)
    elif one != other:
        yield path, one, other


def _name(action: Any) -> str:
    return ABSENT if action is None else type(action).__name__


def _told(value: Any) -> str:
    """A value on one line, its beginning where it is long."""
    if value is None:
        return ABSENT
    if isinstance(value, bytes):
        return f"{value[:32].hex()}{'...' if len(value) > 32 else ''} ({len(value)} bytes)"
    return f"{value:.200}" if isinstance(value, str) else f"{value!r:.200}"
