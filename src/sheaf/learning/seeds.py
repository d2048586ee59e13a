"""Seeds: one recorded integer, and every other derived from it."""

import hashlib

SEED_BITS = 63
"""Torch and NumPy both take seeds of this size."""


def derived(seed: int, *purpose: str | int) -> int:
    """Return the seed for one ``purpose``, such as ``("order", participant, round)``.

    SHA-256 over the decimal and quoted forms, so that no two purposes run together. Not for
    secrets.
    """
    text = repr((seed, *purpose)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()) >> (256 - SEED_BITS)
