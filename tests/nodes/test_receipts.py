"""Receipts on the ledger: every honest one holds, and each lie is found with whose it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sheaf.identity.envelope import Envelope
from sheaf.identity.keys import BoundKey
from sheaf.identity.statement import MissingChunk, Receipt, Step, Subject
from sheaf.nodes import effects as e
from sheaf.nodes.attesting import Signer, attest, receipt_id
from sheaf.nodes.cast import Cast
from sheaf.nodes.evidence import Evidence, Report, Witness
from sheaf.nodes.receipts import check_receipts, findings, owed
from sheaf.nodes.verification import verify
from sheaf.protocol.content import ContentId, raw_id
from sheaf.protocol.errors import VerificationFailed
from sheaf.protocol.events import Opened
from sheaf.protocol.state import Role
from sheaf.simulation import liars
from sheaf.store.interface import Copy
from sheaf.store.layered import LayeredStore
from sheaf.store.memory import MemoryStore
from tests.nodes import faults
from tests.nodes.courtroom import Courtroom
from tests.nodes.plans import plan
from tests.nodes.stage import Played, evidence_of, play

POLICY = b"\x66" * 32


@pytest.fixture(scope="module")
def evidence(honest: Played) -> Evidence:
    return evidence_of(honest.directory)


def key_of(played: Played, name: str) -> BoundKey:
    return played.cast.node(name).account.secrets.signing_key(played.cast.task_id)


def test_every_step_of_an_honest_run_has_a_receipt_that_holds(evidence: Evidence) -> None:
    report = Report("")
    check_receipts(evidence, report)
    (check,) = report.checks
    # Two rounds of four updates and three verdicts; a publication and three reports.
    assert (check.name, check.count) == ("receipts", 2 * (4 + 3) + 4)
    assert check.detail == (
        "receipts signed by keys bound to accounts, saying what the ledger says"
    )


def test_what_an_update_and_a_verdict_say(honest: Played, evidence: Evidence) -> None:
    trail, task = evidence.trail, evidence.task
    said = [found.signed.receipt for found in findings(evidence) if found.signed]
    update, verdict = said[0], [r for r in said if r.step.act is None][-1]
    reveal = trail.rounds[1].reveals[0]
    name = honest.cast.names()[reveal.account]
    assert update.step == Step(
        chain=1337,
        contract=evidence.book.federation,
        task=honest.cast.task_id,
        account=reveal.account,
        role="participant",
        round=1,
        attempt=0,
        base=task.model.initial,
        base_state=bytes(32),
        chunk_bytes=4096,
        subjects=(Subject("update", reveal.root),),
        samples=80 if name == "participant-1" else 40,
    )
    settled = trail.model_after(2, task.model.initial)
    assert (verdict.step.role, verdict.step.round, verdict.step.attempt) == ("aggregator", 2, 1)
    assert verdict.step.subjects == (Subject("model", settled),)
    assert verdict.step.base == trail.model_after(1, task.model.initial)
    assert verdict.step.counted == (0, 1, 2, 3)
    assert (verdict.step.samples, verdict.step.missing) == (None, None)
    for receipt in said:
        assert (receipt.policy, receipt.bundle) == (None, task.model.bundle)
    assert update.public == key_of(honest, name).public


def test_receipts_hold_no_secrets(honest: Played, evidence: Evidence) -> None:
    contents = [found.signed.content for found in findings(evidence) if found.signed]
    everything = b"".join(contents) + b"".join(
        base64.b64decode(json.loads(c)["payload"]) for c in contents
    )
    for node in honest.cast.nodes:
        seed = key_of(honest, node.name).seed
        for secret in (seed, node.account.key, node.account.secrets.key):
            assert secret.hex().encode() not in everything
            assert secret not in everything


# Lies: the first update of round 1, or the first verdict, names another receipt than it did.

Forge = Callable[[Receipt, BoundKey, Evidence], bytes]


def sealed(receipt: Receipt, key: BoundKey) -> bytes:
    return Envelope.sealed(receipt.encode(), key).encode()


def stating(**changes: Any) -> Forge:
    """The honest receipt with other fields of its step, signed by its own key."""

    def forge(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
        return sealed(replace(receipt, step=replace(receipt.step, **changes)), key)

    return forge


def saying(**changes: Any) -> Forge:
    """The honest receipt with other fields beside its step, signed by its own key."""
    return lambda receipt, key, evidence: sealed(replace(receipt, **changes), key)


def rewritten(change: Callable[[dict[str, Any]], object], spaced: bool = False) -> Forge:
    """The honest envelope with a change to its JSON."""

    def forge(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
        content = json.loads(sealed(receipt, key))
        change(content)
        separators = None if spaced else (",", ":")
        return json.dumps(content, sort_keys=True, separators=separators).encode()

    return forge


def other_payload(content: dict[str, Any]) -> None:
    payload = base64.b64decode(content["payload"]).replace(b'"samples":"80"', b'"samples":"81"')
    payload = payload.replace(b'"samples":"40"', b'"samples":"41"')
    content["payload"] = base64.b64encode(payload).decode()


def another_key(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
    other = BoundKey(b"\x09" * 32, key.blind)
    return sealed(replace(receipt, public=other.public), other)


def borrowed_name(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
    """Signed by another key than the one it names, which is the bound one."""
    return sealed(receipt, BoundKey(b"\x09" * 32, key.blind))


def anothers(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
    """The receipt of the participant beside it, as that one signed it."""
    neighbour = evidence.trail.rounds[1].reveals[1].receipt
    return evidence.store.get(receipt_id(neighbour))


def its_next(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
    """Its own receipt of the next round."""
    reveals = evidence.trail.rounds[2].reveals.values()
    later = next(r for r in reveals if r.account == receipt.step.account)
    return evidence.store.get(receipt_id(later.receipt))


def twice(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
    return b'{"payload":"",' + sealed(receipt, key)[1:]


def nonsense(receipt: Receipt, key: BoundKey, evidence: Evidence) -> bytes:
    return Envelope.sealed(b'{"a":"1"}', key).encode()


LIES: dict[str, tuple[Forge, str]] = {
    "another key": (another_key, "is not the one that the account bound itself to by the nonce"),
    "another blind": (saying(blind=b"\x09" * 32), "is not the one that the account bound"),
    "a key that did not sign": (borrowed_name, "the signature is not that of the key it names"),
    "a changed byte": (rewritten(other_payload), "the signature is not that of the key it names"),
    "another account's": (anothers, "account: found "),
    "another round's": (its_next, "round: found 2, the ledger says 1"),
    "another round": (stating(round=2), "round: found 2, the ledger says 1"),
    "another attempt": (stating(attempt=1), "attempt: found 1, the ledger says 0"),
    "another role": (stating(role="aggregator"), "role: found 'aggregator', the ledger says 'par"),
    "another task": (stating(task=b"\x09" * 32), f"task: found '{'09' * 32}', the ledger says"),
    "another chain": (stating(chain=1), "chain: found 1, the ledger says 1337"),
    "another contract": (stating(contract=b"\x09" * 20), f"contract: found '{'09' * 20}'"),
    "another base": (stating(base=b"\x09" * 32), f"base: found '{'09' * 32}', the ledger says"),
    "another state": (stating(base_state=b"\x09" * 32), f"base_state: found '{'09' * 32}'"),
    "another size": (stating(chunk_bytes=16), "chunk_bytes: found 16, the ledger says 4096"),
    "another subject": (stating(subjects=(Subject("update", b"\x09" * 32),)), "subjects: found"),
    "more samples": (stating(samples=1000), "samples: found 1000, the ledger says"),
    "a counted set": (stating(counted=(0,)), "counted: found (0,), the ledger says None"),
    "a missing chunk": (stating(missing=MissingChunk(0, 0)), "missing: found MissingChunk("),
    "another bundle": (saying(bundle=b"\x09" * 32), f"bundle: found {'09' * 32}, the task pins"),
    "another kind": (rewritten(lambda c: c.update(payloadType="x")), "found payloadType 'x'"),
    "two signatures": (
        rewritten(lambda c: c.update(signatures=c["signatures"] * 2)),
        "found 2 signatures, accepted: one",
    ),
    "a key twice": (twice, "a key stands there twice"),
    "spaces": (rewritten(lambda c: None, spaced=True), "found JSON of another form"),
    "no receipt": (nonsense, "statement: found None with None"),
    "huge": (lambda *_: b"x" * 2**20, "found 1048576 bytes in memory, accepted: at most 16384"),
}


def naming(evidence: Evidence, content: bytes, kept: bool = True) -> Evidence:
    """The evidence in which the first update of round 1 names other bytes."""
    trail, found = evidence.trail, evidence.trail.rounds[1]
    named = replace(found.reveals[0], receipt=raw_id(content).digest)
    round = replace(found, reveals={**found.reveals, 0: named})
    store = MemoryStore()
    if kept:
        store.put(content, raw_id(content))
    within = Witness(LayeredStore(store, evidence.store))
    return replace(evidence, trail=replace(trail, rounds={**trail.rounds, 1: round}), store=within)


def failure(evidence: Evidence) -> str:
    with pytest.raises(VerificationFailed) as caught:
        check_receipts(evidence, Report(""))
    return caught.value.message


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_found_with_whose_it_is(honest: Played, evidence: Evidence, name: str) -> None:
    forge, told = LIES[name]
    first = next(findings(evidence)).signed
    assert first is not None
    account = first.receipt.step.account
    who = honest.cast.names()[account]
    content = forge(first.receipt, key_of(honest, who), evidence)
    message = failure(naming(evidence, content))
    assert message.startswith(f"receipt: round 1: the receipt of {evidence.who(account)}: ")
    assert f"({who})" in message
    assert told in message
    assert "\n" not in message


def test_a_forger_that_changes_nothing_is_believed(honest: Played, evidence: Evidence) -> None:
    first = next(findings(evidence)).signed
    assert first is not None
    key = key_of(honest, honest.cast.names()[first.receipt.step.account])
    content = sealed(replace(first.receipt, policy=POLICY, software="0.0.9"), key)
    check_receipts(naming(evidence, content), Report(""))


def test_a_receipt_that_is_not_to_be_had(evidence: Evidence) -> None:
    content = b"never shown"
    told = failure(naming(evidence, content, kept=False))
    assert f"{raw_id(content)}" in told
    assert "(participant-" in told


class Vast(MemoryStore):
    """Every blob has a terabyte, and reading any of it is an error."""

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        def ranged(start: int, stop: int) -> bytes:
            raise AssertionError("nobody reads that")

        yield Copy("in a vast store", 2**40, ranged)


def test_a_vast_receipt_is_not_read(evidence: Evidence) -> None:
    told = failure(replace(evidence, store=Witness(Vast())))
    assert f"found {2**40} bytes in a vast store, accepted: at most 16384" in told


def instead(named: bytes, given: bytes) -> MemoryStore:
    """A store that gives other bytes under the id of a receipt."""

    class Swapped(MemoryStore):
        def copies(self, content_id: ContentId) -> Iterator[Copy]:
            if content_id == receipt_id(named):
                yield Copy("in a store that swaps", len(given), lambda a, b: given[a:b])
            else:
                yield from super().copies(content_id)

    return Swapped()


def test_another_receipt_of_the_same_step_is_not_taken_for_the_named_one(
    honest: Played, evidence: Evidence
) -> None:
    """Its actor signed both, and of all checks only the hash tells which one it committed to."""
    first = next(findings(evidence)).signed
    assert first is not None
    key = key_of(honest, honest.cast.names()[first.receipt.step.account])
    second = sealed(replace(first.receipt, policy=POLICY), key)
    swaps = instead(raw_id(first.content).digest, second)
    told = failure(replace(evidence, store=Witness(swaps)))
    assert f"the {len(second)} bytes in a store that swaps hash to something else" in told
    # Where another copy is sound, that one counts.
    both = replace(evidence, store=Witness(LayeredStore(swaps, evidence.store)))
    found = next(findings(both)).signed
    assert found is not None
    assert found.receipt.policy is None


def test_a_nonce_opened_in_another_task_binds_nothing_in_this_one(evidence: Evidence) -> None:
    account = evidence.trail.rounds[1].reveals[0].account
    elsewhere = Opened(b"\x09" * 32, account, Role.PARTICIPANT, 0, b"\x0a" * 32)
    later = replace(evidence.steps[-1], events=(elsewhere,))
    check_receipts(replace(evidence, steps=(*evidence.steps, later)), Report(""))
    here = replace(later, events=(replace(elsewhere, task=evidence.trail.task),))
    told = failure(replace(evidence, steps=(*evidence.steps, here)))
    assert "is not the one that the account bound itself to by the nonce it opened" in told


def test_a_verdicts_counted_set_is_the_ledgers(honest: Played, evidence: Evidence) -> None:
    said = [found.signed.receipt for found in findings(evidence) if found.signed]
    verdict = next(r for r in said if r.step.role == "aggregator")
    lie = replace(verdict, step=replace(verdict.step, counted=(0, 1, 2)))
    who = honest.cast.names()[verdict.step.account]
    content = sealed(lie, key_of(honest, who))
    found = evidence.trail.rounds[1]
    place, event = next((k, v) for k, v in found.verdicts.items() if v.account == lie.step.account)
    named = replace(event, receipt=raw_id(content).digest)
    round = replace(found, verdicts={**found.verdicts, place: named})
    store = MemoryStore()
    store.put(content, raw_id(content))
    trail = replace(evidence.trail, rounds={**evidence.trail.rounds, 1: round})
    lied = replace(evidence, trail=trail, store=Witness(LayeredStore(store, evidence.store)))
    message = failure(lied)
    assert message.startswith("receipt: round 1, attempt 1: the receipt of aggregator ")
    assert "counted: found (0, 1, 2), the ledger says (0, 1, 2, 3)" in message


def silent(cast: Cast) -> None:
    """A participant and a member that sign nothing: others' software, say."""
    for name in ("participant-2", "aggregator-1"):
        node = cast.node(name)
        node.workshop = replace(node.workshop, signer=None)


