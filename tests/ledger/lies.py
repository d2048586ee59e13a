"""What an endpoint may say instead: on a node that a test serves, or in front of another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from web3.types import RPCEndpoint, RPCResponse

from sheaf.ledger.endpoint import Endpoint
from tests.ledger.node import Answer, Twist


def in_results(method: str, change: Callable[[Any], Any]) -> Twist:
    """Lies in the results of one method."""

    def twist(asked: str, params: Any, answer: Answer) -> Answer:
        return {**answer, "result": change(answer["result"])} if asked == method else answer

    return twist


def in_field(method: str, block: int, field: str, value: Any) -> Twist:
    """Lies in one field of what one method tells of one block; of a list, of the first of it."""

    def twist(asked: str, params: Any, answer: Answer) -> Answer:
        if asked == method and params and params[0] == hex(block):
            found = answer["result"]
            (found[0] if isinstance(found, list) else found)[field] = value
        return answer

    return twist


class Twisted(Endpoint):
    """An endpoint in front of an honest one."""

    def __init__(self, url: str, twist: Twist) -> None:
        super().__init__(url)
        self._twist = twist

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """As the honest one, twisted."""
        answer: Any = super().make_request(method, params)
        told: Any = self._twist(method, params, answer)
        return told  # type: ignore[no-any-return]
