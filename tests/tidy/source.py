"""A file as the checks see it, and the files of this repository."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEASURED = ("src/", "tests/", "benchmarks/", "examples/", "contracts/")


@dataclass(frozen=True)
class Source:
    """A text file by its path in the repository, forward slashes."""

    path: str
    text: str

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def is_code(self) -> bool:
        """Whether it is written by hand in a language that the size limits apply to."""
        return self.path.endswith((".py", ".sol")) and self.path.startswith(MEASURED)

    @property
    def is_test(self) -> bool:
        return self.path.startswith("tests/") and self.is_python

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All syntax nodes of a Python file."""
        return list(ast.walk(ast.parse(self.text, self.path)))

    def within(self, *rooms: str) -> bool:
        """Whether it is Python code in one of these rooms of the package."""
        return self.is_python and self.path.startswith(tuple(f"src/sheaf/{r}/" for r in rooms))


Check = Callable[[Source], Iterator[str]]


def repository() -> list[Source]:
    """Every text file that is tracked, or would be: not ignored, not deleted."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    sources = []
    for name in sorted(filter(None, names.split("\0"))):
        file = ROOT / name
        if file.is_file() and b"\0" not in (data := file.read_bytes()):
            sources.append(Source(name, data.decode("utf-8")))
    return sources


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain or name; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the dotted name that it calls; empty for a computed one."""
    for node in source.nodes:
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def imported(source: Source) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import: `from a import b` gives `a` and `a.b`."""
    package = source.path.removeprefix("src/").removesuffix(".py").split("/")[:-1]
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
