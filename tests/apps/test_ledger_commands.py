"""`sheaf ledger`, and what `sheaf doctor` says of a chain: on a node over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from sheaf.apps.chains import opened
from sheaf.apps.cli.outcome import execute
from sheaf.ledger.anvil import DEVELOPMENT_KEY
from sheaf.ledger.client import address_of as account_of
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.federation import token_interface
from sheaf.ledger.keys import KEY_VARIABLE
from sheaf.ledger.rpc import Connection
from tests.apps import projects
from tests.ledger.chain import FUNDS_WEI, START, address_of, key_of
from tests.ledger.node import REMOTE, Node

DEPLOYER = account_of(DEVELOPMENT_KEY)
SOMEBODY = "0x" + "11" * 20
SECRET = "33" * 32

Sheaf = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run commands from, and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (KEY_VARIABLE, "SHEAF_LEDGER__URL", "SHEAF_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def sheaf(capsys: pytest.CaptureFixture[str]) -> Sheaf:
    """Runs a command: exit code, stdout and stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = execute(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return command


def build() -> EmbeddedLedger:
    funded = [DEPLOYER, address_of("sponsor")]
    allocation = dict.fromkeys(funded, FUNDS_WEI)
    return EmbeddedLedger.create(None, chain_id=31337, allocation=allocation, timestamp=START)


@pytest.fixture
def node() -> Iterator[Node]:
    with Node(build) as node:
        yield node


def deploy(sheaf: Sheaf, node: Node, *more: str) -> tuple[int, str, str]:
    return sheaf("ledger", "deploy", "--url", node.url, "--out", "book.json", *more)


def test_help_lists_the_commands(sheaf: Sheaf) -> None:
    code, out, _ = sheaf("ledger")
    assert code == 0
    assert all(f"  {command} " in out for command in ("start", "deploy", "fund", "info"))
    for command in ("start", "deploy", "fund", "info"):
        assert f"Example: sheaf ledger {command}" in sheaf("ledger", command, "--help")[1]


def test_deploying_writes_an_address_book_and_a_second_time_changes_nothing(
    sheaf: Sheaf, node: Node, here: Path
) -> None:
    code, out, err = deploy(sheaf, node, "--format", "json")
    assert (code, err) == (0, "")
    made, document = json.loads(out), (here / "book.json").read_text()
    assert (made["changed"], made["file"], made["chain_id"]) == (True, "book.json", 31337)
    book = json.loads(document)
    assert book["contracts"]["vault"]["address"] == made["vault"]
    # Two tokens in the first block, the court in the second, the federation in the third.
    assert book["deployment_block"] == 3

    node.seen.clear()
    code, out, _ = deploy(sheaf, node)
    assert code == 0
    assert out.splitlines()[0] == "nothing to do: the chain is as it says in book.json"
    assert made["federation"] in out
    assert (here / "book.json").read_text() == document
    assert not [method for method in node.seen if method.startswith(("eth_send", "evm_"))]


def test_a_book_that_does_not_fit_is_neither_used_nor_replaced(
    sheaf: Sheaf, node: Node, here: Path
) -> None:
    deploy(sheaf, node)
    written = (here / "book.json").read_text()
    for changed, told in (
        (written.replace("31337", "1"), "chain: found 31337, accepted: 1"),
        (
            written.replace(json.loads(written)["contracts"]["vault"]["address"], SOMEBODY),
            "no code",
        ),
        ("{}", "found no address book"),
    ):
        (here / "book.json").write_text(changed)
        code, out, err = deploy(sheaf, node)
        assert (code, out) == (3, "")
        assert told in err
        assert len(err.splitlines()) == 1
        assert (here / "book.json").read_text() == changed
    (here / "book.json").write_text(written)
    code, _, err = deploy(sheaf, node, "--stake-token", SOMEBODY)
    assert code == 3
    assert f"stake_token: found another than {SOMEBODY}" in err


def test_tokens_that_are_there_are_used(sheaf: Sheaf, node: Node, here: Path) -> None:
    deploy(sheaf, node)
    tokens = json.loads((here / "book.json").read_text())["contracts"]
    stake, reward = (tokens[name]["address"] for name in ("stake_token", "reward_token"))
    arguments = ("--stake-token", stake, "--reward-token", reward, "--format", "json")
    code, out, _ = sheaf("ledger", "deploy", "--url", node.url, "--out", "second.json", *arguments)
    second = json.loads(out)
    assert code == 0
    assert (second["stake_token"], second["reward_token"]) == (stake, reward)
    assert second["federation"] != tokens["federation"]["address"]


def balances(node: Node, token: str) -> tuple[int, int]:
    """The tokens and the wei that `SOMEBODY` has."""
    with opened(Connection(node.url)) as chain:
        call = token_interface().calldata("balanceOf", bytes.fromhex(SOMEBODY[2:]))
        (units,) = token_interface().result(
            "balanceOf", chain.client.call(bytes.fromhex(token[2:]), call)
        )
        assert isinstance(units, int)
        return units, chain.client.balance_wei(bytes.fromhex(SOMEBODY[2:]))


def test_an_outsider_is_given_tokens_and_ether(sheaf: Sheaf, node: Node, here: Path) -> None:
    token = json.loads(deploy(sheaf, node, "--format", "json")[1])["stake_token"]
    fund = ("ledger", "fund", SOMEBODY, "--url", node.url, "--token")
    code, out, err = sheaf(*fund, token, "--tokens", "3", "--ether", "2")
    assert (code, out, err) == (0, f"{SOMEBODY} got 3 STAKE and 2 ETH\n", "")
    assert balances(node, token) == (3 * 10**18, 2 * 10**18)
    code, out, _ = sheaf(*fund, token, "--tokens", "1", "--format", "json")
    assert code == 0
    assert json.loads(out) == {
        "account": SOMEBODY,
        "token": token,
        "units": 10**18,
        "wei": 0,
        "symbol": "STAKE",
    }
    assert balances(node, token) == (4 * 10**18, 2 * 10**18)

    poor = here / "poor.key"
    poor.write_text(SECRET)
    poor.chmod(0o600)
    code, _, err = sheaf(*fund, token, "--key", "poor.key")
    assert (code, f"found 0 of token {token}" in err) == (3, True)
    assert len(err.splitlines()) == 1
    code, _, err = sheaf(*fund, "0x12")
    assert (code, "found '0x12', accepted: an address" in err) == (2, True)
    code, _, err = sheaf(*fund, SOMEBODY)
    assert code == 4
    assert err.startswith(f"{node.url}: token {SOMEBODY}: found no symbol, accepted: an ERC-20")
    assert balances(node, token) == (4 * 10**18, 2 * 10**18)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--stake-token", "0x12"), 2, "found '0x12', accepted: an address of 0x and 40 hex"),
        (("--key", "absent.key"), 2, "absent.key: cannot be read"),
        (("--finality", "soon"), 3, "finality: found 'soon', accepted: latest, safe, finalized"),
        (("--out", "absent/book.json"), 2, "found no folder"),
    ],
)
def test_what_cannot_be_deployed_is_one_line(
    sheaf: Sheaf, node: Node, arguments: tuple[str, ...], code: int, told: str
) -> None:
    found, out, err = deploy(sheaf, node, *arguments)
    assert (found, out) == (code, "")
    assert told in err
    assert len(err.splitlines()) == 1
    assert "eth_sendRawTransaction" not in node.seen


