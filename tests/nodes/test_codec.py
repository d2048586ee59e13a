"""Dataclasses as JSON and back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NewType

import pytest

from sheaf.nodes.codec import plain, typed
from sheaf.nodes.plan import Plan
from tests.nodes.plans import plan

Count = NewType("Count", int)


@dataclass(frozen=True)
class Leaf:
    """One of everything."""

    name: str
    digest: bytes
    share: tuple[int, int]
    folder: Path | None
    count: Count
    options: dict[str, Any]
    ready: bool


@dataclass(frozen=True)
class Twig:
    """Another kind than a leaf."""

    length: float


@dataclass(frozen=True)
class Branch:
    """Holds either."""

    tips: tuple[Leaf | Twig, ...]


LEAF = Leaf("0xff", b"\xff", (1, 3), Path("a/b"), Count(2**90), {"lr": [1, 10], "on": True}, True)
PLAIN = {
    "type": "Leaf",
    "name": "0xff",
    "digest": "0xff",
    "share": [1, 3],
    "folder": "a/b",
    "count": 2**90,
    "options": {"lr": [1, 10], "on": True},
    "ready": True,
}


def test_what_was_made_plain_comes_back() -> None:
    branch = Branch((LEAF, Twig(0.5)))
    written = plain(branch)
    assert written == {"type": "Branch", "tips": [PLAIN, {"type": "Twig", "length": 0.5}]}
    assert typed(json.loads(json.dumps(written)), Branch) == branch


def test_a_whole_plan_comes_back() -> None:
    assert typed(json.loads(json.dumps(plain(plan()))), Plan) == plan()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": 1}, "Leaf.name: found 1, accepted: str"),
        ({"name": None}, "Leaf.name: found None, accepted: str"),
        ({"digest": "ff"}, "Leaf.digest: found 'ff', accepted: bytes"),
        ({"digest": "0xf"}, "non-hexadecimal"),
        ({"share": [1]}, "Leaf.share: found 1 items, accepted: 2"),
        ({"share": 1}, "Leaf.share: found 1, accepted: a list"),
        ({"share": [1, True]}, "Leaf.share[1]: found True, accepted: int"),
        ({"folder": 7}, "Leaf.folder: found 7, accepted: Path, NoneType"),
        ({"count": 1.0}, "Leaf.count: found 1.0, accepted: int"),
        ({"options": []}, "Leaf.options: found [], accepted: dict"),
        ({"more": 1}, "Leaf: found another set of fields: more"),
        ({"type": "Twig"}, "Leaf: found {'type': 'Twig'"),
    ],
)
def test_anything_else_is_refused_and_says_where(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        typed(PLAIN | changes, Leaf)


def test_a_kind_that_is_not_of_the_union_is_refused() -> None:
    told = "Branch.tips[0]: found {'type': 'Root'}, accepted: Leaf, Twig"
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        typed({"type": "Branch", "tips": [{"type": "Root"}]}, Branch)
