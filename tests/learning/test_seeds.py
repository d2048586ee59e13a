"""Derived seeds."""

import hashlib

from sheaf.learning.seeds import derived


def test_a_derived_seed_is_the_top_of_a_hash() -> None:
    digest = hashlib.sha256(b"(7, 'order', 2)").hexdigest()
    assert derived(7, "order", 2) == int(digest[:16], 16) >> 1


def test_purposes_do_not_run_together() -> None:
    purposes: list[tuple[str | int, ...]] = [
        (),
        ("a",),
        ("b",),
        ("a", "b"),
        ("ab",),
        ("a", 1),
        ("a1",),
        ("a", "1"),
        (1, 12),
        (11, 2),
    ]
    seeds = {derived(seed, *purpose) for purpose in purposes for seed in (0, 1, -1)}
    assert len(seeds) == 3 * len(purposes)
    assert all(0 <= seed < 2**63 for seed in seeds)
