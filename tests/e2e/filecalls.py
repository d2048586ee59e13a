"""The system's file calls, counted, and one of them struck: it fails, or the process dies there.

Nothing of Sheaf is replaced, only what it calls: functions of `os`, the raw file behind what `open`
returns, and SQLite's connection. What changes files is counted, or what reads them.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

CHANGING = ("fsync", "replace", "mkdir", "unlink", "open")
LOOKING = ("stat", "lstat", "listdir", "scandir")
WRITING = ("BEGIN", "COMMIT", "CREATE", "DELETE", "INSERT")
"""SQLite statements that change a file, by their first word."""
ASKING = ("SELECT", "PRAGMA")
"""SQLite statements that read one."""
READS = (*LOOKING, "open to read", "read", "connect", *ASKING)
"""What is counted of a reading process; all else is what changes files."""


def fail(what: str) -> NoReturn:
    """The disk is full or, where nothing is written, broken."""
    number = errno.ENOSPC if what in ("write", "open", "mkdir") else errno.EIO
    raise OSError(number, os.strerror(number))


def die(what: str) -> NoReturn:
    """The process is killed, and nothing of it runs any more."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives SIGKILL")


class Calls:
    """Counts calls that change files, or with `reads` those that read them; the one of number `at`
    (from 1) is handed to `strike`. `places` are the paths that they were given last, where they
    were given any."""

    def __init__(
        self, at: int = 0, strike: Callable[[str], NoReturn] = fail, *, reads: bool = False
    ) -> None:
        self.made: list[str] = []
        self.places: list[str] = []
        self._at, self._strike, self._reads = at, strike, reads

    def due(self, what: str, place: object = "") -> bool:
        """Count a call, if it is of those that are counted; whether it is the one."""
        if (what in READS) != self._reads:
            return False
        self.made.append(what)
        self.places.append(str(place))
        return len(self.made) == self._at

    def before(self, what: str, place: object = "") -> None:
        """Count a call, and strike if it is the one."""
        if self.due(what, place):
            self.strike(what)

    def strike(self, what: str) -> NoReturn:
        """Fail or die."""
        self._strike(what)


@contextmanager
def counted(calls: Calls) -> Iterator[Calls]:
    """Count file calls meanwhile."""
    kept = [(os, name, getattr(os, name)) for name in (*CHANGING, *LOOKING)]
    kept += [(io, "open", io.open), (builtins, "open", builtins.open)]
    kept += [(sqlite3, "connect", sqlite3.connect)]
    for module, name, function in kept[: len(CHANGING) + len(LOOKING)]:
        setattr(module, name, _before(calls, name, function))
    opened = _opening(calls, io.open)
    io.open = builtins.open = opened
    sqlite3.connect = _connecting(calls, sqlite3.connect)
    try:
        yield calls
    finally:
        for module, name, function in kept:
            setattr(module, name, function)


def _before(calls: Calls, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        reads = name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR)
        place = arguments[1 if name == "replace" else 0] if arguments else "."
        calls.before("open to read" if reads else name, place)
        return function(*arguments, **named)

    return call


def _opening(calls: Calls, function: Any) -> Any:
    """`open`, with a raw file that counts what is read and written."""

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            if calls.due("write", self.name):
                super().write(bytes(data)[: len(data) // 2])
                calls.strike("write")
            return super().write(data)

        def readinto(self, buffer: Any) -> int:
            calls.before("read", self.name)
            return super().readinto(buffer)

        def read(self, size: int | None = -1) -> bytes:
            calls.before("read", self.name)
            return super().read(size)

        def readall(self) -> bytes:
            calls.before("read", self.name)
            return super().readall()

    def call(file: Any, mode: str = "r", buffering: int = -1, *more: Any, **named: Any) -> Any:
        reads = not set(mode) & set("wax+")
        if not isinstance(file, int):
            calls.before("open to read" if reads else "open", file)
        raw = Raw(file, mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        kind = io.BufferedReader if reads else io.BufferedWriter
        binary = io.BufferedRandom(raw) if "+" in mode else kind(raw)
        return binary if "b" in mode else io.TextIOWrapper(binary, *more, **named)

    return call


def _connecting(calls: Calls, function: Any) -> Any:
    """`sqlite3.connect`, with a connection that counts its statements."""

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            _before_statement(calls, sql)
            return super().execute(sql, *parameters)

        def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
            _before_statement(calls, sql)
            return super().executemany(sql, rows)

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        if arguments[0] == ":memory:":  # which is no file
            return cast(sqlite3.Connection, function(*arguments, **named))
        _before_sql(calls, "connect", arguments[0])
        made: sqlite3.Connection = function(*arguments, factory=Connection, **named)
        return made

    return connect


def _before_statement(calls: Calls, sql: str) -> None:
    word = sql.partition(" ")[0]
    if word in (*WRITING, *ASKING):
        _before_sql(calls, word, sql)


def _before_sql(calls: Calls, what: str, place: object) -> None:
    try:
        calls.before(what, place)
    except OSError as error:
        raised = sqlite3.OperationalError("disk I/O error")
        raised.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise raised from error
