"""Nodes that serve a task's chain, each in its own way honest or not, to a stranger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.proving import ProvingClient
from sheaf.nodes.evidence import Report
from sheaf.nodes.ledgers import Ledger, LedgerInFile, ProvedLedger
from sheaf.nodes.rereading import Source
from sheaf.nodes.stranger import Asked, examine_task
from sheaf.protocol.errors import VerificationFailed
from sheaf.store import Store
from tests.ledger.node import Answer, Node, Twist


@contextmanager
def nodes(file: LedgerInFile, **twists: Twist) -> Iterator[dict[str, tuple[Node, ProvedLedger]]]:
    """Nodes by name over the same chain, each with its lie."""
    with ExitStack() as stack:
        made = {}
        for name, twist in twists.items():
            path = Path(shutil.copy(file.path, file.path.with_name(f"{name}.sqlite")))
            node = stack.enter_context(Node(partial(EmbeddedLedger.open, path)))
            node.twist = twist
            endpoint = Endpoint(node.url, sleep=lambda _seconds: None)
            stack.callback(endpoint.close)
            made[name] = node, ProvedLedger(name, Source(ProvingClient(Web3(endpoint))))
        yield made


def honestly(method: str, params: Any, answer: Answer) -> Answer:
    return answer


def refusing(method: str, params: Any, answer: Answer) -> Answer:
    """A node that serves no proofs of its state."""
    refusal = {"error": {"code": -32601, "message": "the method does not exist"}}
    return refusal if method == "eth_getProof" else answer


def light(task: bytes, **given: Any) -> Asked:
    return Asked(task, light=True, **given)


def details(report: Report) -> dict[str, str]:
    return {check.name: check.detail for check in report.checks}


def refused(task: bytes, ledgers: list[Ledger], store: Store) -> str:
    with pytest.raises(VerificationFailed) as caught:
        examine_task(light(task), ledgers, store)
    assert caught.value.exit_code == 5
    assert "\n" not in caught.value.message
    return caught.value.message
