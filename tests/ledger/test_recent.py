"""What is remembered is bounded by its bytes, and the least recently used goes first."""

from __future__ import annotations

from sheaf.ledger.recent import Recent


def test_as_much_is_kept_as_so_many_bytes_hold() -> None:
    kept: Recent[str, int] = Recent(most_bytes=6)
    for number, key in enumerate("abc"):
        kept.add(key, number, 2)
    assert (len(kept), kept.held_bytes) == (3, 6)
    assert kept.get("a") == 0
    kept.add("d", 3, 3)  # the two that nobody asked for go
    assert [key for key in "abcd" if key in kept] == ["a", "d"]
    assert kept.held_bytes == 5
    assert kept.get("b") is None


def test_what_is_too_large_lets_nothing_go() -> None:
    kept: Recent[str, int] = Recent(most_bytes=6)
    kept.add("a", 0, 4)
    kept.add("b", 1, 7)
    assert ("b" in kept, kept.get("a"), kept.held_bytes) == (False, 0, 4)
    kept.add("a", 2, 7)  # but for what was under its own key, which it replaces
    assert (kept.get("a"), kept.held_bytes) == (None, 0)


def test_a_value_in_place_of_another_counts_once() -> None:
    kept: Recent[str, int] = Recent(most_bytes=6)
    for size in (3, 5, 2):
        kept.add("a", size, size)
        assert (kept.get("a"), kept.held_bytes) == (size, size)
    kept.drop("a")
    kept.drop("a")
    assert (len(kept), kept.held_bytes) == (0, 0)
    kept.add("b", 1, 1)
    kept.clear()
    assert (len(kept), kept.held_bytes, kept.get("b")) == (0, 0, None)
