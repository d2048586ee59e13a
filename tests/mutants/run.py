"""`make mutants`: breaks specification and contracts on purpose; the tests must notice.

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
from collections.abc import Iterator, Sequence
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
LIMIT_S = 900
"""Of one run of tests, a few minutes long: what takes longer hangs."""
MUTATED = ("Federation", "Court")
MODULES = ROOT / "contracts" / "node_modules"
IMPORT = re.compile(r'^import[^;]*?"([^"]+)";', re.MULTILINE)
# The shipped pipeline with few of the optimiser's steps: several times faster. Behaviour is what is
# compared, not gas, and not size either: its code is larger than a chain deploys.
SETTINGS = {
    "evmVersion": "cancun",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {
        "enabled": True,
        "runs": 1,
        "details": {
            "yul": True,
            "yulDetails": {"stackAllocation": True, "optimizerSteps": "dhfoDgvulfnTUtnIf:"},
        },
    },
    "viaIR": True,
    "outputSelection": {"*": {"*": ["evm.bytecode.object", "evm.deployedBytecode.object"]}},
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
}


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
        environment = os.environ | {
            "PYTHONPATH": str(self.folder / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Broken(f"{' '.join(tests)}: no end after {LIMIT_S} s") from error
        if done.returncode not in (0, 1):
            raise Broken(f"pytest exits {done.returncode}:\n{done.stdout[-3000:]}{done.stderr}")
        return done.returncode == 0

    def compile(self) -> None:
        """Compile the contracts here into the artefacts that the tests deploy."""
        source = {"language": "Solidity", "settings": SETTINGS, "sources": dict(self._sources())}
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
        for name in MUTATED:
            evm = output["contracts"][f"src/{name}.sol"][name]["evm"]
            artifact = self.folder / f"src/sheaf/ledger/artifacts/{name}.json"
            plain = json.loads(artifact.read_text("utf-8"))
            plain["bytecode"] = "0x" + evm["bytecode"]["object"]
            plain["deployedBytecode"] = "0x" + evm["deployedBytecode"]["object"]
            artifact.write_text(json.dumps(plain), "utf-8")

    def _sources(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Both contracts and all they import, by the names the compiler asks for."""
        waiting, seen = [f"src/{name}.sol" for name in MUTATED], set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            ours = name.startswith("src/")
            file = (self.folder / "contracts" if ours else ROOT / "contracts") / name
            if not file.exists():
                raise Broken(f"{name} is missing: run 'make -C contracts setup'")
            text = file.read_text("utf-8")
            yield name, {"content": text}
            for imported in IMPORT.findall(text):
                if imported.startswith("."):
                    waiting.append(os.path.normpath(os.path.join(os.path.dirname(name), imported)))
                else:
                    waiting.append("node_modules/" + imported)


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
        return copy.passes(SPEC_TESTS)
    finally:
        file.write_text(original, "utf-8")


def survives_contracts(copy: Copy, mutant: Mutant) -> bool:
    """Whether the contracts' tests overlook the mutant; the expected killer goes first."""
    file = copy.folder / "contracts/src" / mutant.file
    original = mutate(file, mutant)
    try:
        copy.compile()
    finally:
        file.write_text(original, "utf-8")
    if mutant.killer and not copy.passes([killer_test(mutant)]):
        return False
    return copy.passes(CHAIN_TESTS)


def killer_test(mutant: Mutant) -> str:
    """The test that should notice: of a vector, where it is a vector's name."""
    return mutant.killer if "::" in mutant.killer else f"{VECTOR_TEST}[{mutant.killer}]"


def unbroken(copy: Copy, wanted: Sequence[Mutant]) -> bool:
    """Whether all that these mutants are judged by passes without any; else it shows nothing."""
    if wanted[0] in SPECIFICATION:
        return copy.passes(SPEC_TESTS)
    copy.compile()
    return copy.passes(CHAIN_TESTS)


def run(wanted: Sequence[Mutant], jobs: int) -> int:
    """Try the mutants, print one line each; 1 if an unargued one survives."""
    unargued = 0
    with tempfile.TemporaryDirectory() as parent, ThreadPoolExecutor(jobs) as pool:
        copies: Queue[Copy] = Queue()
        for number in range(jobs):
            copies.put(Copy.make(Path(parent), f"copy-{number}"))

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
    arguments = parser.parse_args()
    everything = CONTRACTS + SPECIFICATION
    unknown = set(arguments.names) - {m.name for m in everything}
    if unknown:
        parser.error(f"no mutant is named {sorted(unknown)[0]!r}")
    wanted = [m for m in everything if not arguments.names or m.name in arguments.names]
    try:
        return run(wanted, arguments.jobs)
    except Broken as broken:
        print(f"mutants: {broken}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
