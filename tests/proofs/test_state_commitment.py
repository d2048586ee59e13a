"""Commitments to an optimiser's state: an element for each coordinate, the moments in order."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest

from sheaf.learning.algorithms import fedadam, fedavgm, moments
from sheaf.proofs.commitment import commit_state, open_state_at
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import InvalidModel
from sheaf.protocol.opening import Opening, Shape
from tests.play import ADAM, MOMENTUM, TERMS, changed

END = 2**31 - 1


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def header(element: int, coordinates: int, leaves: int, root: bytes) -> bytes:
    """0x02, then kind 3, bytes an element, coordinates, leaves and the root as words."""
    numbers = b"".join(n.to_bytes(32) for n in (3, element, coordinates, leaves))
    return hashlib.sha256(b"\2" + numbers + root).digest()


def test_two_moments_of_three_coordinates_by_hand() -> None:
    state = np.array([[1, -2, END], [0, 2**62, 7]], dtype=np.int64)
    elements = [struct.pack("<qq", *pair) for pair in ((1, 0), (-2, 2**62), (END, 7))]
    assert moments.to_bytes(state) == b"".join(elements)
    committed = commit_state(state, chunk_bytes=32)
    first, last = leaf(elements[0] + elements[1]), leaf(elements[2])
    assert committed.leaves == (first, last)
    assert committed.tree_root == node(first, last)
    assert committed.header == header(16, 3, 2, committed.tree_root)


def test_one_moment_by_hand() -> None:
    committed = commit_state(np.array([[5, -5, 0]], dtype=np.int64), chunk_bytes=16)
    first, last = leaf(struct.pack("<qq", 5, -5)), leaf(bytes(8))
    assert committed.tree_root == node(first, last)
    assert committed.header == header(8, 3, 2, committed.tree_root)


def test_a_chunk_of_4_kib_holds_256_elements() -> None:
    leaves = [commit_state(np.ones((2, n), dtype=np.int64)).leaves for n in (256, 257)]
    assert [len(each) for each in leaves] == [1, 2]
    assert leaves[0][0] == leaves[1][0]


def test_a_state_lies_where_its_commitment_says_and_is_read_back() -> None:
    generator = np.random.default_rng(1)
    for rows in (1, 2):
        state = generator.integers(-(2**63), 2**63, (rows, 1000))
        data = moments.to_bytes(state)
        assert commit_state(state).content_id.matches(data)
        assert np.array_equal(moments.from_bytes(data, 1000, 8 * rows), state)
        with pytest.raises(InvalidModel, match=f"found {len(data) - 8} bytes of state"):
            moments.from_bytes(data[:-8], 1000, 8 * rows)


@pytest.mark.parametrize("trainable", [1, 255, 256, 257, 1000])
def test_the_start_is_what_the_specification_says(trainable: int) -> None:
    shape = {"coordinates": 1000, "trainable": trainable, "chunk_log2": 12}
    adam = fedadam(16, 10, 100, 2**20, 2**14).start(trainable)
    momentum = fedavgm(16, 10, 2**20).start(trainable)
    for state, constants in ((adam, ADAM), (momentum, MOMENTUM)):
        model = changed(TERMS, **shape, **constants).model
        assert commit_state(state).tree_root == model.initial_state


def test_a_state_of_any_layout_in_memory_commits_to_the_same() -> None:
    state = np.arange(12, dtype=np.int64).reshape(2, 6)
    wide = np.repeat(state, 2, axis=1)[:, ::2]
    content_ids = {commit_state(each).content_id for each in (state, wide, state.copy("F"))}
    assert len(content_ids) == 1
    assert isinstance(content_ids.pop(), ContentId)


@pytest.mark.parametrize(
    "state",
    [
        np.zeros((2, 3), dtype=np.int32),
        np.zeros((2, 3), dtype=np.float64),
        np.zeros(3, dtype=np.int64),
        np.zeros((2, 0), dtype=np.int64),
    ],
)
def test_what_is_no_state_is_refused(state: object) -> None:
    with pytest.raises(InvalidModel, match=r"int64 of \(moments, coordinates\)"):
        commit_state(state)  # type: ignore[arg-type]


@pytest.mark.parametrize("chunk_bytes", [0, 8, 24])
def test_a_chunk_holds_whole_elements(chunk_bytes: int) -> None:
    with pytest.raises(ValueError, match="a power of two of at least 16"):
        commit_state(np.zeros((2, 3), dtype=np.int64), chunk_bytes)


def test_an_element_of_a_state_is_opened_by_hand() -> None:
    state = np.array([[1, -2, END], [0, 2**62, 7]], dtype=np.int64)
    elements = [struct.pack("<qq", *pair) for pair in ((1, 0), (-2, 2**62), (END, 7))]
    committed = commit_state(state, chunk_bytes=32)
    first, last = committed.leaves
    assert open_state_at(state, 1, committed) == Opening(elements[0] + elements[1], (last,))
    assert open_state_at(state, 2, committed) == Opening(elements[2], (first,))
    shape = Shape(16, 3, 32)
    for coordinate, element in enumerate(elements):
        opening = open_state_at(state, coordinate, committed)
        assert shape.element(opening, coordinate, committed.tree_root) == element
    alone = open_state_at(state, 2)
    assert alone == Opening(b"".join(elements), ())
    with pytest.raises(IndexError, match="coordinate 3 of a vector with 3"):
        open_state_at(state, 3, committed)
    with pytest.raises(InvalidModel, match="found 2 coordinates; the commitment has 3"):
        open_state_at(state[:, :2], 0, committed)
