"""Proofs about the contracts' integer arithmetic, by an SMT solver over the integers.

    python prove.py

For fixed-width words a division by a variable is beyond any solver's reach, so these are proofs
over all integers in the stated ranges, with what keeps them inside a word. They are about the code:
the compiler's syntax tree of a function is run on unknown integers (`reading`), so that a change of
the function is a change of the claim. `rdiv` is proved whole, and to be the specification's; of
`sqrt` each part; of settlement what divides money: `_shareSlashes` and the amounts of
`_settleDispute` whole, of the loops of `_pay` and `_shareOverturned` one pass.

By formula or by hand: that pass after pass keeps what one pass keeps (the sum of rewards), and how
the error of one step of a root goes into that of the next (`error_after`). The server's step,
columns and paths are for exact references, fuzzing and the vectors.

Each claim is also tried with a mistake in it, of which the solver must find a counterexample.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import functions
import z3
from claim import Claim

TIMEOUT_MS = 60_000


def main() -> int:
    """Prove every claim; 1 if one cannot be proved, or its mistake is not seen."""
    failed = 0
    for claim in claims():
        proved = _outcome(claim.proof) == z3.unsat
        seen = _outcome(claim.mistaken) == z3.sat
        verdict = "proved" if proved and seen else "NOT PROVED" if not proved else "BLIND"
        sys.stdout.write(f"{verdict:10}  {claim.name}\n")
        sys.stdout.flush()
        failed += verdict != "proved"
    return int(failed > 0)


def claims() -> Iterator[Claim]:
    """All of them."""
    yield from functions.claims()
    yield in_sum()


def in_sum() -> Claim:
    """After the last participant, all samples are seen."""
    reward, samples, paid = z3.Ints("reward samples paid")
    given = [reward >= 0, samples >= 1, paid * samples <= reward * samples]
    proof, mistaken = (z3.And(*given, z3.Not(holds)) for holds in (paid <= reward, paid < reward))
    return Claim("so the rewards of all never exceed the round's", proof, mistaken)


def _outcome(negation: z3.BoolRef) -> z3.CheckSatResult:
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    solver.add(negation)
    return solver.check()


if __name__ == "__main__":
    sys.exit(main())
