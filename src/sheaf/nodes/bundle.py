"""The code bundle: the Python files an operator installed for a task, pinned by one SHA-256.

Code never comes from the network. The task document names an entry and a digest; an operator whose
files hash to something else declines.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sheaf.protocol.errors import InvalidConfiguration, SheafError
from sheaf.store.files import is_file, reachable

RAISED = (Exception, SystemExit)
"""What somebody else's code may raise: a hook that exits ends its own work, not Sheaf."""


def described(error: BaseException) -> str:
    """What somebody else's code raised, on one line."""
    return " ".join(f"raised {type(error).__name__}: {error}".split())


@dataclass(frozen=True)
class Bundle:
    """The Python files below `folder`; `digest` is SHA-256 over their paths and contents."""

    folder: Path
    digest: bytes

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """The bundle in `folder`. Raises `InvalidConfiguration` if there is no Python file,
        `StoreUnavailable` where one cannot be read."""
        folder = folder.resolve()
        total, found = hashlib.sha256(), False
        for path in _files(folder):
            name = path.relative_to(folder).as_posix().encode()
            total.update(len(name).to_bytes(4, "big") + name)
            with reachable(path):
                total.update(hashlib.sha256(path.read_bytes()).digest())
            found = True
        if not found:
            raise InvalidConfiguration(f"{folder}: found no Python file; accepted: a project")
        return cls(folder, total.digest())

    def resolve(self, entry: str) -> Callable[..., Any]:
        """The function behind `module:function`.

        Raises `InvalidConfiguration` when module or function is absent or importing fails.
        """
        name, _, attribute = entry.partition(":")
        module = self._module(name)
        found = getattr(module, attribute, None)
        if not callable(found):
            raise InvalidConfiguration(
                f"{entry}: found no function {attribute!r} in {name}.py; accepted: "
                f"{', '.join(_functions(module)) or 'a function defined there'}"
            )
        return found  # type: ignore[no-any-return]

    def call(self, entry: str, *arguments: object) -> Any:
        """Call an entry.

        Raises `InvalidConfiguration`, one clear line, for a signature that does not take the
        arguments, and for whatever the function raises that is not Sheaf's own.
        """
        function = self.resolve(entry)
        signature = inspect.signature(function)
        try:
            signature.bind(*arguments)
        except TypeError as error:
            wanted = f"{len(arguments)} positional arguments"
            raise InvalidConfiguration(
                f"{entry}: found the signature {signature}; accepted: {wanted}"
            ) from error
        try:
            with self.importable():
                return function(*arguments)
        except SheafError:
            raise
        except RAISED as error:
            raise InvalidConfiguration(f"{entry}: {described(error)}") from error

    def _module(self, name: str) -> ModuleType:
        place = hashlib.sha256(str(self.folder).encode() + self.digest).hexdigest()[:16]
        unique = f"sheaf_bundle_{place}_{name.replace('.', '_')}"
        if unique in sys.modules:
            return sys.modules[unique]
        path = self.folder.joinpath(*name.split(".")).with_suffix(".py")
        if not is_file(path):
            raise InvalidConfiguration(f"{name}: found no {path.name} in {self.folder}")
        spec = importlib.util.spec_from_file_location(unique, path)
        if spec is None or spec.loader is None:
            raise InvalidConfiguration(f"{path}: found a file that Python cannot load")
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module
        try:
            with self.importable():
                spec.loader.exec_module(module)
        except RAISED as error:
            del sys.modules[unique]
            raise InvalidConfiguration(f"{path.name}: importing it {described(error)}") from error
        return module

    @contextmanager
    def running(self) -> Iterator[None]:
        """Around what runs the bundle's code outside of a `call`, such as a module's `forward`.

        Raises `InvalidConfiguration`, one clear line, for whatever is raised that is not Sheaf's
        own.
        """
        try:
            with self.importable():
                yield
        except SheafError:
            raise
        except RAISED as error:
            raise InvalidConfiguration(f"the installed code {described(error)}") from error

    @contextmanager
    def importable(self) -> Iterator[None]:
        """Meanwhile the bundle's files can import each other. A process may run several projects,
        or one again that was edited: what others imported under the same names is put aside. And
        what they print goes to stderr, for stdout is data."""
        own = _IMPORTED[self]
        for other in _IMPORTED.values():
            for name, module in other.items():
                if sys.modules.get(name) is module:
                    del sys.modules[name]
        sys.modules.update(own)
        before, writes = set(sys.modules), sys.dont_write_bytecode
        sys.path.insert(0, str(self.folder))
        sys.dont_write_bytecode = True  # nothing in the project
        try:
            with redirect_stdout(sys.stderr):
                yield
        finally:
            sys.dont_write_bytecode = writes
            sys.path.remove(str(self.folder))
            for name in sys.modules.keys() - before:
                file = getattr(sys.modules[name], "__file__", None)
                if file and Path(file).is_relative_to(self.folder):
                    own[name] = sys.modules[name]


_IMPORTED: defaultdict[Bundle, dict[str, ModuleType]] = defaultdict(dict)
"""What each bundle's files have imported of it, by the names they call it."""


def _files(folder: Path) -> Iterator[Path]:
    """Python files below `folder` in the order of their paths; hidden folders are not the task."""
    with reachable(folder):
        found = sorted(folder.rglob("*.py"))
    for path in found:
        inside = path.relative_to(folder).parts
        if not any(part.startswith(".") or part == "__pycache__" for part in inside):
            yield path


def _functions(module: ModuleType) -> list[str]:
    own = vars(module).items()
    public = [(n, v) for n, v in own if inspect.isfunction(v) and not n.startswith("_")]
    return sorted(n for n, v in public if v.__module__ == module.__name__)
