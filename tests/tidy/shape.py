"""Sizes, names, and files that nobody uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from tests.tidy.source import Source, imported

COLUMNS = 100
FUNCTION_LINES = 50
FILE_LINES = 400
NAMES_THAT_SAY_NOTHING = frozenset({"utils", "util", "common", "helpers", "internal", "manager"})

# What starts a package from outside: the console script. Its name is in pyproject.toml.
ENTRY_POINTS = frozenset({"sheaf", "sheaf.apps.cli"})

_SOLIDITY_FUNCTION = re.compile(r"^\s*(function|constructor|modifier|receive|fallback)\b")


def wide_lines(source: Source) -> Iterator[str]:
    """Lines over 100 columns."""
    if source.is_code:
        for number, line in enumerate(source.text.splitlines(), 1):
            if len(line) > COLUMNS:
                yield f"{number}: {len(line)} columns, at most {COLUMNS}"


def long_files(source: Source) -> Iterator[str]:
    """Files over 400 lines."""
    lines = source.text.count("\n")
    if source.is_code and lines > FILE_LINES:
        yield f"1: {lines} lines, at most {FILE_LINES}"


def long_functions(source: Source) -> Iterator[str]:
    """Functions over 50 lines, Python and Solidity."""
    if not source.is_code:
        return
    spans = _python_functions(source) if source.is_python else _solidity_functions(source)
    for first, last in spans:
        if last - first + 1 > FUNCTION_LINES:
            yield f"{first}: a function of {last - first + 1} lines, at most {FUNCTION_LINES}"


def _python_functions(source: Source) -> Iterator[tuple[int, int]]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.end_lineno or node.lineno


def _solidity_functions(source: Source) -> Iterator[tuple[int, int]]:
    first, depth, opened = 0, 0, False
    for number, line in enumerate(source.text.splitlines(), 1):
        code = line.split("//")[0]
        if not first and _SOLIDITY_FUNCTION.match(code):
            first, depth, opened = number, 0, False
        if not first:
            continue
        depth += code.count("{") - code.count("}")
        opened = opened or "{" in code
        if (opened and depth == 0) or (not opened and ";" in code):
            yield first, number
            first = 0


def empty_names(source: Source) -> Iterator[str]:
    """Modules and folders named for nothing that they do, or numbered."""
    if source.is_code:
        for part in PurePosixPath(source.path).with_suffix("").parts:
            if part.lower() in NAMES_THAT_SAY_NOTHING or re.search(r"(_new|_old|[vV]\d+)$", part):
                yield f"1: the name {part!r} says nothing; name the thing"


def missing_docstrings(source: Source) -> Iterator[str]:
    """Public functions and classes of the package without a docstring, and public methods."""
    if source.path.startswith("src/") and source.is_python:
        yield from _undocumented(ast.parse(source.text).body)


def _undocumented(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{node.lineno}: {node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node.body)


def dead_modules(sources: Sequence[Source]) -> Iterator[str]:
    """Modules of the package that no other file but a test imports; a name in a string counts."""
    modules = {_module(source.path): source for source in sources if _is_module(source)}
    alive = set(ENTRY_POINTS)
    for source in sources:
        if source.is_python and not source.is_test:
            alive |= {name for _, name in imported(source)} | _strings(source)
    # A package is alive through any module in it: importing that one runs its __init__.
    alive |= {name.rsplit(".", depth)[0] for name in alive for depth in range(1, 5)}
    for name, source in modules.items():
        if name not in alive:
            yield f"{source.path}:1: nothing imports it; only what is used is kept"


def _is_module(source: Source) -> bool:
    return source.is_python and source.path.startswith("src/sheaf/")


def _module(path: str) -> str:
    name = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
    return name.replace("/", ".")


def _strings(source: Source) -> set[str]:
    constants = (node.value for node in source.nodes if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and value.startswith("sheaf.")}
