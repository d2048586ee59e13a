"""A socket whose every read and write is held against a meter: so many bytes, so much time.

A timeout of a socket begins anew with each byte, so that somebody who sends one now and then is
never late. A meter has one deadline for a whole exchange, which bytes that come move a little.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from typing import Any

SLOWEST_BYTES_PER_S = 65_536
"""Somebody who is slower over more than a moment is taken for one who is silent."""


class TooSlow(Exception):
    """The other side took longer than it may."""


class TooMuch(Exception):
    """The other side sent more than it may."""


class Meter:
    """What one exchange may take: `patience_s` seconds and what its bytes take at the slowest rate,
    and `most_bytes`, which may be raised. `clock` gives seconds."""

    def __init__(self, patience_s: float, most_bytes: int, clock: Callable[[], float]) -> None:
        self._clock, self._latest = clock, clock() + patience_s
        self.left_bytes = most_bytes

    def left_s(self) -> float:
        """Seconds until the end. Raises TooSlow after it."""
        left = self._latest - self._clock()
        if left <= 0:
            raise TooSlow
        return left

    def take(self, count: int) -> None:
        """Note that so many bytes came. Raises TooMuch."""
        self.left_bytes -= count
        self._latest += count / SLOWEST_BYTES_PER_S
        if self.left_bytes < 0:
            raise TooMuch


class MeteredSocket:
    """A connected socket, as much of one as `http.client` and `http.server` use. Reading and
    writing raise TooSlow and TooMuch by `meter`, which is replaced for each exchange."""

    def __init__(self, inner: socket.socket, meter: Meter) -> None:
        self.inner, self.meter = inner, meter
        self._read_by, self._closed = 0, False

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        """What comes, to be read; until this is closed, the connection stays open."""
        self._read_by += 1
        return io.BufferedReader(_Incoming(self))

    def sendall(self, data: bytes | memoryview) -> None:
        """Send all of it."""
        self.inner.settimeout(self.meter.left_s())
        try:
            self.inner.sendall(data)
        except TimeoutError:
            raise TooSlow from None

    def close(self) -> None:
        """Close the connection, once nobody reads from it any more."""
        self._closed = True
        if not self._read_by:
            self.inner.close()

    def unread(self) -> None:
        """Note that a reader is closed."""
        self._read_by -= 1
        if self._closed:
            self.close()


class _Incoming(io.RawIOBase):
    def __init__(self, metered: MeteredSocket) -> None:
        super().__init__()
        self._metered = metered

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._metered.unread()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        meter, inner = self._metered.meter, self._metered.inner
        inner.settimeout(meter.left_s())
        try:
            count = inner.recv_into(buffer)
        except TimeoutError:
            raise TooSlow from None
        meter.take(count)
        return count
