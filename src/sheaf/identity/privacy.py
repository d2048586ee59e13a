"""What privacy a step spent, as its signer says it.

No mechanism is built yet, so that every signer of today says `None`. A `Budget` has its place and
its form already: a room for differential privacy fills it in, and readers need not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

NONE = "none"
"""What stands for the mechanism where there is none."""


@dataclass(frozen=True)
class Budget:
    """What one step spent of a differential-privacy budget: by which `mechanism` (a name such as
    `gaussian`), and (`epsilon`, `delta`) of it. Raises `ValueError` for what bounds nothing."""

    mechanism: str
    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        named = self.mechanism.isascii() and self.mechanism.replace("-", "").isalnum()
        if not named or self.mechanism == NONE or len(self.mechanism) > 64:
            raise ValueError(f"{self.mechanism!r:.80} where a mechanism is expected")
        if not (isfinite(self.epsilon) and self.epsilon > 0 and 0 <= self.delta < 1):
            raise ValueError(f"epsilon {self.epsilon!r} and delta {self.delta!r} bound nothing")


Privacy = Budget | None
"""What a step spent; None: nothing was made private."""


def privacy_plain(spent: Privacy) -> dict[str, Any]:
    """As JSON, numbers as the shortest decimal text that gives them back."""
    if spent is None:
        return {"mechanism": NONE, "epsilon": None}
    numbers = {"epsilon": repr(float(spent.epsilon)), "delta": repr(float(spent.delta))}
    return {"mechanism": spent.mechanism, **numbers}


def privacy_of(plain: Any) -> Privacy:
    """The inverse of `privacy_plain`. Raises `ValueError`, `KeyError` or `TypeError` for what is
    none; of the two texts of one number either is read."""
    if plain["mechanism"] == NONE:
        return None
    texts = plain["mechanism"], plain["epsilon"], plain["delta"]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{texts!r:.80} where texts are expected")
    return Budget(texts[0], float(texts[1]), float(texts[2]))
