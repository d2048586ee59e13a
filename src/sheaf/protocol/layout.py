"""The layout of a model: which tensors, in which order, stand in its flat vector.

Trainable tensors come first, so that "the first `trainable` coordinates" is all a contract has to
know. What follows are *statistics* (the running means of a BatchNorm): the rule combines them, no
server optimiser moves them, and only they may have fraction bits of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sheaf.protocol.errors import InvalidModel

FRAC_BITS_MIN = 8
FRAC_BITS_MAX = 24
KINDS = ("trainable", "statistic")


@dataclass(frozen=True)
class Tensor:
    """One tensor: its name, its shape (`()` is one number), its kind and its fraction bits.

    Raises `InvalidModel` when a field is out of bounds.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    frac_bits: int

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidModel(f"found tensor name {self.name!r}, accepted: a non-empty string")
        if not all(_is_integer(size) and size > 0 for size in self.shape):
            raise InvalidModel(
                f"{self.name}: found shape {self.shape}, accepted: sizes of at least 1"
            )
        if self.kind not in KINDS:
            raise InvalidModel(f"{self.name}: found kind {self.kind!r}, accepted: {KINDS}")
        if not _is_integer(self.frac_bits) or not (
            FRAC_BITS_MIN <= self.frac_bits <= FRAC_BITS_MAX
        ):
            raise InvalidModel(
                f"{self.name}: found {self.frac_bits} fraction bits, "
                f"accepted: {FRAC_BITS_MIN} to {FRAC_BITS_MAX}"
            )

    @property
    def size(self) -> int:
        """How many coordinates the tensor takes."""
        return math.prod(self.shape)


def check_layout(tensors: Sequence[Tensor]) -> None:
    """Raise `InvalidModel` unless there is a trainable tensor, trainable tensors come first and
    agree on their fraction bits, and no name occurs twice."""
    kinds = [tensor.kind for tensor in tensors]
    if "trainable" not in kinds:
        raise InvalidModel("found no trainable tensor, accepted: at least one")
    if kinds != sorted(kinds, key=KINDS.index):
        late = tensors[kinds.index("statistic")].name
        raise InvalidModel(f"{late}: found before a trainable tensor, accepted: after them all")
    seen: set[str] = set()
    for tensor in tensors:
        if tensor.name in seen:
            raise InvalidModel(f"{tensor.name}: found twice, accepted: each tensor once")
        seen.add(tensor.name)
        if tensor.kind == "trainable" and tensor.frac_bits != tensors[0].frac_bits:
            raise InvalidModel(
                f"{tensor.name}: found {tensor.frac_bits} fraction bits, accepted: "
                f"{tensors[0].frac_bits}, as {tensors[0].name}; only statistics may differ"
            )


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
