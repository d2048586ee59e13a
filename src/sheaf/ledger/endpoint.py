"""A JSON-RPC endpoint over HTTP, as a web3 provider that fails in one line.

Reads are tried again after a growing pause; whatever changes something is sent once, since an
answer that got lost does not mean that nothing happened. Every answer is bounded in bytes and in
time, and looked at before anything is made of it (`answers`). Providers put keys into paths,
queries and user names, so no message, traceback or log line says more of the address than scheme,
host and port.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from string import Template
from time import sleep as sleep_seconds
from typing import Any
from urllib.parse import urlsplit

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from sheaf.ledger import answers
from sheaf.ledger.errors import Misanswered
from sheaf.protocol.errors import InvalidConfiguration, LedgerUnavailable
from sheaf.transport.address import Address
from sheaf.transport.client import HttpClient, NoAnswer, Question

TIMEOUT_S = 30.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Before the second and each further try of a read."""

_READS = ("eth_get", "eth_call", "eth_chainId", "eth_blockNumber", "eth_gasPrice")
_MORE_READS = ("eth_maxPriorityFeePerGas", "eth_estimateGas", "eth_feeHistory", "web3_", "net_")
_REFUSALS = frozenset({400, 401, 403, 404, 405})
"""HTTP statuses that no waiting changes: not a node, or not for us. Nor does that of a redirect."""

_HEADERS = {"Content-Type": "application/json", "User-Agent": "sheaf"}
_ACCEPTED = "an http or https URL, such as http://127.0.0.1:8545"


_SETTING = "ledger.url"


def expanded(url: str, environment: Mapping[str, str], option: str = _SETTING) -> str:
    """An address with its `${NAME}`s put in, which is how a secret part of it is written.

    Raises InvalidConfiguration, which names the setting or `option` that it was given by, for a
    name that is not set, for a user name or password that is written out, for one that would end
    within its variable, and for no address.
    """
    place = _netloc(url, option)
    user = place.rpartition("@")[0]
    if user and "$" not in user:
        raise _refused(option, "found a secret", "${NAME} in its place")
    try:
        whole, within = (Template(text).substitute(environment) for text in (url, place))
    except (KeyError, ValueError) as error:
        # Without its brackets it may be part of a password that has a $ in it.
        braced = isinstance(error, KeyError) and f"${{{error.args[0]}}}" in url
        found = f"found {error} as a variable" if braced else "found a $ that begins none"
        raise _refused(option, found, "${NAME} of one that is set") from None
    if user and _netloc(whole, option) != within:  # the rest would be taken for host and path
        found = "found a variable with / ? # or brackets in it"
        raise _refused(option, found, "one in which they are percent-encoded")
    _address(whole, option)
    return whole


def shown(url: str, option: str = _SETTING) -> str:
    """As much of an address as may be told; InvalidConfiguration where it is none."""
    return _address(url, option).name


def _netloc(url: str, option: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        raise _refused(option, "found no address", _ACCEPTED) from None


def _address(url: str, option: str = _SETTING) -> Address:
    try:
        return Address.parse(url)
    except ValueError:
        raise _refused(option, "found no address", _ACCEPTED) from None


def _refused(option: str, found: str, accepted: str) -> InvalidConfiguration:
    return InvalidConfiguration(f"{option}: {found}, accepted: {accepted}")


class Endpoint(JSONBaseProvider):
    """A web3 provider over HTTP. Errors: LedgerUnavailable where nothing comes back, and
    Misanswered where that makes no sense. `clock` gives seconds, `sleep` takes some."""

    def __init__(
        self,
        url: str,
        timeout_s: float = TIMEOUT_S,
        sleep: Callable[[float], object] = sleep_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        address = _address(url)
        self.name, self._target = address.name, address.target
        self._client, self._sleep = HttpClient(address, timeout_s, clock), sleep

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

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
        told, asked = self._post(body, repeatable), requests[0][0]
        try:
            answer = answers.parse(told)
            if batch and isinstance(answer, Mapping) and answer.get("error") is not None:
                error: Any = answers.error_of(answer["error"])
                return [RPCResponse(error=error)] * len(requests)
            found = []
            ordered = _ordered(answer if batch else [answer], len(requests))
            for (asked, params), each in zip(requests, ordered, strict=True):
                found.append(_checked(asked, params, each))
        except answers.Wrong as wrong:
            raise Misanswered(self.name, asked, wrong.told, wrong.accepted) from None
        return found

    def _post(self, body: bytes, repeatable: bool) -> bytes:
        """The answer's body; tried once, and a read again after each pause while the node is
        silent."""
        question = Question(
            "POST",
            self._target,
            answers.MOST_BYTES,
            headers=_HEADERS,
            body=body,
            repeatable=repeatable,
        )
        reason = ""
        for pause in (0.0, *(PAUSES_S if repeatable else ())):
            if pause:
                self._sleep(pause)
            try:
                answer = self._client.ask(question)
            except NoAnswer as error:
                reason, final = error.what, error.final
            else:
                status = answer.status
                if status == 200 and answer.whole:
                    return answer.body
                reason = f"answers with HTTP status {status}"
                final = status in _REFUSALS or 300 <= status < 400
                if status == 200:
                    most = answers.MOST_BYTES
                    reason, final = f"answers with more bytes than the {most} accepted", True
            if final:
                break
        raise LedgerUnavailable(f"{self.name} {reason}")


def _ordered(told: Any, count: int) -> list[Mapping[str, Any]]:
    """Answers by the number of their question. Raises Wrong where they are not one of each."""
    accepted = f"{count} answers, of id 0 to {count - 1}" if count > 1 else "an answer of id 0"
    if not isinstance(told, list) or not all(isinstance(each, Mapping) for each in told):
        raise answers.Wrong("no record of JSON-RPC", accepted)
    numbers = [each.get("id") for each in told]
    if not all(type(number) is int for number in numbers) or sorted(numbers) != [*range(count)]:
        raise answers.Wrong(f"{len(told)} of other ids", accepted)
    return sorted(told, key=lambda each: int(each["id"]))


def _checked(method: str, params: Any, answer: Mapping[str, Any]) -> RPCResponse:
    """An answer whose result has the method's shape, or an error. Raises Wrong."""
    if answer.get("error") is not None:
        error: Any = answers.error_of(answer["error"])
        return RPCResponse(error=error)
    if "result" not in answer:
        raise answers.Wrong("neither result nor error", "one of them")
    answers.check(method, params, answer["result"])
    return RPCResponse(result=answer["result"])
