"""What code, tests and text may not do or say.

Words that are banned everywhere are written here with a bracket in the pattern, so that this file
does not hold what it looks for.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from tests.tidy.source import Source, calls, dotted, imported

CLOCKS_AND_DICE = frozenset({"time", "random", "secrets", "uuid"})
CLOCK_CALLS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "os.urandom")
DESERIALISERS = frozenset({"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"})
RUNS_DATA = frozenset({"eval", "exec", "compile", "os.system", "os.popen", "torch.load"})
MOCKS = ("unittest.mock", "mock", "pytest_mock")
EXCUSES = frozenset({"skip", "skipif", "xfail", "importorskip"})
PROTOCOL_IMPORTS = frozenset({*sys.stdlib_module_names, "dag_cbor", "sheaf"})

_PEOPLE = re.compile(r"\b(al[i]ce|b[o]b)\b", re.IGNORECASE)
_LEFTOVER = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X)\b")
_HOST = re.compile(
    r"\b(?:py[p]i|pythonhos[t]ed|npm[j]s|yarn[p]kg|crat[e]s|deb[i]an|ubun[t]u)\.(?:org|com|io)\b"
)
_PATH = re.compile(r"(?<![\w./~$)}])/(?:home|root|work|Users|opt|tmp|mnt|srv)/[\w.]+")
_RESOLVED = re.compile(r'"reso[l]ved"\s*:\s*"http')


def clocks_and_dice(source: Source) -> Iterator[str]:
    """Time and randomness taken from the machine where they must be arguments."""
    if not source.within("protocol", "learning"):
        return
    for line, name in imported(source):
        if name.split(".")[0] in CLOCKS_AND_DICE:
            yield f"{line}: imports {name}; time and randomness are arguments here"
    for call, name in calls(source):
        seeded = name.endswith("random.default_rng") and (call.args or call.keywords)
        if name.endswith(CLOCK_CALLS):
            yield f"{call.lineno}: {name}(); time and randomness are arguments here"
        elif ".random." in f".{name}" and name.startswith(("np.", "numpy.")) and not seeded:
            yield f"{call.lineno}: {name}(); take a seeded generator"


def foreign_imports(source: Source) -> Iterator[str]:
    """The specification needs the standard library and the document codec, nothing else."""
    if source.within("protocol"):
        for line, name in imported(source):
            if name.split(".")[0] not in PROTOCOL_IMPORTS:
                yield f"{line}: imports {name}; protocol needs the standard library and dag_cbor"


def runs_data(source: Source) -> Iterator[str]:
    """Anything in the package that could execute what it was sent."""
    if not source.path.startswith("src/") or not source.is_python:
        return
    for line, name in imported(source):
        if name.split(".")[0] in DESERIALISERS or name in RUNS_DATA:
            yield f"{line}: imports {name}; data is never executed"
    for call, name in calls(source):
        flags = {k.arg for k in call.keywords if getattr(k.value, "value", None) is True}
        if name in RUNS_DATA or flags & {"shell", "allow_pickle"}:
            yield f"{call.lineno}: {name}(...); data is never executed"


def mocks(source: Source) -> Iterator[str]:
    """Fakes implement the production interface; nothing is mocked."""
    if source.is_python:
        for line, name in imported(source):
            if name.startswith(MOCKS):
                yield f"{line}: imports {name}; write a fake that implements the interface"


def sleeping_tests(source: Source) -> Iterator[str]:
    """Tests that wait for the clock on the wall."""
    if source.is_test:
        for call, name in calls(source):
            if name.split(".")[-1] == "sleep":
                yield f"{call.lineno}: {name}(); tests run on a virtual clock"


def excuses(source: Source) -> Iterator[str]:
    """Skipped or expected failures that do not say why."""
    if not source.is_test:
        return
    for line, name in imported(source):
        if name in ("pytest.mark", *(f"pytest.{excuse}" for excuse in EXCUSES)):
            yield f"{line}: imports {name}; write it out, so that an excuse is seen"
    called = {id(call.func): call for call, _ in calls(source)}
    for node in source.nodes:
        name = dotted(node)
        if not name.startswith("pytest.") or name.split(".")[-1] not in EXCUSES:
            continue
        call = called.get(id(node))
        reasons = [] if call is None else [k.value for k in call.keywords if k.arg == "reason"]
        if call is not None and name == "pytest.skip":
            reasons += call.args
        if not any(getattr(reason, "value", True) for reason in reasons):
            yield f"{getattr(node, 'lineno', 1)}: {name} without a reason"


def assertionless_tests(source: Source) -> Iterator[str]:
    """Tests that cannot fail: no assertion, no expected error, no check."""
    if not source.is_test:
        return
    for node in source.nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_") and not any(map(_asserts, ast.walk(node))):
            yield f"{node.lineno}: {node.name} asserts nothing"


def _asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    last = dotted(node.func).split(".")[-1]
    names = ("raises", "warns", "fail", "run_state_machine_as_test")
    return last in names or last.startswith(("check_", "assert_"))


def people(source: Source) -> Iterator[str]:
    """Roles have names: sponsor, participant, aggregator, auditor."""
    yield from _found(source, _PEOPLE, "name the role, not a person")


def leftovers(source: Source) -> Iterator[str]:
    """Work that was put off where nobody looks."""
    yield from _found(source, _LEFTOVER, "do it, or open an issue")


def places(source: Source) -> Iterator[str]:
    """One machine's paths, registries' hosts and download addresses."""
    for pattern in (_HOST, _PATH, _RESOLVED):
        yield from _found(source, pattern, "belongs to one machine or registry")


def _found(source: Source, pattern: re.Pattern[str], message: str) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if match := pattern.search(line):
            yield f"{number}: {match.group()!r}: {message}"