def test_the_key_is_the_file_s_or_the_environment_s(
    sheaf: Sheaf, node: Node, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.version = REMOTE
    code, _, err = deploy(sheaf, node)
    assert code == 3
    assert err.startswith(f"{KEY_VARIABLE}: found no key, accepted: one there or in a key file")

    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    code, _, err = deploy(sheaf, node)
    assert code == 3
    broke = "0x" + account_of(bytes.fromhex(SECRET)).hex()
    assert f"account {broke}".lower() in err.lower()
    assert "is not funded: found 0 wei, accepted: at least" in err
    assert SECRET not in err

    key = here / "sponsor.key"
    key.write_text(key_of("sponsor").hex())
    key.chmod(0o644)
    code, _, err = deploy(sheaf, node, "--key", "sponsor.key")
    assert (code, "found mode 0644, accepted: 0600" in err) == (3, True)
    key.chmod(0o600)
    code, out, _ = deploy(sheaf, node, "--key", "sponsor.key", "--format", "json")
    assert code == 0
    federation = bytes.fromhex(json.loads(out)["federation"][2:])
    # The fourth contract of its creator: 0xd6 0x94 is RLP's frame of an address and a small nonce.
    assert keccak(b"\xd6\x94" + address_of("sponsor") + b"\x03")[12:] == federation


def test_a_key_that_is_none_is_not_shown(
    sheaf: Sheaf, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "hunter2")
    code, _, err = deploy(sheaf, node)
    assert (code, err) == (3, f"{KEY_VARIABLE}: found no key, accepted: 64 hex digits\n")


def test_a_chain_says_what_it_is(sheaf: Sheaf, node: Node, here: Path) -> None:
    deploy(sheaf, node)
    arguments = ("--book", "book.json", "--finality", "1", "--format", "json")
    code, out, err = sheaf("ledger", "info", "--url", node.url, *arguments)
    assert (code, err) == (0, "")
    info = json.loads(out)
    assert len(info.pop("head_hash")) == 64
    assert info == {
        "endpoint": node.url,
        "chain_id": 31337,
        "development": True,
        "head": 3,
        "time": "2023-11-14T22:13:23+00:00",
        "finality": "1 block",
        "final": 2,
        "book": "as written",
    }
    text = sheaf("ledger", "info", "--url", node.url)[1]
    assert "final        3" in text

    book = (here / "book.json").read_text()
    vault = json.loads(book)["contracts"]["vault"]["address"]
    (here / "book.json").write_text(book.replace(vault, SOMEBODY))
    code, out, err = sheaf("ledger", "info", "--url", node.url, *arguments)
    assert code == 3
    assert json.loads(out)["book"] == [f"vault {SOMEBODY}: found no code"]
    assert (
        err == f'{{"code": "configuration", "message": "book.json: vault {SOMEBODY}: found no '
        'code", "hint": ""}\n'
    )


def test_the_endpoint_is_the_project_s_where_none_is_named(
    sheaf: Sheaf, node: Node, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = sheaf("ledger", "info")
    assert (code, err.startswith("--url: found nothing, accepted: the URL of an Ethereum")) == (
        2,
        True,
    )
    monkeypatch.setenv("NODE", node.url)
    settings: dict[str, str | None] = {"ledger.host": '"rpc"', "ledger.url": '"${NODE}"'}
    projects.write(here, {**settings, "ledger.finality": "2"})
    out = sheaf("ledger", "info", "--format", "json")[1]
    assert (json.loads(out)["endpoint"], json.loads(out)["finality"]) == (node.url, "2 blocks")
    monkeypatch.setenv("SHEAF_LEDGER__URL", "http://127.0.0.1:1/secret")
    monkeypatch.setattr("sheaf.ledger.endpoint.PAUSES_S", ())
    code, _, err = sheaf("ledger", "info")
    assert (code, err) == (4, "http://127.0.0.1:1 does not answer\n")


def test_without_anvil_the_line_says_what_to_install(
    sheaf: Sheaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, out, err = sheaf("ledger", "start", "--port", "0")
    assert (code, out) == (4, "")
    assert err.startswith("found no anvil, accepted: one in ")
    assert "npm install @foundry-rs/anvil" in err


def doctored(sheaf: Sheaf) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(sheaf("doctor", "--format", "json")[1])}


def test_the_doctor_holds_the_address_book_against_the_chain(
    sheaf: Sheaf, node: Node, here: Path
) -> None:
    assert "chain" not in doctored(sheaf)
    deploy(sheaf, node)
    settings: dict[str, str | None] = {"ledger.host": '"rpc"', "ledger.url": f'"{node.url}"'}
    projects.write(here, {**settings, "ledger.contracts": '"book.json"'})
    rows = doctored(sheaf)
    assert (rows["chain"]["ok"], rows["address book"]["ok"]) == (True, True)
    assert rows["chain"]["found"] == f"31337 at {node.url}, final block 3"

    book = here / "book.json"
    plain = json.loads(book.read_text())
    plain["contracts"]["vault"]["code_hash"] = "0x" + "00" * 32
    book.write_text(json.dumps(plain, indent=2) + "\n")
    rows = doctored(sheaf)
    assert not rows["chain"]["ok"] or not rows["address book"]["ok"]
    assert "found code hash 0x" in json.dumps(rows)


def test_the_doctor_says_which_chain_is_not_there(sheaf: Sheaf, here: Path, node: Node) -> None:
    settings: dict[str, str | None] = {"ledger.host": '"rpc"', "ledger.url": f'"{node.url}"'}
    projects.write(here, {**settings, "ledger.chain_id": "7"})
    row = doctored(sheaf)["chain"]
    assert not row["ok"]
    assert row["found"].startswith("ledger.chain_id: found 7, accepted: 31337")
    projects.write(here, {**settings, "ledger.chain_id": '"seven"'})
    assert "found 'seven'" in doctored(sheaf)["chain"]["found"]
