"""Receipts of acts: the sponsor's and the court's, named in the calls they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address

from sheaf.identity.envelope import Envelope
from sheaf.identity.keys import BoundKey
from sheaf.identity.statement import Act, Receipt, Step, Subject
from sheaf.ledger.federation import NO_NOTE, call_data, note_of
from sheaf.ledger.typed import key_digest, sign_typed
from sheaf.nodes.acts import ACTS, vouch
from sheaf.nodes.attesting import is_bound
from sheaf.nodes.evidence import Evidence, Report, Witness
from sheaf.nodes.receipts import Finding, check_receipts, findings, note_withheld
from sheaf.protocol import actions as a
from sheaf.protocol.content import raw_id
from sheaf.protocol.errors import VerificationFailed
from sheaf.store.layered import LayeredStore
from sheaf.store.memory import MemoryStore
from tests.nodes.stage import Played, evidence_of


@pytest.fixture(scope="module")
def evidence(honest: Played) -> Evidence:
    return evidence_of(honest.directory)


def acts_of(evidence: Evidence) -> list[Finding]:
    return [found for found in findings(evidence) if found.owed.step.act is not None]


def said(found: Finding) -> Receipt:
    assert found.signed is not None
    return found.signed.receipt


def test_the_sponsor_signs_its_publication_and_each_report(evidence: Evidence) -> None:
    acts = [said(found).step.act for found in acts_of(evidence)]
    assert acts == [Act("publish"), *[Act("report")] * 3]
    assert [said(found).step.round for found in acts_of(evidence)] == [0, 0, 1, 2]


def test_what_a_publication_says(honest: Played, evidence: Evidence) -> None:
    receipt, task = said(acts_of(evidence)[0]), evidence.task
    (published,) = [s.action for s in evidence.steps if isinstance(s.action, a.Publish)]
    assert receipt.step == Step(
        chain=1337,
        contract=evidence.book.federation,
        task=honest.cast.task_id,
        account=honest.cast.node("sponsor").account.address,
        role="sponsor",
        round=0,
        attempt=0,
        base=task.model.initial,
        base_state=bytes(32),
        chunk_bytes=4096,
        subjects=(
            Subject("document", sha256(task.encode()).digest(), flat=True),
            Subject("model", task.model.initial),
            Subject("call", sha256(call_data(published)).digest(), flat=True),
        ),
        act=Act("publish"),
    )
    assert (receipt.policy, receipt.bundle, receipt.privacy) == (None, task.model.bundle, None)


def test_what_a_report_says(evidence: Evidence) -> None:
    step, trail = said(acts_of(evidence)[-1]).step, evidence.trail
    first = evidence.task.model.initial
    assert step.base == trail.model_after(1, first)
    metrics = Subject("metrics", sha256(trail.metrics[2]).digest(), flat=True)
    assert step.subjects[:2] == (Subject("model", trail.model_after(2, first)), metrics)
    assert (step.attempt, step.counted) == (0, None)


def test_a_wallet_signs_the_same_and_recovers_the_account(
    honest: Played, evidence: Evidence
) -> None:
    """EIP-712 as another implementation has it."""
    account, receipt = honest.cast.node("sponsor").account, said(acts_of(evidence)[0])
    fields = {"task": "bytes32", "key": "bytes32"}
    message = encode_typed_data(
        domain_data={
            "name": "Sheaf",
            "version": "1",
            "chainId": 1337,
            "verifyingContract": to_checksum_address(evidence.book.federation),
        },
        message_types={"SigningKey": [{"name": n, "type": t} for n, t in fields.items()]},
        message_data={"task": evidence.trail.task, "key": receipt.public},
    )
    signed = Account.sign_message(message, account.key)
    assert receipt.binding == bytes(signed.signature)
    found = Account.recover_message(message, signature=receipt.binding)
    assert found == to_checksum_address(account.address)


def test_the_id_stands_behind_the_call_and_nothing_else_does(evidence: Evidence) -> None:
    named = {step.transaction: step.receipt for step in evidence.steps if any(step.receipt)}
    assert len(named) == 4
    for step in evidence.steps:
        if isinstance(step.action, ACTS):
            data = call_data(step.action)
            assert note_of(step.action, data + step.receipt) == step.receipt
            assert note_of(step.action, data) == NO_NOTE
            assert note_of(step.action, data + step.receipt + b"\1") == NO_NOTE


# Lies: the sponsor's last report names another receipt than it did.


def naming(evidence: Evidence, content: bytes, kept: bool = True, report: int = -1) -> Evidence:
    """The evidence in which a report's call, the last one's, names other bytes."""
    place = [i for i, s in enumerate(evidence.steps) if isinstance(s.action, a.Report)][report]
    named = replace(evidence.steps[place], receipt=raw_id(content).digest)
    steps = (*evidence.steps[:place], named, *evidence.steps[place + 1 :])
    store = MemoryStore()
    if kept:
        store.put(content, raw_id(content))
    return replace(evidence, steps=steps, store=Witness(LayeredStore(store, evidence.store)))


def failure(evidence: Evidence) -> str:
    with pytest.raises(VerificationFailed) as caught:
        check_receipts(evidence, Report(""))
    return caught.value.message


Change = Callable[[Receipt, Played], tuple[Receipt, BoundKey]]


def of_step(**changes: Any) -> Change:
    def change(receipt: Receipt, honest: Played) -> tuple[Receipt, BoundKey]:
        return replace(receipt, step=replace(receipt.step, **changes)), key_of(honest, "sponsor")

    return change


def key_of(honest: Played, name: str) -> BoundKey:
    return honest.cast.node(name).account.secrets.signing_key(honest.cast.task_id)


def another_key(receipt: Receipt, honest: Played) -> tuple[Receipt, BoundKey]:
    """A key that the account never signed for, under the signature for its own."""
    key = key_of(honest, "challenger")
    return replace(receipt, public=key.public), key


def another_signer(receipt: Receipt, honest: Played) -> tuple[Receipt, BoundKey]:
    """A key that another account signed for."""
    key, other = key_of(honest, "challenger"), honest.cast.node("challenger").account
    deployment = honest.cast.federation.book.deployment
    binding = sign_typed(key_digest(deployment, honest.cast.task_id, key.public), other.key)
    return replace(receipt, public=key.public, binding=binding), key


def another_task(receipt: Receipt, honest: Played) -> tuple[Receipt, BoundKey]:
    """A key that the account signed for in another task."""
    account, key = honest.cast.node("sponsor").account, key_of(honest, "sponsor")
    digest = key_digest(honest.cast.federation.book.deployment, b"\x09" * 32, key.public)
    return replace(receipt, binding=sign_typed(digest, account.key)), key


def by_nonce(receipt: Receipt, honest: Played) -> tuple[Receipt, BoundKey]:
    """As a seat would, though the sponsor opened no nonce."""
    key = key_of(honest, "sponsor")
    return replace(receipt, binding=None, blind=key.blind), key


LIES: dict[str, tuple[Change, str]] = {
    "another act": (of_step(act=Act("publish")), "act: found Act(name='publish'"),
    "another role": (of_step(role="challenger"), "role: found 'challenger', the ledger says 'spon"),
    "another round": (of_step(round=1), "round: found 1, the ledger says 2"),
    "an attempt": (of_step(attempt=1), "attempt: found 1, the ledger says 0"),
    "a counted set": (of_step(counted=(0,)), "counted: found (0,), the ledger says None"),
    "other subjects": (of_step(subjects=()), "subjects: found (), the ledger says"),
    "another base": (of_step(base=b"\x09" * 32), "base: found '0909"),
    "another key": (another_key, "is not the one that the account bound itself to by its ledger"),
    "another signer": (another_signer, "is not the one that the account bound itself to by its l"),
    "another task's": (another_task, "is not the one that the account bound itself to by its led"),
    "no nonce": (by_nonce, "is not the one that the account bound itself to by the nonce it"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_found_with_whose_it_is(honest: Played, evidence: Evidence, name: str) -> None:
    change, told = LIES[name]
    lie, key = change(said(acts_of(evidence)[-1]), honest)
    message = failure(naming(evidence, Envelope.sealed(lie.encode(), key).encode()))
    assert message.startswith("receipt: round 2: the receipt of sponsor 0x")
    assert "(sponsor) for its report: " in message
    assert told in message
    assert "\n" not in message


def test_a_withheld_receipt_is_named_with_whose_it_is(evidence: Evidence) -> None:
    content = b"never shown"
    withheld = naming(evidence, content, kept=False)
    told = failure(withheld)
    assert "(sponsor) for its report: withheld: " in told
    found = acts_of(withheld)[-1]
    assert (found.withheld, found.wrong) == (True, told)
    assert not any(each.withheld for each in findings(evidence))
    noted = Report("")
    note_withheld(withheld, noted)
    assert len(noted.withheld) == 1
    assert noted.withheld[0].endswith(f"for its report: {raw_id(content).digest.hex()}")
    sound = Report("")
    note_withheld(evidence, sound)
    assert sound.withheld == []


def test_a_withheld_receipt_hides_none_that_does_not_hold(evidence: Evidence) -> None:
    withheld = naming(evidence, b"never shown", kept=False, report=0)
    both = failure(naming(withheld, b"no receipt"))
    assert "withheld: " not in both.partition("; and ")[0]
    assert both.endswith("; and of other receipts 1 withheld")
    first = next(each.wrong for each in acts_of(naming(evidence, b"no receipt")) if each.wrong)
    assert both.startswith(f"{first}; and ")
    twice = failure(naming(naming(evidence, b"none", report=0), b"no receipt"))
    assert twice.endswith("; and of other receipts 1 that do not hold")


def test_an_act_that_names_no_receipt_is_counted_as_one_without(evidence: Evidence) -> None:
    bare = tuple(replace(step, receipt=bytes(32)) for step in evidence.steps)
    report = Report("")
    check_receipts(replace(evidence, steps=bare), report)
    assert report.checks[0].detail.endswith("; steps without one: 4")


def test_an_act_that_was_refused_owes_none(evidence: Evidence) -> None:
    last = next(s for s in reversed(evidence.steps) if isinstance(s.action, a.Report))
    refused = replace(last, events=(), receipt=b"\x09" * 32)
    check_receipts(replace(evidence, steps=(*evidence.steps, refused)), Report(""))


def test_nobody_is_vouched_for_without_a_key_or_for_no_act(honest: Played) -> None:
    node = honest.cast.node("sponsor")
    shop: Any = replace(node.workshop, signer=None)
    report = a.Report(honest.cast.task_id, 2, b"")
    assert vouch(shop, node.state, report) == bytes(32)
    assert vouch(node.workshop, node.state, a.Advance(honest.cast.task_id)) == bytes(32)


def test_the_same_act_gives_the_same_receipt(honest: Played, evidence: Evidence) -> None:
    """A run that goes on after it was stopped makes again what it may have shown already."""
    node = honest.cast.node("sponsor")
    last = next(s for s in reversed(evidence.steps) if isinstance(s.action, a.Report))
    assert last.action is not None
    assert vouch(node.workshop, node.state, last.action) == last.receipt


def test_offline_the_binding_is_seen_to_hold_or_not(evidence: Evidence) -> None:
    receipt = said(acts_of(evidence)[0])
    assert is_bound(receipt)
    assert receipt.binding is not None
    flipped = bytes([receipt.binding[0] ^ 1]) + receipt.binding[1:]
    assert not is_bound(replace(receipt, binding=flipped))
    assert not is_bound(replace(receipt, binding=None))
    assert not is_bound(replace(receipt, step=replace(receipt.step, chain=1)))
