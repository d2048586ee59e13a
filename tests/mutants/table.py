"""What a mutant is: one exact text of one file replaced by another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`old` occurs once in `file` (below the mutated folder). `killer` names the vector, the test
    (`file::test`) or the file of tests that is expected to notice, tried first; a mutant that
    nothing can notice says why in `argued`."""

    name: str
    file: str
    old: str
    new: str
    killer: str = ""
    argued: str = ""
