"""Copies to break: of sources, of tests, and of what the contracts compile to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 2400
"""Of one run of tests, minutes long: what takes longer hangs."""
SHIPPED, EXPOSED = "src/sheaf/ledger/artifacts", "tests/contracts/exposed"
COMPILED = {
    "Federation": ("src", SHIPPED),
    "Court": ("src", SHIPPED),
    "Token": ("src", SHIPPED),
    "ServerSteps": ("test/exposed", EXPOSED),
    "Bitmaps": ("test/exposed", EXPOSED),
}
"""What is compiled anew, from where below the contracts to where below the copy; the federation
brings its vault along."""
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
        for part in ("src", "tests", "contracts/src", "contracts/test/exposed"):
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

    def build(self, changed: str = "", among: Collection[str] = COMPILED.keys()) -> None:
        """Compile contracts here into the artefacts that the tests deploy: all, or those `among`
        them that a `changed` file is part of."""
        built = [
            name
            for name in COMPILED
            if name in among and (not changed or f"src/{changed}" in self._sources(name))
        ]
        if not built:  # the file is part of none of them
            return
        sources = {
            path: {"content": text} for n in built for path, text in self._sources(n).items()
        }
        wanted = {_file_of(name): {name: OUTPUT} for name in built}
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
            evm = output["contracts"][_file_of(name)][name]["evm"]
            artifact = self.artifact(name)
            plain = json.loads(artifact.read_text("utf-8"))
            plain["bytecode"] = "0x" + evm["bytecode"]["object"]
            plain["deployedBytecode"] = "0x" + evm["deployedBytecode"]["object"]
            artifact.write_text(json.dumps(plain), "utf-8")

    def artifact(self, name: str) -> Path:
        """Where the tests look for a contract's code."""
        return self.folder / COMPILED[name][1] / f"{name}.json"

    def _sources(self, contract: str) -> dict[str, str]:
        """A contract's file and all it imports, by the names the compiler asks for."""
        waiting, found = [_file_of(contract)], dict[str, str]()
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            ours = not name.startswith("node_modules/")
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


def _file_of(contract: str) -> str:
    """A contract's file, as the compiler asks for it."""
    return f"{COMPILED[contract][0]}/{contract}.sol"
