"""Statements: what a receipt says, and that nothing else is taken for one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sheaf.identity.privacy import Budget
from sheaf.identity.statement import Act, Receipt
from sheaf.protocol.errors import InvalidDocument
from tests.identity.receipts import ACT, ACT_STEP, MISSING, RECEIPT, STEP, act_written, written


def encoded(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def test_a_receipt_is_written_as_by_hand() -> None:
    assert RECEIPT.encode() == encoded(written())
    assert ACT.encode() == encoded(act_written())


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT,
        replace(RECEIPT, policy=None),
        replace(RECEIPT, step=replace(STEP, samples=2**62, counted=None, attempt=0)),
        replace(RECEIPT, step=replace(STEP, missing=MISSING)),
        ACT,
        replace(ACT, blind=b"\x02" * 32, binding=None, privacy=None),
        replace(ACT, step=replace(ACT_STEP, act=Act("publish"), counted=None)),
        replace(ACT, privacy=Budget("laplace", 0.1, 0.0)),
    ],
)
def test_a_receipt_and_back(receipt: Receipt) -> None:
    assert Receipt.decode(receipt.encode()) == receipt


Change = Callable[[Any], object]
CHANGES: dict[str, Change] = {
    "another statement": lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"),
    "another predicate": lambda s: s.update(predicateType="https://slsa.dev/provenance/v1"),
    "a field more": lambda s: s.update(note="trust me"),
    "a field less": lambda s: s["predicate"].pop("privacy"),
    "another field": lambda s: s["predicate"]["step"].pop("missing"),
    "some privacy": lambda s: s["predicate"]["privacy"].update(epsilon=1),
    "no subject's digest": lambda s: s["subject"][0].update(digest={"sha256": "44" * 32}),
    "a digest more": lambda s: s["subject"][0]["digest"].update(sha256="44" * 32),
    "upper case": lambda s: s["predicate"]["task"].update(id="AB" * 32),
    "a short hash": lambda s: s["predicate"]["task"].update(id="11"),
    "an address of another form": lambda s: s["predicate"]["signer"].update(
        account="0x" + "fb" * 20
    ),
    "a round as a number": lambda s: s["predicate"]["step"].update(round=3),
    "a round of truth": lambda s: s["predicate"]["step"].update(round=True),
    "a part of a round": lambda s: s["predicate"]["step"].update(round="3.0"),
    "a chain of digits": lambda s: s["predicate"]["task"].update(chain="01"),
    "a very long chain": lambda s: s["predicate"]["task"].update(chain="9" * 5000),
    "no version": lambda s: s["predicate"]["software"].update(sheaf="\ud800"),
    "a missing nothing": lambda s: s["predicate"]["step"].update(missing={}),
    "subjects of text": lambda s: s.update(subject="model"),
    "a predicate of text": lambda s: s.update(predicate="model"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_anything_else_is_refused_in_one_line(name: str) -> None:
    content = copy.deepcopy(written())
    CHANGES[name](content)
    with pytest.raises(InvalidDocument) as caught:
        Receipt.decode(encoded(content))
    assert caught.value.message.startswith("statement: found ")
    assert "\n" not in caught.value.message


ACT_CHANGES: dict[str, Change] = {
    "an update's predicate": lambda s: s.update(predicateType="urn:sheaf:receipt:1"),
    "no act": lambda s: s["predicate"]["step"].pop("act"),
    "an act of nothing": lambda s: s["predicate"]["step"].update(act=None),
    "a dispute as a number": lambda s: s["predicate"]["step"]["act"].update(dispute=2),
    "an act with more": lambda s: s["predicate"]["step"]["act"].update(bond="1"),
    "two bindings": lambda s: s["predicate"]["signer"].update(blind="02" * 32),
    "no binding": lambda s: s["predicate"]["signer"].pop("binding"),
    "a short binding": lambda s: s["predicate"]["signer"].update(binding="88" * 64),
    "epsilon as a number": lambda s: s["predicate"]["privacy"].update(epsilon=1.5),
    "epsilon otherwise": lambda s: s["predicate"]["privacy"].update(epsilon="1.50"),
    "epsilon of nothing": lambda s: s["predicate"]["privacy"].update(epsilon="0.0"),
    "epsilon without end": lambda s: s["predicate"]["privacy"].update(epsilon="inf"),
    "epsilon of no number": lambda s: s["predicate"]["privacy"].update(epsilon="nan"),
    "delta of one": lambda s: s["predicate"]["privacy"].update(delta="1.0"),
    "no delta": lambda s: s["predicate"]["privacy"].pop("delta"),
    "no mechanism": lambda s: s["predicate"]["privacy"].update(mechanism=""),
    "a mechanism of words": lambda s: s["predicate"]["privacy"].update(mechanism="trust me"),
    "none with a budget": lambda s: s["predicate"]["privacy"].update(mechanism="none"),
}


@pytest.mark.parametrize("name", ACT_CHANGES)
def test_anything_else_of_an_act_is_refused_in_one_line(name: str) -> None:
    content = copy.deepcopy(act_written())
    ACT_CHANGES[name](content)
    with pytest.raises(InvalidDocument) as caught:
        Receipt.decode(encoded(content))
    assert caught.value.message.startswith("statement: found ")
    assert "\n" not in caught.value.message


def test_an_update_is_bound_by_a_nonce_only() -> None:
    content = written()
    content["predicate"]["signer"] = act_written()["predicate"]["signer"]
    with pytest.raises(InvalidDocument, match="found no receipt: KeyError: 'blind'"):
        Receipt.decode(encoded(content))


@pytest.mark.parametrize(
    "said", [("none", 1.0, 0.0), ("gaussian", -1.0, 0.0), ("gaussian", 1.0, -0.1)]
)
def test_a_budget_that_bounds_nothing_is_refused(said: tuple[str, float, float]) -> None:
    with pytest.raises(ValueError, match=r"expected|bound nothing"):
        Budget(*said)
