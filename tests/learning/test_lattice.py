"""The lattice: floats to integers and back, by hand and against exact rationals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.learning.lattice import (
    encode_model,
    encode_update,
    float_view,
    from_bytes,
    to_bytes,
)
from sheaf.protocol.arithmetic import LIMIT
from sheaf.protocol.errors import InvalidModel, NotFinite

lattice_integers = st.integers(-LIMIT, LIMIT)
frac_bits = st.integers(8, 24)


def int32(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(values, dtype=np.int32)


def test_a_model_is_rounded_to_nearest_even_steps() -> None:
    steps = np.array([0.0, 1.0, -1.0, 0.5, 1.5, -0.5, -1.5, 2.4999, 2.5001]) / 256
    assert encode_model(steps, 8).tolist() == [0, 1, -1, 0, 2, 0, -2, 2, 3]


@pytest.mark.parametrize(
    ("value", "bits", "expected"),
    [
        (32768.0, 16, LIMIT),
        (-32768.0, 16, -LIMIT),
        (1e300, 24, LIMIT),
        (-1.7e308, 24, -LIMIT),
        (127.99999994039536, 24, 2147483647),
        (32767.0, 16, 32767 * 65536),
    ],
)
def test_out_of_range_saturates(value: float, bits: int, expected: int) -> None:
    assert encode_model(np.array([value]), bits).tolist() == [expected]


def test_float_view_rounds_once_to_nearest_even() -> None:
    # 2**24 + 1 lies half way between two float32; so does 2**24 + 3.
    view = float_view(int32(2**24 + 1, 2**24 + 3, -(2**24) - 1, 3), 16)
    assert view.dtype == np.float32
    assert view.tolist() == [256.0, (2**24 + 4) / 2**16, -256.0, 3 / 2**16]


@given(st.lists(lattice_integers, min_size=1), frac_bits)
def test_no_training_gives_zero(model: list[int], bits: int) -> None:
    base = np.array(model, dtype=np.int32)
    assert not encode_update(float_view(base, bits), base, bits).any()


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), lattice_integers, frac_bits)
def test_an_update_is_the_rounded_difference(local: float, base: int, bits: int) -> None:
    update = encode_update(np.array([local], dtype=np.float32), int32(base), bits)
    start = Fraction(float(np.float32(math.ldexp(base, -bits))))
    difference = (Fraction(local) - start) * 2**bits
    exact = max(-LIMIT, min(LIMIT, round(difference)))
    # float64 holds the difference of two float32 to 53 bits, which is below one step in range.
    assert abs(int(update[0]) - exact) <= (0 if abs(difference) < 2**20 else 1)


def test_an_update_by_hand() -> None:
    base = int32(65536, -65536, 0, 2**31 - 1)
    local = np.array([1.5, -1.0, -2.0 / 65536, -40000.0], dtype=np.float32)
    assert encode_update(local, base, 16).tolist() == [32768, 0, -2, -LIMIT]


def test_statistics_may_have_other_fraction_bits() -> None:
    bits = np.array([16, 8], dtype=np.int8)
    assert encode_model(np.array([1.0, 1.0]), bits).tolist() == [65536, 256]
    assert float_view(int32(65536, 256), bits).tolist() == [1.0, 1.0]
    assert encode_update(np.array([2.0, 2.0]), int32(65536, 256), bits).tolist() == [65536, 256]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_finite_is_refused_by_coordinate(value: float) -> None:
    values = np.array([0.0, 1.0, value], dtype=np.float32)
    with pytest.raises(NotFinite, match=r"found (nan|-?inf) at coordinate 2"):
        encode_model(values, 16)
    with pytest.raises(NotFinite, match="at coordinate 2"):
        encode_update(values, int32(0, 0, 0), 16)


def test_another_length_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"found 2 trained values .* accepted: \(3,\)"):
        encode_update(np.zeros(2), int32(0, 0, 0), 16)


def test_bytes_are_little_endian_int32() -> None:
    assert to_bytes(int32(1, -2, 2**24)) == bytes.fromhex("01000000feffffff00000001")
    assert from_bytes(bytes.fromhex("01000000feffffff00000001"), 3).tolist() == [1, -2, 2**24]
    assert from_bytes(memoryview(b"\1\0\0\0"), 1).tolist() == [1]


def test_the_smallest_int32_reads_as_minus_the_limit() -> None:
    assert from_bytes(bytes.fromhex("0000008001000080"), 2).tolist() == [-LIMIT, -LIMIT]


@pytest.mark.parametrize("length", [0, 7, 9, 12])
def test_bytes_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(InvalidModel, match=f"found {length} bytes, accepted: 8"):
        from_bytes(bytes(length), 2)


@given(st.lists(lattice_integers))
def test_bytes_round_trip(values: list[int]) -> None:
    vector = np.array(values, dtype=np.int32)
    assert from_bytes(to_bytes(vector), len(values)).tolist() == values
