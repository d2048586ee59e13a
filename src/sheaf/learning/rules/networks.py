"""Networks of minima and maxima that put the middle ranks of a column where they can be read.

A network sorts by comparing fixed pairs of wires, so that whole rows can be compared at a time:
halves are sorted and merged by Batcher's odd-even merge ("Sorting networks and their applications",
AFIPS 1968; for lists of any length, Knuth, TAOCP 3, section 5.3.4, exercise 1). What the wanted
ranks do not depend on is left out, then every result is given a row to be written to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Comparator:
    """Moves the smaller of two wires to ``low``, the larger to ``high``, each where wanted."""

    low: int
    high: int
    wants_minimum: bool
    wants_maximum: bool


@dataclass(frozen=True)
class Step:
    """Row ``target`` becomes the minimum, or else the maximum, of two other rows."""

    is_minimum: bool
    first: int
    second: int
    target: int


@dataclass(frozen=True)
class Network:
    """Steps over rows: the first ones are the entries, which no step writes to, then ``scratch``
    more. After all steps the rows ``middle`` hold the wanted ranks, in any order."""

    steps: tuple[Step, ...]
    scratch: int
    middle: tuple[int, ...]


@lru_cache(maxsize=256)
def network(count: int, dropped: int) -> Network:
    """Return the network for the ranks ``dropped`` to ``count - dropped - 1`` of ``count`` entries.

    The ranks come in any order, since only their sum is wanted.
    """
    comparators, order = _sorted(range(count))
    middle = order[dropped : count - dropped]
    return _placed(_wanted(comparators, middle), count, middle)


_Pairs = list[tuple[int, int]]


def _sorted(wires: Sequence[int]) -> tuple[_Pairs, list[int]]:
    """The pairs to compare, and the wires in the order of the ranks they hold then."""
    if len(wires) < 2:
        return [], list(wires)
    half = (len(wires) + 1) // 2
    (first, low), (second, high) = _sorted(wires[:half]), _sorted(wires[half:])
    merging, order = _merged(low, high)
    return first + second + merging, order


def _merged(first: Sequence[int], second: Sequence[int]) -> tuple[_Pairs, list[int]]:
    """The same for wires that hold two lists, each in order."""
    if not first or not second:
        return [], [*first, *second]
    if len(first) == len(second) == 1:
        return [(first[0], second[0])], [first[0], second[0]]
    above, odd = _merged(first[::2], second[::2])
    below, even = _merged(first[1::2], second[1::2])
    pairs = list(zip(even, odd[1:], strict=False))
    rest = even[len(pairs) :] + odd[len(pairs) + 1 :]
    return [*above, *below, *pairs], [odd[0], *(wire for pair in pairs for wire in pair), *rest]


def _wanted(pairs: _Pairs, middle: Sequence[int]) -> list[Comparator]:
    """The comparators that the ``middle`` wires depend on."""
    # Per wire, from the end backwards: not wanted, wanted as part of a sum, or wanted as a rank.
    wanted = dict.fromkeys((wire for pair in pairs for wire in pair), "")
    wanted |= dict.fromkeys(middle, "in a sum")
    kept: list[Comparator] = []
    for low, high in reversed(pairs):
        if wanted[low] == wanted[high] == "in a sum" or not (wanted[low] or wanted[high]):
            continue
        kept.append(Comparator(low, high, bool(wanted[low]), bool(wanted[high])))
        wanted[low] = wanted[high] = "as a rank"
    return kept[::-1]


def _placed(comparators: Sequence[Comparator], count: int, middle: Sequence[int]) -> Network:
    """Each result in a row that nothing needs any more: the last one left, which is in cache."""
    place, free, rows = list(range(count)), list[int](), count
    steps: list[Step] = []
    for comparator in comparators:
        first, second = place[comparator.low], place[comparator.high]
        for is_minimum, wire, wanted in (
            (True, comparator.low, comparator.wants_minimum),
            (False, comparator.high, comparator.wants_maximum),
        ):
            if wanted:
                if not free:
                    free, rows = [rows], rows + 1
                place[wire] = free.pop()
                steps.append(Step(is_minimum, first, second, place[wire]))
        free += [row for row in (first, second) if row >= count]
    return Network(tuple(steps), rows - count, tuple(place[wire] for wire in middle))
