"""The journal: what was written comes back, a killed node is rebuilt from it, secrets stay out."""

from __future__ import annotations

import json
import stat
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from web3 import Web3

from sheaf.ledger.client import Client
from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.federation import FederationClient
from sheaf.ledger.provider import EmbeddedProvider
from sheaf.nodes import effects as e
from sheaf.nodes import journal
from sheaf.nodes.accounts import Account, development_account
from sheaf.nodes.cast import assemble
from sheaf.protocol import actions
from sheaf.protocol.actions import Commit, Publish
from sheaf.protocol.errors import LedgerCorrupt
from tests.nodes.plans import plan
from tests.nodes.rehearsal import TERMS
from tests.nodes.stage import Played

WORD, ADDRESS = bytes(range(32)), b"\x05" * 20
ACTIONS: dict[type[object], object] = {
    actions.Publish: Publish(TERMS, WORD, WORD, bytes(32), 2**90),
    actions.Withdraw: actions.Withdraw(ADDRESS),
}


def sample(kind: type[object]) -> object:
    """An instance with a telling value in every field."""
    if kind in ACTIONS:
        return ACTIONS[kind]
    values: dict[str, Any] = {
        "bytes": WORD,
        "int": 2**64 + 1,
        "str": "0x that is no number",
        "tuple[tuple[int, bytes], ...]": ((0, WORD), (1, b"")),
        "tuple[tuple[int, bytes, int], ...]": ((3, WORD, 40),),
        "Action": Commit(WORD, WORD),
    }
    assert is_dataclass(kind)
    return kind(**{name: values[str(f.type)] for name, f in kind.__dataclass_fields__.items()})


KINDS = [*get_args(e.Effect), *get_args(e.LocalEvent)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_effect_and_answer_comes_back(kind: type[object], tmp_path: Path) -> None:
    written: Any = sample(kind)
    book = journal.Journal(tmp_path / "journal")
    name = "effect" if kind in get_args(e.Effect) else "answer"
    getattr(book, name)("sponsor", 3, written)
    book.close()
    (entry,) = journal.read(tmp_path / "journal")
    assert entry == journal.Entry("sponsor", 3, name, written)


@pytest.mark.parametrize("kind", get_args(actions.Action), ids=lambda kind: kind.__name__)
def test_every_action_comes_back(kind: type[object]) -> None:
    sent = e.Send(sample(kind))  # type: ignore[arg-type]
    assert journal.typed(json.loads(json.dumps(journal.plain(sent)))) == sent


def test_a_line_cut_short_by_a_kill_is_left_out_and_any_other_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    book = journal.Journal(path)
    book.effect("sponsor", 1, e.Evaluate(0, WORD))
    book.effect("sponsor", 2, e.Evaluate(1, WORD))
    book.close()
    text = path.read_text()
    path.write_text(text[:-20])
    assert [entry.block for entry in journal.read(path)] == [1]
    path.write_text("{}\n" + text)
    with pytest.raises(LedgerCorrupt) as caught:
        list(journal.read(path))
    assert caught.value.message.endswith("line 1 is not a journal entry")


def test_a_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    for block in (1, 2):
        book = journal.Journal(tmp_path / "journal")
        book.effect("sponsor", block, e.Evaluate(0, WORD))
        book.close()
    assert [entry.block for entry in journal.read(tmp_path / "journal")] == [1, 2]


def test_what_is_private_is_its_owners_alone(honest: Played) -> None:
    for name, mode in (("journal.jsonl", 0o600), ("private", 0o700)):
        assert stat.S_IMODE((honest.directory / name).stat().st_mode) == mode


def test_every_effect_is_journalled_before_its_answer(honest: Played) -> None:
    waiting: dict[str, int] = {}
    for entry in journal.read(honest.directory / "journal.jsonl"):
        change = 1 if entry.kind == "effect" else -1
        waiting[entry.node] = waiting.get(entry.node, 0) + change
        assert waiting[entry.node] >= 0
    assert set(waiting.values()) == {0}
    assert len(waiting) == 9


def test_a_node_rebuilt_from_ledger_and_journal_equals_the_one_that_ran(
    honest: Played, tmp_path: Path
) -> None:
    ledger = EmbeddedLedger.open(honest.directory / "ledger.sqlite")
    client = FederationClient(Client(Web3(EmbeddedProvider(ledger))), honest.cast.federation.book)
    height = client.client.head().number
    blocks = [client.events(number, number) for number in range(height + 1)]
    ledger.close()
    entries = list(journal.read(honest.directory / "journal.jsonl"))
    fresh = assemble(plan(), tmp_path)
    fresh.ledger.close()
    for node, ran in zip(fresh.nodes, honest.cast.nodes, strict=True):
        own = [entry for entry in entries if entry.node == node.name]
        assert journal.rebuilt(node.state, node.role.fold, blocks, own) == ran.state
        assert node.state != ran.state


def test_a_representation_hides_keys() -> None:
    account = development_account(7, "participant-1")
    for text in (repr(account), repr(account.secrets), str(account), f"{account.secrets}"):
        assert account.key.hex() not in text
        assert account.secrets.key.hex() not in text
    assert repr(account) == "Account(participant-1)"
    assert repr(Account("a", b"k" * 32, e.Secrets(b"s" * 32))) == "Account(a)"


def test_no_secret_is_in_what_a_run_leaves(honest: Played) -> None:
    accounts = [node.account for node in honest.cast.nodes]
    assert len(accounts) == 9
    for path in honest.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for account in accounts:
                for secret in (account.key, account.secrets.key):
                    assert secret not in content, path
                    assert secret.hex().encode() not in content, path


def test_nonces_and_salts_are_written_only_when_they_are_opened(honest: Played) -> None:
    """Before the opening, neither journal nor any folded state holds what it will open."""
    trail, task = honest.cast.nodes[0].state.trail, honest.cast.task_id
    lines = (honest.directory / "journal.jsonl").read_text().splitlines()
    for node in honest.cast.nodes[2:]:
        secrets = node.account.secrets
        opened = {"Open": secrets.derive("nonce", task)}
        if node.name.startswith("participant"):
            opened["Reveal"] = secrets.derive("update", task, 1)
        else:
            opened["RevealVerdict"] = secrets.derive("verdict", task, 1, 1)
        for name, secret in opened.items():
            holding = [json.loads(line) for line in lines if secret.hex() in line]
            assert {entry["content"]["action"]["type"] for entry in holding} == {name}
    assert trail.over


def test_another_purpose_task_or_number_derives_another_secret() -> None:
    secrets = e.Secrets(b"k" * 32)
    derived = {
        secrets.derive("nonce", WORD),
        secrets.derive("update", WORD, 1),
        secrets.derive("update", WORD, 2),
        secrets.derive("update", bytes(32), 1),
        secrets.derive("verdict", WORD, 1, 1),
        e.Secrets(b"l" * 32).derive("nonce", WORD),
    }
    assert len(derived) == 6
    assert {len(secret) for secret in derived} == {32}