def test_who_signs_nothing_takes_part_all_the_same(tmp_path: Path) -> None:
    played = play(tmp_path / "run", plan(data_policy=POLICY), silent)
    assert played.summary["status"] == "settled"
    report = verify(played.directory, check_receipts)
    check = next(check for check in report.checks if check.name == "receipts")
    assert check.count == 2 * (3 + 2) + 4
    assert check.detail.endswith("; steps without one: 4")
    said = [f.signed.receipt for f in findings(evidence_of(played.directory)) if f.signed]
    policies = {(receipt.step.role, receipt.policy) for receipt in said}
    assert policies == {("participant", POLICY), ("aggregator", None), ("sponsor", None)}


def test_a_run_with_a_lie_on_its_ledger(tmp_path: Path) -> None:
    """The whole way: a participant commits to a receipt of more samples than it reveals."""

    def alter(cast: Cast) -> None:
        def boasting(shop: Any, effect: e.Attest, trail: Any) -> e.Attested:
            return attest(shop, replace(effect, step=replace(effect.step, samples=999)), trail)

        cast.node("participant-3").equip({e.Attest: boasting})

    played = play(tmp_path / "run", plan(), alter)
    verify(played.directory)
    with pytest.raises(VerificationFailed) as caught:
        verify(played.directory, check_receipts)
    told = "(participant-3): samples: found 999, the ledger says 40"
    assert caught.value.message.startswith("receipt: round 1: the receipt of participant ")
    assert caught.value.message.endswith(f"{told}; and of other receipts 1 that do not hold")
    (other,) = caught.value.others
    assert other.startswith("receipt: round 2: the receipt of participant ")
    assert other.endswith(told)


def test_a_missing_verdict_has_a_receipt_too(evidence: Evidence) -> None:
    withholds: Any = {e.PublishUpdate: liars.keeping, e.Produce: liars.mute}
    attests: Any = {e.Collect: faults.attesting}
    room = Courtroom({"participant-2": withholds, "aggregator": attests})
    for name, shop in room.shops.items():
        secrets = room.actors[name].secrets
        key = secrets.signing_key(room.trail.task)
        room.shops[name] = replace(shop, signer=Signer(key))
    room.run()
    opened = [event for event in room.actors["sponsor"].folded if isinstance(event, Opened)]
    known: Any = (SimpleNamespace(events=opened, action=None),)
    seen = replace(
        evidence, trail=room.trail, task=room.task, store=Witness(room.shared), steps=known
    )
    check_receipts(seen, Report(""))
    found = room.trail.rounds[1]
    position = found.cohort.index(room.account("participant-2"))
    missing = [each.step for each in owed(seen) if each.step.attempt == 1]
    assert [step.missing for step in missing] == [MissingChunk(position, 0)] * 3
    subject = Subject("missing update", found.reveals[position].root)
    assert {step.subjects for step in missing} == {(subject,)}
