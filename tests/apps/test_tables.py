"""Text for people: columns, amounts, odds, the line of a round."""

from __future__ import annotations

import pytest

from sheaf.apps.cli.progress import round_line
from sheaf.apps.cli.tables import aligned, odds, tokens
from tests.apps.kept import summary


def test_columns_are_aligned() -> None:
    rows = [["round", "gas"], ["1", "20"], ["100", "3"]]
    assert aligned(rows, frozenset({1})) == "round  gas\n1       20\n100      3"


def test_others_words_do_not_move_the_cursor() -> None:
    assert aligned([["a\x1b[2Jb\n"]]) == "a?[2Jb?"


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [
        (12_500_000, 6, "12.5"),
        (1, 6, "0.000001"),
        (0, 6, "0"),
        (10**18, 18, "1"),
        (1_234_567 * 10**18 + 1, 18, "1,234,567.000000000000000001"),
        (42, 0, "42"),
    ],
)
def test_amounts_are_shown_exactly(units: int, decimals: int, text: str) -> None:
    assert tokens(units, decimals) == text


@pytest.mark.parametrize(
    ("ppb", "adversary", "sizes", "text"),
    [
        # Two of three are a quorum: 3 x 2 >= 2 x 3. A sixth of six is one, of five is none.
        (0, (1, 6), (3, 6, 5), "0 % a draw: 1 of 6 aggregators cannot fill a quorum of 2"),
        (0, (1, 5), (3, 3, 4), "0 % a draw: 0 of 3 aggregators cannot fill a quorum of 2"),
        (
            400_000_000,
            (1, 3),
            (3, 6, 5),
            "at most 40 % a draw with 2 of 6 aggregators and 1 opening in one hand",
        ),
        (
            1,
            (1, 4),
            (7, 100, 8),
            "at most 1e-07 % a draw with 25 of 100 aggregators and 2 openings in one hand",
        ),
    ],
)
def test_odds_say_whom_they_assume(
    ppb: int, adversary: tuple[int, int], sizes: tuple[int, int, int], text: str
) -> None:
    assert odds(ppb, adversary, *sizes) == text


def test_a_round_is_one_line() -> None:
    settled, aborted = summary("a")["rounds"]
    assert round_line(settled, 10) == (
        "round  1/10  settled  auc 0.9877  gas 1,234,567  1.0 s (train 0.2, ledger 0.5, proof 0.2)"
    )
    assert round_line(aborted, 2).startswith("round 2/2  aborted: no_quorum  gas 1,234,567")
