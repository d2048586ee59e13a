"""`make mutants`: breaks specification and contracts on purpose; the tests must notice.

`--part K N` tries every N-th mutant, beginning with number K modulo N: who counts K up has tried
all of them after N times.

Works on temporary copies. Exit 1 when a mutant survives that nobody argued, when the unbroken copy
fails, when a mutant's text is not in its file exactly once, or when contracts cannot be compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutants.contracts import CONTRACTS  # noqa: E402
from tests.mutants.specification import SPECIFICATION  # noqa: E402
from tests.mutants.table import Mutant  # noqa: E402

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
LIMIT_S = 2400
"""Of one run of tests, minutes long: what takes longer hangs."""
COMPILED = ("Federation", "Court")
"""What is compiled anew; the federation brings its vault along."""
MODULES = ROOT / "contracts" / "node_modules"
IMPORT = re.compile(r'^import[^;]*?"([^"]+)";', re.MULTILINE)
# The old pipeline with a light optimiser: many times faster than the shipped settings. Behaviour is
# what is compared, not gas, and not size either: its code is larger than a chain deploys.
SETTINGS = {
    "evmVersion": "cancun",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 1},
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
}
OUTPUT = ["evm.bytecode.object", "evm.deployedBytecode.object"]

ANY_SIZE = """
from eth.vm.forks.spurious_dragon import computation

computation.EIP170_CODE_SIZE_LIMIT = 2**16
"""
"""Lets the copy's chain deploy code of any size."""


class Broken(Exception):
    """The harness itself cannot run: nothing was learned of any mutant."""


@dataclass(frozen=True)
class Copy:
    """A copy of what the tests need."""

    folder: Path

    @classmethod
    def make(cls, parent: Path, name: str) -> Copy:
        """Copy sources and tests below `parent`."""
        folder = parent / name
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc", ".hypothesis")
        for part in ("src", "tests", "contracts/src"):
            shutil.copytree(ROOT / part, folder / part, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", folder)
        with (folder / "tests/conftest.py").open("a", encoding="utf-8") as file:
            file.write(ANY_SIZE)
        return cls(folder)

    def passes(self, tests: Sequence[str]) -> bool:
        """Whether the tests pass here; Broken where they do not end, which is no verdict."""
        return self._succeeds("pytest", "-x", "-q", "-p", "no:cacheprovider", *tests)

    def plays_the_vectors(self) -> bool:
        """Whether every vector plays on the specification: what most mutants fall by, in a fraction
        of the time that the tests take to begin."""
        return self._succeeds("tests.mutants.vectors")

    def _succeeds(self, *module: str) -> bool:
        environment = os.environ | {
            "PYTHONPATH": str(self.folder / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            done = subprocess.run(
                [sys.executable, "-m", *module],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Broken(f"{' '.join(module)}: no end after {LIMIT_S} s") from error
        if done.returncode not in (0, 1):
            told = f"{done.stdout[-3000:]}{done.stderr}"
            raise Broken(f"{module[0]} exits {done.returncode}:\n{told}")
        return done.returncode == 0

    def build(self, changed: str = "") -> None:
        """Compile the contracts here into the artefacts that the tests deploy: all, or those that a
        `changed` file is part of."""
        built = [
            name for name in COMPILED if not changed or f"src/{changed}" in self._sources(name)
        ]
        sources = {
            path: {"content": text} for n in built for path, text in self._sources(n).items()
        }
        wanted = {f"src/{name}.sol": {name: OUTPUT} for name in built}
        settings = {**SETTINGS, "outputSelection": wanted}
        source = {"language": "Solidity", "settings": settings, "sources": sources}
        try:
            done = subprocess.run(
                ["node", "tools/solc.mjs", "--standard-json"],
                cwd=ROOT / "contracts",
                input=json.dumps(source),
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        except FileNotFoundError as error:
            raise Broken("contract mutants need node: install it, then try again") from error
        if done.returncode:
            raise Broken(f"the compiler fails; 'make -C contracts setup' first?\n{done.stderr}")
        output = json.loads(done.stdout)
        errors = [e for e in output.get("errors", ()) if e["severity"] == "error"]
        if errors:
            raise Broken(errors[0]["formattedMessage"])
        for name in built:
            evm = output["contracts"][f"src/{name}.sol"][name]["evm"]
            artifact = self.artifact(name)
            plain = json.loads(artifact.read_text("utf-8"))
            plain["bytecode"] = "0x" + evm["bytecode"]["object"]
            plain["deployedBytecode"] = "0x" + evm["deployedBytecode"]["object"]
            artifact.write_text(json.dumps(plain), "utf-8")

    def artifact(self, name: str) -> Path:
        """Where the tests look for a contract's code."""
        return self.folder / f"src/sheaf/ledger/artifacts/{name}.json"

    def _sources(self, contract: str) -> dict[str, str]:
        """A contract's file and all it imports, by the names the compiler asks for."""
        waiting, found = [f"src/{contract}.sol"], dict[str, str]()
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            ours = name.startswith("src/")
            file = (self.folder / "contracts" if ours else ROOT / "contracts") / name
            if not file.exists():
                raise Broken(f"{name} is missing: run 'make -C contracts setup'")
            found[name] = file.read_text("utf-8")
            for imported in IMPORT.findall(found[name]):
                if imported.startswith("."):
                    waiting.append(os.path.normpath(os.path.join(os.path.dirname(name), imported)))
                else:
                    waiting.append("node_modules/" + imported)
        return found


def mutate(file: Path, mutant: Mutant) -> str:
    """Write the mutant into `file`; returns the original text."""
    text = file.read_text("utf-8")
    if text.count(mutant.old) != 1:
        found = text.count(mutant.old)
        raise Broken(f"{mutant.name}: its text is in {mutant.file} {found} times, expected once")
    file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    return text


def survives_specification(copy: Copy, mutant: Mutant) -> bool:
    """Whether the specification's tests overlook the mutant."""
    file = copy.folder / "src/sheaf/protocol" / mutant.file
    original = mutate(file, mutant)
    try:
        return copy.plays_the_vectors() and copy.passes(SPEC_TESTS)
    finally:
        file.write_text(original, "utf-8")


def survives_contracts(copy: Copy, mutant: Mutant) -> bool:
    """Whether the contracts' tests overlook the mutant; the expected killer goes first."""
    file = copy.folder / "contracts/src" / mutant.file
    unbroken = {name: copy.artifact(name).read_text("utf-8") for name in COMPILED}
    original = mutate(file, mutant)
    try:
        copy.build(mutant.file)
        if mutant.killer and not copy.passes([killer_test(mutant)]):
            return False
        return copy.passes(CHAIN_TESTS)
    finally:
        file.write_text(original, "utf-8")
        for name, text in unbroken.items():
            copy.artifact(name).write_text(text, "utf-8")


def killer_test(mutant: Mutant) -> str:
    """The test that should notice: of a vector, where it is a vector's name."""
    return mutant.killer if "::" in mutant.killer else f"{VECTOR_TEST}[{mutant.killer}]"


def unbroken(copy: Copy, wanted: Sequence[Mutant]) -> bool:
    """Whether all that these mutants are judged by passes without any; else it shows nothing."""
    if wanted[0] in SPECIFICATION:
        return copy.passes(SPEC_TESTS)
    # What else judges contracts, `make test` runs unbroken.
    return copy.passes(sorted({killer_test(mutant) for mutant in wanted if mutant.killer}))


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
