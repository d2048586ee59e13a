"""A round combined in blocks of columns is the round combined whole, in plain NumPy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sheaf.learning.rules import RoundStatistics
from sheaf.nodes.aggregation import UpdateMissing, aggregate, vector_id
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import BlobMissing, InvalidModel
from sheaf.protocol.layout import Tensor
from sheaf.protocol.optimisers import Constants
from sheaf.protocol.task import RuleChoice, Task
from sheaf.store import DiskStore, LayeredStore, MemoryStore, Store
from sheaf.store.interface import Copy
from tests.nodes.plans import plan
from tests.optimiser_reference import Column, exact_step

COORDINATES, TRAINABLE = 300_001, 200_001
"""Three blocks: in the second one the statistics begin, and the last one is short."""

CHUNK = 4096
END = 2**31 - 1
WEIGHTS = (3, 500, 1, 64, 20)
ADAM = Constants(10, 100, 2**20, 2**14)
Vector = NDArray[np.int32]


def task_of(rule: str = "weighted_mean", algorithm: str = "fedavg") -> Task:
    trim = (1, 4) if rule == "trimmed_mean" else (0, 1)
    usual = plan(chunk_bytes=CHUNK, rule=RuleChoice(rule, trim))
    if algorithm == "fedadam":
        usual = replace(usual, algorithm=replace(usual.algorithm, name=algorithm, server=ADAM))
    layout = (
        Tensor("weights", (TRAINABLE,), "trainable", 16),
        Tensor("running", (COORDINATES - TRAINABLE,), "statistic", 16),
    )
    return usual.task(layout, bytes(32), bytes(32), bytes(20))


def root_by_the_rfc(data: bytes) -> bytes:
    """RFC 9162, 2.1, as written."""
    if len(data) <= CHUNK:
        return hashlib.sha256(b"\0" + data).digest()
    leaves = -(-len(data) // CHUNK)
    split = CHUNK * 2 ** ((leaves - 1).bit_length() - 1)
    halves = root_by_the_rfc(data[:split]) + root_by_the_rfc(data[split:])
    return hashlib.sha256(b"\1" + halves).digest()


@dataclass(frozen=True)
class Round:
    """A base and updates with what lies at the ends of the range, in a store."""

    store: MemoryStore
    base: Vector
    updates: Sequence[Vector]

    @property
    def counted(self) -> list[tuple[int, bytes, int]]:
        """At positions that are not their places."""
        roots = [root_by_the_rfc(update.tobytes()) for update in self.updates]
        return [(place + 2, *each) for place, each in enumerate(zip(roots, WEIGHTS, strict=True))]

    @property
    def base_root(self) -> bytes:
        return root_by_the_rfc(self.base.tobytes())


def put(store: Store, vector: NDArray[Any]) -> bytes:
    root = root_by_the_rfc(vector.tobytes())
    store.put(vector.tobytes(), vector_id(task_of(), root))
    return root


@pytest.fixture(scope="module")
def round() -> Round:
    dice = np.random.default_rng(5)
    drawn = [dice.integers(-END, END, COORDINATES, dtype=np.int32) >> 7 for _ in range(6)]
    drawn[2][[0, 150_000, 299_999]] = END, -END - 1, -END
    drawn[0][[1, 250_000]] = END, -END
    # A run of coordinates at which all but one stand still.
    for update in drawn[2:]:
        update[260_000:260_100] = 0
    drawn[1][260_000:260_100] = 1
    store = MemoryStore()
    for vector in drawn:
        put(store, vector)
    return Round(store, drawn[0], drawn[1:])


def halves_away(sums: NDArray[np.int64], by: int) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.sign(sums) * ((np.abs(sums) + by // 2) // by)
    return found


def plainly(round: Round, rule: str) -> NDArray[np.int64]:
    """The rule on whole vectors."""
    whole = np.maximum(np.stack(round.updates).astype(np.int64), -END)
    if rule == "weighted_mean":
        return halves_away((whole * np.array(WEIGHTS)[:, None]).sum(0), sum(WEIGHTS))
    middle = np.sort(whole, axis=0)[2:3] if rule == "coordinate_median" else np.sort(whole, 0)[1:4]
    return halves_away(middle.sum(0), len(middle))


def statistics(round: Round, combined: NDArray[np.int64]) -> RoundStatistics:
    whole = np.maximum(np.stack(round.updates).astype(np.int64), -END)
    saturated = int((np.abs(whole) == END).any(0).sum())
    return RoundStatistics(
        COORDINATES, saturated, int(((whole != 0).any(0) & (combined == 0)).sum())
    )


@pytest.mark.parametrize("rule", ["weighted_mean", "coordinate_median", "trimmed_mean"])
def test_blocks_give_what_whole_vectors_give(round: Round, rule: str) -> None:
    combined = plainly(round, rule)
    after = np.clip(np.maximum(round.base, -END) + combined, -END, END).astype(np.int32)
    kept = MemoryStore()
    found = aggregate(task_of(rule), round.store, round.base_root, round.counted, kept=kept)
    assert found.root == root_by_the_rfc(after.tobytes())
    assert found.state_root == bytes(32)
    assert found.statistics == statistics(round, combined)
    assert found.statistics.stalled >= 100
    assert kept.get(vector_id(task_of(), found.root)) == after.tobytes()
    assert len(list(kept.ids())) == 1


def test_moments_go_through_blocks_and_statistics_have_none(round: Round) -> None:
    task, combined = task_of(algorithm="fedadam"), plainly(round, "weighted_mean")
    dice = np.random.default_rng(8)
    given = np.stack(
        [dice.integers(-(2**30), 2**30, TRAINABLE), dice.integers(0, 2**40, TRAINABLE)]
    )
    store = LayeredStore(MemoryStore(), round.store)
    state = put(store, np.ascontiguousarray(given.T))
    kept = MemoryStore()
    found = aggregate(task, store, round.base_root, round.counted, state, kept=kept)
    model = np.frombuffer(kept.get(vector_id(task, found.root)), np.int32)
    moments = np.frombuffer(kept.get(vector_id(task, found.state_root)), np.int64).reshape(-1, 2)
    assert len(moments) == TRAINABLE
    # Around every edge: of the array, of a block, and of what has moments.
    places = [*range(40), *range(131_052, 131_092), *range(TRAINABLE - 40, TRAINABLE)]
    shape = (ADAM.mean_divisor, ADAM.square_divisor, ADAM.rate, ADAM.floor)
    for at in places:
        M, V = map(int, given[:, at])
        column = Column(3, 16, *shape, max(-END, int(round.base[at])), M, V, int(combined[at]))
        assert (int(model[at]), *map(int, moments[at])) == exact_step(column)
    rest = np.maximum(round.base, -END)[TRAINABLE:] + combined[TRAINABLE:]
    assert model[TRAINABLE:].tolist() == np.clip(rest, -END, END).tolist()


def test_a_first_state_is_the_constants_own(round: Round) -> None:
    task, kept = task_of(algorithm="fedadam"), MemoryStore()
    found = aggregate(task, round.store, round.base_root, round.counted, kept=kept)
    start = np.repeat([[0, ADAM.floor**2]], TRAINABLE, axis=0)
    store = LayeredStore(MemoryStore(), round.store)
    again = aggregate(task, store, round.base_root, round.counted, put(store, start))
    assert again == found
    assert kept.has(vector_id(task, found.state_root))


# What is not to be had


def spoiled(round: Round, spoil: dict[int, Any]) -> MemoryStore:
    """A store in which some updates, by place, have other bytes, or None for none."""
    store = MemoryStore()
    for vector in (round.base, *round.updates):
        put(store, vector)
    for place, data in spoil.items():
        content_id = vector_id(task_of(), round.counted[place][1])
        if data is None:
            del store._blobs[content_id]
        else:
            store._blobs[content_id] = data
    return store


def flipped(round: Round, place: int) -> bytes:
    data = bytearray(round.updates[place].tobytes())
    data[900_000] ^= 1
    return bytes(data)


def test_the_first_missing_update_is_named_by_its_position(round: Round) -> None:
    short, long = round.updates[3].tobytes()[:-4], round.updates[3].tobytes() + bytes(4)
    cases: list[tuple[dict[int, Any], int, str]] = [
        ({3: None}, 5, "not in this memory store"),
        ({2: flipped(round, 2)}, 4, "the 1200004 bytes in memory hash to something else"),
        ({1: flipped(round, 1), 3: None}, 3, "hash to something else"),
        ({1: None, 3: flipped(round, 3)}, 3, "not in this memory store"),
        ({3: short}, 5, "the 1200000 bytes in memory hash to something else"),
        ({3: long}, 5, "found 1200008 bytes, accepted: 1200004, which is 300001 coordinates"),
        ({0: flipped(round, 0), 4: short}, 2, "hash to something else"),
    ]
    for spoil, position, told in cases:
        store, kept = spoiled(round, spoil), MemoryStore()
        with pytest.raises(UpdateMissing) as missing:
            aggregate(task_of(), store, round.base_root, round.counted, kept=kept)
        assert missing.value.position == position
        assert told in missing.value.message
        assert list(kept.ids()) == []


def test_a_base_that_is_not_to_be_had_is_no_update(round: Round) -> None:
    store = spoiled(round, {0: None})
    del store._blobs[vector_id(task_of(), round.base_root)]
    with pytest.raises(BlobMissing) as missing:
        aggregate(task_of(), store, round.base_root, round.counted)
    assert not isinstance(missing.value, UpdateMissing)
    short = put(store, round.base[:-1].copy())
    with pytest.raises(InvalidModel, match="found 1200000 bytes"):
        aggregate(task_of(), store, short, round.counted)


def test_a_bad_copy_is_made_up_for_by_the_next_one(round: Round) -> None:
    bad = spoiled(round, {0: flipped(round, 0), 2: b"rubbish", 4: flipped(round, 4)})
    kept = MemoryStore()
    given = (round.base_root, round.counted)
    found = aggregate(task_of(), LayeredStore(bad, round.store), *given, kept=kept)
    assert found == aggregate(task_of(), round.store, *given)
    assert [content_id.digest for content_id in kept.ids()] == [found.root]
    with pytest.raises(UpdateMissing) as missing:
        aggregate(task_of(), LayeredStore(bad, bad), *given)
    assert missing.value.position == 2


class Cut(MemoryStore):
    """A store whose copy of one blob ends in the middle, once it is read there."""

    cut: ContentId

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        (copy,) = super().copies(content_id)
        end = copy.size_bytes // (1 + (content_id == self.cut))
        yield replace(copy, ranged=lambda start, stop: copy.ranged(start, min(stop, end)))


def test_a_copy_that_ends_while_it_is_read(round: Round) -> None:
    store = Cut()
    store._blobs = round.store._blobs
    store.cut = vector_id(task_of(), round.counted[1][1])
    with pytest.raises(UpdateMissing, match=r"found \d+ bytes from") as missing:
        aggregate(task_of(), store, round.base_root, round.counted)
    assert missing.value.position == 3


def test_a_result_is_written_to_disk_whole_or_not_at_all(round: Round, tmp_path: Path) -> None:
    kept = DiskStore(tmp_path / "kept")
    with pytest.raises(UpdateMissing):
        aggregate(task_of(), spoiled(round, {4: None}), round.base_root, round.counted, kept=kept)
    bad = spoiled(round, {4: flipped(round, 4)})
    with pytest.raises(UpdateMissing):
        aggregate(task_of(), bad, round.base_root, round.counted, kept=kept)
    assert [path for path in kept.path.rglob("*") if path.is_file()] == []
    found = aggregate(task_of(), round.store, round.base_root, round.counted, kept=kept)
    assert list(kept.ids()) == [vector_id(task_of(), found.root)]
