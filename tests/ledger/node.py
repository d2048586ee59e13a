"""A JSON-RPC node over HTTP on the loopback interface: the embedded ledger, served to a client that
does not know it. A test may twist its answers and let requests fail, as somebody else's node might.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any, Self, cast

from web3.types import RPCEndpoint

from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.provider import EmbeddedProvider
from tests.ledger.chain import new_ledger

REMOTE, DEVELOPMENT = "Geth/v1.16.7", "anvil/v1.7.1"
TAGS = ("safe", "finalized")

Answer = dict[str, Any]
Twist = Callable[[str, Any, Answer], Answer]
"""Changes an answer, given the method and the parameters."""

LOST, FORGOTTEN, GARBAGE, HANGING = "lost", "forgotten", "garbage", "hanging"
"""What may become of a request: done but not answered, neither, answered with nonsense, neither
until the node is closed. A number is an HTTP status."""


class Node:
    """Serves until it is closed. `final_depth` is how far behind `safe` and `finalized` are."""

    def __init__(
        self,
        build: Callable[[], EmbeddedLedger] = new_ledger,
        *,
        version: str = DEVELOPMENT,
        final_depth: int = 2,
    ) -> None:
        self.version, self.final_depth = version, final_depth
        self.twist: Twist = lambda method, params, answer: answer
        self.faults: deque[str | int] = deque()
        self.seen: list[str] = []
        self.automine, self.next_time = True, 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.node = self
        self._done = Event()
        # SQLite's connections belong to the thread that made them.
        self._thread = Thread(target=self._serve, args=[build])
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, build: Callable[[], EmbeddedLedger]) -> None:
        self._ledger = build()
        self._provider = EmbeddedProvider(self._ledger)
        self._server.serve_forever(poll_interval=0.01)
        self._ledger.close()

    def answer(self, body: bytes) -> bytes | int | None:
        """The answer to a request's body, an HTTP status, or None for none at all."""
        fault = self.faults.popleft() if self.faults else ""
        if isinstance(fault, int):
            return fault
        if fault == HANGING:
            self._done.wait()
        if fault in (FORGOTTEN, HANGING):
            return None
        if fault == GARBAGE:
            return b"<html>"
        request = json.loads(body)
        batch = isinstance(request, list)
        answers = [self._one(each) for each in (request if batch else [request])]
        # A node may answer a batch in any order.
        told = json.dumps(answers[::-1] if batch else answers[0]).encode()
        return None if fault == LOST else told

    def _one(self, request: Answer) -> Answer:
        method, params = request["method"], request["params"]
        self.seen.append(method)
        own = getattr(self, f"_{method}", None)
        answer: Answer
        if own is not None:
            answer = {"result": own(*params)}
        else:
            placed = [self._placed(each) for each in params]
            answer = cast(Answer, self._provider.make_request(RPCEndpoint(method), placed))
        if method == "eth_sendRawTransaction" and self.automine:
            self._evm_mine()
        return {**self.twist(method, params, answer), "id": request["id"]}

    def _placed(self, parameter: Any) -> Any:
        head = self._ledger.engine.head().number
        behind = max(0, head - self.final_depth)
        return hex(behind) if parameter in TAGS else parameter

    def _web3_clientVersion(self) -> str:  # noqa: N802 - the method's name
        return self.version

    def _anvil_getAutomine(self) -> bool:  # noqa: N802
        return self.automine

    def _anvil_getIntervalMining(self) -> None:  # noqa: N802
        return None

    def _evm_setAutomine(self, on: bool) -> None:  # noqa: N802
        self.automine = on

    def _evm_setNextBlockTimestamp(self, time: int) -> None:  # noqa: N802
        self.next_time = time

    def _evm_mine(self) -> str:
        self._ledger.mine(max(self.next_time, self._ledger.engine.head().timestamp + 1))
        return "0x0"


class _Server(HTTPServer):
    node: Node


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = self.server.node.answer(body)
        if isinstance(told, int):
            self.send_error(told)
        elif told is not None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""
