"""A server on the loopback interface that answers with whatever bytes it was given, and keeps what
it was asked."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

Speak = Callable[[socket.socket, Event], None]
"""Answers on a connection; the event is set when the test is over."""

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Hostile:
    """Serves each connection in a thread of its own: the first with the first of `speeches`, and so
    on; the last again and again."""

    def __init__(self, *speeches: Speak) -> None:
        self.heard: list[bytes] = []
        self.over = Event()
        self._speeches = speeches
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._serve)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        self.over.set()
        # Somebody has to come, for the thread to see that it is over.
        with suppress(OSError), socket.create_connection(self._listening.getsockname()):
            for thread in self._threads:
                thread.join()
        self._listening.close()

    def _serve(self) -> None:
        count = 0
        while not self.over.is_set():
            connection, _ = self._listening.accept()
            speak = self._speeches[min(count, len(self._speeches) - 1)]
            count += 1
            self._threads.append(Thread(target=self._answer, args=[connection, speak]))
            self._threads[-1].start()

    def _answer(self, connection: socket.socket, speak: Speak) -> None:
        with connection, suppress(OSError):
            if not self.over.is_set():
                speak(_Hearing(connection, self.heard), self.over)


class _Hearing(socket.socket):
    """A connection that notes each request before anything is said."""

    def __init__(self, inner: socket.socket, heard: list[bytes]) -> None:
        super().__init__(fileno=inner.detach())
        self.settimeout(10)
        self.heard = heard

    def hear(self) -> bytes:
        """One request; nothing where there is none any more."""
        request, left = b"", 1
        while left > 0:
            piece = self.recv(65_536)
            if not piece:
                return b""
            request += piece
            head, ended, body = request.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            # Whoever closes with something unread resets what was said.
            left = (int(length[1]) if length else 0) - len(body) if ended else 1
        self.heard.append(request)
        return request


def saying(*answers: bytes) -> Speak:
    """One answer for each request on a connection; then it is closed."""

    def speak(connection: socket.socket, over: Event) -> None:
        assert isinstance(connection, _Hearing)
        with connection:
            for answer in answers:
                if connection.hear():
                    connection.sendall(answer)

    return speak


def endless(start: bytes, more: bytes) -> Speak:
    """A beginning, and then the same again and again until nobody takes it."""

    def speak(connection: socket.socket, over: Event) -> None:
        assert isinstance(connection, _Hearing)
        with connection:
            connection.hear()
            connection.sendall(start)
            while not over.is_set():
                connection.sendall(more)

    return speak


def mute(connection: socket.socket, over: Event) -> None:
    """Takes a request and says nothing until the test is over."""
    with connection:
        over.wait()


@contextmanager
def hostile(*speeches: Speak) -> Iterator[Hostile]:
    server = Hostile(*speeches)
    try:
        yield server
    finally:
        server.close()
