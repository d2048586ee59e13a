"""The papers of a model whose task ran on a real anvil, which shares no code with us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3
from web3.types import RPCEndpoint

from sheaf.apps.cli.outcome import execute
from sheaf.audit.provenance.checking import STATELESS, check, read_header
from sheaf.audit.provenance.papers import papers
from sheaf.ledger.anvil import DEVELOPMENT_KEY, Anvil, options, require
from sheaf.ledger.archive import ChainArchive
from sheaf.ledger.client import Call, address_of
from sheaf.ledger.endpoint import Endpoint
from sheaf.ledger.proving import ProvingClient
from sheaf.ledger.rpc import Connection, connect
from sheaf.nodes.rereading import Source
from sheaf.nodes.verification import examine
from sheaf.protocol.errors import VerificationFailed
from tests.ledger.lies import Twisted
from tests.ledger.node import Twist
from tests.nodes.plans import plan, schedule
from tests.nodes.stage import Played, play

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil(require(ROOT), options(chain_id=1337)) as anvil:
        yield anvil


@pytest.fixture(scope="module")
def played(anvil: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A finished run of one round, after which its chain went on."""
    planned = plan(schedule=schedule(1))
    remote = replace(planned, ledger=replace(planned.ledger, host="rpc", url=anvil.url))
    played = play(tmp_path_factory.mktemp("remote") / "run", remote)
    chain = connect(Connection(anvil.url), [DEVELOPMENT_KEY])
    chain.client.send([Call(address_of(DEVELOPMENT_KEY), bytes(20), b"", 21_000)])
    chain.close()
    return played


def test_the_node_s_own_header_is_enough(
    anvil: Anvil, played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, header = tmp_path / "papers", tmp_path / "block.json"
    run = str(played.directory)
    assert execute(["provenance", run, "--url", anvil.url, "--out", str(out)]) == 0
    number = played.summary["blocks"]
    endpoint = Endpoint(anvil.url)
    told: Any = endpoint.make_request(RPCEndpoint("eth_getBlockByNumber"), [hex(number), False])
    endpoint.close()
    header.write_text(json.dumps(told), encoding="utf-8")
    capsys.readouterr()
    model, statement = str(played.directory / "model.safetensors"), str(out / "attestation.json")
    command = ["verify-model", model, "--attestation", statement, "--header", str(header)]
    head = played.summary["head"]
    assert execute([*command, "--head", head, "--format", "json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["head"] == head
    assert [each["name"] for each in plain["checks"]][-2:] == ["code", "stands"]


def proving(told: dict[str, Any], *, code: bool) -> Twist:
    """Lies in proofs: in those of slots, and of `code`, which is proved without one."""

    def twist(method: str, params: Any, answer: dict[str, Any]) -> dict[str, Any]:
        lies = method == "eth_getProof" and (code or params[1])
        return told if lies else answer

    return twist


def written(played: Played, endpoint: Endpoint) -> dict[str, bytes]:
    client = ProvingClient(Web3(endpoint))
    try:
        evidence, _ = examine(played.directory, source=Source(client))
        return papers(evidence, ChainArchive(client), ["attestation", "header"])
    finally:
        endpoint.close()


def test_a_state_that_the_endpoint_forgot_is_not_shown(anvil: Anvil, played: Played) -> None:
    forgot = {"error": {"code": -32000, "message": "missing trie node"}}
    found = written(played, Twisted(anvil.url, proving(forgot, code=True)))
    head = read_header(found["header.hex"].decode())
    with (played.directory / "model.safetensors").open("rb") as file:
        proven = check(file, found["attestation.json"], head)
    assert STATELESS in proven.limits


def test_a_proof_that_proves_nothing_is_not_handed_on(anvil: Anvil, played: Played) -> None:
    lie = {"result": {"accountProof": ["0xc0"], "storageProof": [{"proof": ["0xc0"]}]}}
    with pytest.raises(VerificationFailed, match=r"^state: block \d+: found node "):
        written(played, Twisted(anvil.url, proving(lie, code=False)))
