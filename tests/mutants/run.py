"""`make mutants`: breaks specification and contracts on purpose; the tests must notice.

`--part K N` tries every N-th mutant, beginning with number K modulo N: who counts K up has tried
all of them after N times.

Works on temporary copies. Exit 1 when a mutant survives that nobody argued, when the unbroken copy
fails, when a mutant's text is not in its file exactly once, or when contracts cannot be compiled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.mutants.contracts import CONTRACTS
from tests.mutants.copies import COMPILED, Broken, Copy
from tests.mutants.specification import SPECIFICATION
from tests.mutants.table import Mutant

SPEC_TESTS = tuple(
    f"tests/protocol/test_{name}.py"
    for name in ("vectors", "hashing", "properties", "draws", "docket", "court_properties")
)
VECTOR_TEST = "tests/conformance/test_vectors.py::test_vector"
CHAIN_TESTS = (
    "tests/conformance/test_vectors.py",
    "tests/contracts/test_reentrance.py",
    "tests/contracts/test_tokens.py",
)
DEPLOYED_BY = {
    "tests/contracts/test_server_step.py": ("ServerSteps",),
    "tests/contracts/test_libraries.py": ("Bitmaps", "Token"),
}
"""What killers deploy that need no more: the rest takes long to compile."""


def mutate(file: Path, mutant: Mutant) -> str:
    """Write the mutant into `file`; returns the original text."""
    text = file.read_text("utf-8")
    if text.count(mutant.old) != 1:
        found = text.count(mutant.old)
        raise Broken(f"{mutant.name}: its text is in {mutant.file} {found} times, expected once")
    file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    return text


def survives_specification(copy: Copy, mutant: Mutant) -> bool:
    """Whether the specification's tests overlook the mutant; the expected killer goes first."""
    file = copy.folder / "src/sheaf/protocol" / mutant.file
    original = mutate(file, mutant)
    try:
        if mutant.killer and not copy.passes([mutant.killer]):
            return False
        return copy.plays_the_vectors() and copy.passes(SPEC_TESTS)
    finally:
        file.write_text(original, "utf-8")


def survives_contracts(copy: Copy, mutant: Mutant) -> bool:
    """Whether the contracts' tests overlook the mutant; the expected killer goes first."""
    file = copy.folder / "contracts/src" / mutant.file
    unbroken = {name: copy.artifact(name).read_text("utf-8") for name in COMPILED}
    original = mutate(file, mutant)
    try:
        needed = DEPLOYED_BY.get(mutant.killer, COMPILED.keys())
        copy.build(mutant.file, needed)
        if mutant.killer and not copy.passes([killer_test(mutant)]):
            return False
        copy.build(mutant.file, COMPILED.keys() - needed)
        return copy.passes(CHAIN_TESTS)
    finally:
        file.write_text(original, "utf-8")
        for name, text in unbroken.items():
            copy.artifact(name).write_text(text, "utf-8")


def killer_test(mutant: Mutant) -> str:
    """The tests that should notice: one of a vector, where it is a vector's name."""
    return mutant.killer if ".py" in mutant.killer else f"{VECTOR_TEST}[{mutant.killer}]"


def unbroken(copy: Copy, wanted: Sequence[Mutant]) -> bool:
    """Whether all that these mutants are judged by passes without any; else it shows nothing."""
    expected = sorted({killer_test(mutant) for mutant in wanted if mutant.killer})
    if wanted[0] in SPECIFICATION:
        return copy.passes(sorted({*SPEC_TESTS, *expected}))
    return copy.passes(expected)  # what else judges contracts, `make test` runs unbroken


def run(wanted: Sequence[Mutant], jobs: int) -> int:
    """Try the mutants, print one line each; 1 if an unargued one survives."""
    unargued = 0
    with tempfile.TemporaryDirectory() as parent, ThreadPoolExecutor(jobs) as pool:
        copies: Queue[Copy] = Queue()
        for number in range(jobs):
            copies.put(Copy.make(Path(parent), f"copy-{number}"))
        if any(mutant in CONTRACTS for mutant in wanted):
            for copy in copies.queue:
                copy.build()

        def tried(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                of_contracts = mutant in CONTRACTS
                return (survives_contracts if of_contracts else survives_specification)(
                    copy, mutant
                )
            finally:
                copies.put(copy)

        def stands(mutants: Sequence[Mutant]) -> bool:
            copy = copies.get()
            try:
                return unbroken(copy, mutants)
            finally:
                copies.put(copy)

        kinds = [[m for m in wanted if m in table] for table in (CONTRACTS, SPECIFICATION)]
        if not all(pool.map(stands, filter(None, kinds))):
            raise Broken("tests fail without any mutant")
        for mutant, survived in zip(wanted, pool.map(tried, wanted), strict=True):
            where = "contract" if mutant in CONTRACTS else "spec"
            told = "killed" if not survived else "argued" if mutant.argued else "SURVIVED"
            unargued += told == "SURVIVED"
            print(f"{told:9}{where:9}{mutant.file}: {mutant.name}", flush=True)
            if told == "argued":
                print(f"{'':18}{mutant.argued}")
    print(f"{len(wanted)} mutants, {unargued} survived without an argument")
    return 1 if unargued else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants to try (default: all)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--part", type=int, nargs=2, metavar=("K", "N"), default=(0, 1))
    arguments = parser.parse_args()
    everything = CONTRACTS + SPECIFICATION
    unknown = set(arguments.names) - {m.name for m in everything}
    if unknown:
        parser.error(f"no mutant is named {sorted(unknown)[0]!r}")
    k, n = arguments.part
    wanted = [m for m in everything if not arguments.names or m.name in arguments.names][k % n :: n]
    try:
        return run(wanted, arguments.jobs)
    except Broken as broken:
        print(f"mutants: {broken}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
