"""A JSON-RPC endpoint over HTTP, as a web3 provider that fails in one line.

Reads are tried again after a growing pause; whatever changes something is sent once, since an
answer that got lost does not mean that nothing happened. Providers put keys into paths, queries and
user names, so no message, traceback or log line says more of the address than scheme, host and
port. (urllib3 writes paths where an application asks it for its debugging lines.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from string import Template
from time import sleep as sleep_seconds
from typing import Any
from urllib.parse import urlsplit

from eth_typing import URI
from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable

TIMEOUT_S = 30.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Before the second and each further try of a read."""

_READS = ("eth_get", "eth_call", "eth_chainId", "eth_blockNumber", "eth_gasPrice")
_MORE_READS = ("eth_maxPriorityFeePerGas", "eth_estimateGas", "eth_feeHistory", "web3_", "net_")
_REFUSALS = frozenset({400, 401, 403, 404, 405})
"""HTTP statuses that no waiting changes: not a node, or not for us."""

_ACCEPTED = "an http or https URL, such as http://127.0.0.1:8545"


def expanded(url: str, environment: Mapping[str, str]) -> str:
    """An address with its `${NAME}`s put in, which is how a secret part of it is written.

    Raises InvalidConfiguration for a name that is not set, for a user name or password that is
    written out, and for no address.
    """
    try:
        place = urlsplit(url).netloc
    except ValueError:
        raise _no_address() from None
    if "@" in place and "$" not in place:
        raise InvalidConfiguration("ledger.url: found a secret, accepted: ${NAME} in its place")
    try:
        return Template(url).substitute(environment)
    except (KeyError, ValueError) as error:
        raise InvalidConfiguration(
            f"ledger.url: found {error} as a variable, accepted: ${{NAME}} of one that is set"
        ) from None


def shown(url: str) -> str:
    """As much of an address as may be told; InvalidConfiguration where it is none."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise _no_address() from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _no_address()
    return f"{parts.scheme}://{parts.hostname}{port}"


def _no_address() -> InvalidConfiguration:
    return InvalidConfiguration(f"ledger.url: found no address, accepted: {_ACCEPTED}")


class Endpoint(HTTPProvider):
    """A web3 provider over HTTP. Errors: LedgerUnavailable where nothing sensible comes back."""

    def __init__(
        self,
        url: str,
        timeout_s: float = TIMEOUT_S,
        sleep: Callable[[float], object] = sleep_seconds,
    ) -> None:
        # web3 logs the address it is given, so it is given the one that may be told.
        self.name = shown(url)
        super().__init__(URI(self.name))
        self._session = self._request_session_manager.cache_and_return_session(URI(self.name))
        self._url, self._timeout_s, self._sleep = url, timeout_s, sleep

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One answer, a result or an error of the node's."""
        (answer,) = self._exchange([(method, params)], batch=False)
        return answer

    def make_batch_request(
        self, batch_requests: Sequence[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Answers in the order of the requests, whatever order the node gives them."""
        return self._exchange(batch_requests, batch=True)

    def _exchange(
        self, requests: Sequence[tuple[RPCEndpoint, Any]], *, batch: bool
    ) -> list[RPCResponse]:
        numbered = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(requests)
        ]
        body = json.dumps(numbered if batch else numbered[0]).encode()
        repeatable = all(method.startswith(_READS + _MORE_READS) for method, _ in requests)
        answer = self._post(body, PAUSES_S if repeatable else ())
        if batch and isinstance(answer, dict) and "error" in answer:
            return [RPCResponse(error=answer["error"])] * len(requests)
        answers: list[Any] = answer if batch and isinstance(answer, list) else [answer]
        told: dict[Any, Any] = {each.get("id"): each for each in answers if isinstance(each, dict)}
        ordered = [told.get(number, {}) for number in range(len(requests))]
        if not all("result" in each or "error" in each for each in ordered):
            raise LedgerUnavailable(f"{self.name} does not answer as a JSON-RPC node does")
        return ordered

    def _post(self, body: bytes, pauses: Sequence[float]) -> Any:
        """The parsed answer; tried once, and again after each pause while the node is silent."""
        reason = ""
        for pause in (0.0, *pauses):
            if pause:
                self._sleep(pause)
            try:
                # Not elsewhere: who is asked is who was named.
                response = self._session.post(
                    self._url,
                    body,
                    timeout=self._timeout_s,
                    headers=self.get_request_headers(),
                    allow_redirects=False,
                )
                response.raise_for_status()
                return json.loads(response.content)
            # What requests raises holds the whole address; the others are answers of nonsense.
            except (OSError, ValueError, RecursionError) as error:
                reason, final = _reason(error)
            if final:
                break
        raise LedgerUnavailable(f"{self.name} {reason}")


def _reason(error: OSError | ValueError | RecursionError) -> tuple[str, bool]:
    """What happened, without anything of the request, and whether it would happen again."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"answers with HTTP status {status}", status in _REFUSALS
    if not isinstance(error, OSError):
        return "answers something other than JSON", True
    slow = "Timeout" in type(error).__name__
    return "takes too long to answer" if slow else "does not answer", False
