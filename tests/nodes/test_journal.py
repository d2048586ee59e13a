"""The journal: what was written comes back, a run goes through it again, secrets stay out."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from sheaf.nodes import effects as e
from sheaf.nodes import journal
from sheaf.nodes.accounts import Account, development_account
from sheaf.nodes.cast import reassemble
from sheaf.nodes.codec import plain
from sheaf.nodes.journal import JOURNAL, Answer, Journal, Recorded, Turn
from sheaf.nodes.runner import Runner
from sheaf.protocol import actions
from sheaf.protocol.actions import Commit, Publish
from sheaf.protocol.errors import LedgerCorrupt, StoreUnavailable
from sheaf.protocol.opening import Opening
from tests.identity.receipts import MISSING
from tests.identity.receipts import STEP as VERDICT_STEP
from tests.nodes.plans import plan
from tests.nodes.rehearsal import TERMS
from tests.nodes.stage import Played, Watcher

WORD, ADDRESS = bytes(range(32)), b"\x05" * 20
STEP = replace(VERDICT_STEP, missing=MISSING)
OPENING = Opening(bytes(range(256)), (WORD, bytes(32)))
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
        "bool": True,
        "str": "0x that is no number",
        "tuple[tuple[int, bytes], ...]": ((0, WORD), (1, b"")),
        "tuple[tuple[int, bytes, int], ...]": ((3, WORD, 40),),
        "Action": Commit(WORD, WORD),
        "tuple[int, ...]": (0, 2**40),
        "tuple[bytes, bytes]": (WORD, b""),
        "tuple[bytes, ...]": (WORD, bytes(32)),
        "int | None": 0,
        "Roots": actions.Roots(WORD, bytes(32), WORD, bytes(32)),
        "Opening": OPENING,
        "Opening | None": OPENING,
        "Step": STEP,
        "tuple[Opening, ...]": (OPENING, Opening(b"", ())),
    }
    assert is_dataclass(kind)
    return kind(**{name: values[str(f.type)] for name, f in kind.__dataclass_fields__.items()})


TURN = Turn(7, 11, (("sponsor", e.Evaluate(0, WORD)),))


def write(path: Path, *entries: Turn | Answer) -> None:
    """Append entries to a journal."""
    book = Journal(path)
    for entry in entries:
        if isinstance(entry, Turn):
            book.turn(entry)
        else:
            book.answer(entry)
    book.sync()
    book.close()


@pytest.mark.parametrize("kind", get_args(e.Effect), ids=lambda kind: kind.__name__)
def test_every_effect_comes_back(kind: type[object], tmp_path: Path) -> None:
    wanted: Any = sample(kind)
    turn = Turn(3, 1_767_225_600, (("sponsor", wanted), ("challenger", wanted)))
    write(tmp_path / "journal", turn)
    assert journal.read(tmp_path / "journal") == [Recorded(turn, ())]


@pytest.mark.parametrize("kind", get_args(e.LocalEvent), ids=lambda kind: kind.__name__)
def test_every_answer_comes_back(kind: type[object], tmp_path: Path) -> None:
    given: Any = sample(kind)
    answer = Answer("sponsor", given, 0.25)
    write(tmp_path / "journal", TURN, answer)
    assert journal.read(tmp_path / "journal") == [Recorded(TURN, (answer,))]


@pytest.mark.parametrize("kind", get_args(actions.Action), ids=lambda kind: kind.__name__)
def test_every_action_comes_back(kind: type[object], tmp_path: Path) -> None:
    action: Any = sample(kind)
    turn = Turn(0, 0, (("sponsor", e.Send(action)),))
    write(tmp_path / "journal", turn)
    assert journal.read(tmp_path / "journal") == [Recorded(turn, ())]


def test_a_line_cut_short_anywhere_is_left_out_and_written_over(tmp_path: Path) -> None:
    path, answer = tmp_path / "journal", Answer("sponsor", e.Published(WORD), 1.5)
    write(path, TURN, answer)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole)):
        path.write_bytes(whole[:size])
        assert journal.read(path) == [Recorded(TURN, ())]
        write(path, answer)
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{}", "line 1 is not a journal entry"),
        ("[" * 100_000, "line 1 is not a journal entry"),
        ("\xff", "line 1 is not a journal entry"),
        ('{"type": "Turn", "block": "1"}', "line 1 is not a journal entry"),
        ('{"type":"Answer","node":"a","content":null,"seconds":1.0}', "line 1 is not a journal"),
    ],
)
def test_any_other_line_is_an_error(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "journal"
    write(path, TURN)
    path.write_bytes(line.encode("latin-1") + b"\n" + path.read_bytes())
    with pytest.raises(LedgerCorrupt) as caught:
        journal.read(path)
    assert told in caught.value.message


def test_an_answer_to_nothing_is_an_error(tmp_path: Path) -> None:
    answer = Answer("sponsor", e.Published(WORD), 0.0)
    write(tmp_path / "first", answer)
    write(tmp_path / "third", TURN, answer, answer)
    for name, number in (("first", 1), ("third", 3)):
        with pytest.raises(LedgerCorrupt, match=f"line {number} answers no effect"):
            journal.read(tmp_path / name)


def test_each_line_names_the_one_before_it(tmp_path: Path) -> None:
    path, answer = tmp_path / "journal", Answer("sponsor", e.Published(WORD), 1.5)
    assert journal.head(tmp_path / "absent") == "0" * 64
    write(path, TURN, answer)
    write(path, TURN)  # by another process
    lines = path.read_bytes().splitlines()
    digests = ["0" * 64, *(hashlib.sha256(line).hexdigest() for line in lines)]
    assert [json.loads(line)["before"] for line in lines] == digests[:-1]
    assert journal.head(path) == digests[-1]
    for changed in ([*lines[1:]], [lines[0], lines[2]], [lines[1], lines[0], lines[2]]):
        path.write_bytes(b"\n".join(changed) + b"\n")
        with pytest.raises(LedgerCorrupt, match="does not follow the one before it"):
            journal.read(path)


def test_no_journal_holds_no_turns_and_no_place_for_one_is_one_line(tmp_path: Path) -> None:
    assert journal.read(tmp_path / "absent") == []
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="file/journal"):
        Journal(tmp_path / "file" / "journal")


def test_what_is_private_is_its_owners_alone(honest: Played) -> None:
    for name, mode in (("journal.jsonl", 0o600), ("private", 0o700)):
        assert stat.S_IMODE((honest.directory / name).stat().st_mode) == mode


def test_every_effect_is_answered_in_the_order_it_was_wanted(honest: Played) -> None:
    recorded = journal.read(honest.directory / JOURNAL)
    for past in recorded:
        assert [name for name, _ in past.turn.effects] == [a.node for a in past.answers]
        sends = [isinstance(effect, e.Send) for _, effect in past.turn.effects]
        assert sends == sorted(sends) == [isinstance(a.content, e.Sent) for a in past.answers]
    assert {name for past in recorded for name, _ in past.turn.effects} == {
        node.name for node in honest.cast.nodes
    }


def test_a_run_gone_through_again_does_nothing_and_ends_in_the_same_states(
    honest: Played, tmp_path: Path
) -> None:
    directory = Path(shutil.copytree(honest.directory, tmp_path / "run"))
    (directory / "summary.json").unlink()
    cast = reassemble(plan(), directory)
    assert [node.state for node in cast.nodes] != [node.state for node in honest.cast.nodes]
    for node in cast.nodes:
        node.equip(dict.fromkeys(node.workshop.performers, refused))
    journalled = (directory / JOURNAL).read_bytes()
    summary = Runner(cast, directory, Watcher()).run()
    assert [node.state for node in cast.nodes] == [node.state for node in honest.cast.nodes]
    assert (directory / JOURNAL).read_bytes() == journalled
    assert summary["head"] == honest.summary["head"]


def refused(shop: object, effect: e.Effect, trail: object) -> e.LocalEvent:
    raise AssertionError(f"{effect} was done before")


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
    written: list[object] = []
    for past in journal.read(honest.directory / JOURNAL):
        written += [effect for _, effect in past.turn.effects]
        written += [answer.content for answer in past.answers]
    for node in honest.cast.nodes[2:]:
        secrets = node.account.secrets
        key = secrets.signing_key(task)
        opened: dict[type[object], bytes] = {actions.Open: key.nonce}
        if node.name.startswith("participant"):
            opened[actions.Reveal] = secrets.derive("update", task, 1)
        else:
            opened[actions.RevealVerdict] = secrets.derive("verdict", task, 1, 1)
        for kind, secret in opened.items():
            holding = [each for each in written if secret.hex() in str(plain(each))]
            assert {type(getattr(each, "action", None)) for each in holding} == {kind}
        for kept in (key.seed, key.blind):
            assert kept.hex() not in str([plain(each) for each in written])
    assert trail.over


def test_another_purpose_task_or_number_derives_another_secret() -> None:
    secrets = e.Secrets(b"k" * 32)
    derived = {
        secrets.derive("blind", WORD),
        secrets.derive("signing-key", WORD),
        secrets.derive("update", WORD, 1),
        secrets.derive("update", WORD, 2),
        secrets.derive("update", bytes(32), 1),
        secrets.derive("verdict", WORD, 1, 1),
        e.Secrets(b"l" * 32).derive("blind", WORD),
    }
    assert len(derived) == 7
    assert {len(secret) for secret in derived} == {32}
