"""The task document: one canonical encoding, and one exact line for everything else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import dag_cbor
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multiformats import CID

from sheaf.protocol import task as t
from sheaf.protocol import terms
from sheaf.protocol.errors import InvalidDocument
from sheaf.protocol.optimisers import Constants
from tests.example_task import TASK, changed, edited, plain, refusal


def test_capture_odds_by_hand() -> None:
    # Two of six aggregators are bad; a quorum of three seats is two: 2 bad and any of 4 others
    # are 4 committees of 20. One of five participants is bad: two draws to choose from.
    assert TASK.capture_ppb() == 2 * 4 * 10**9 // 20


def test_odds_are_of_the_desired_cohort() -> None:
    # Two openings in a cohort of six, one in one of five: twice the odds.
    wider = replace(TASK, cohort=replace(TASK.cohort, goal=6))
    assert (TASK.capture_ppb(), wider.capture_ppb()) == (400_000_000, 800_000_000)


def test_round_trip() -> None:
    data = TASK.encode()
    assert t.Task.decode(data) == TASK
    assert t.Task.decode(data).encode() == data


def test_address() -> None:
    digest = hashlib.sha256(TASK.encode()).digest()
    assert str(TASK.cid) == str(CID("base32", 1, "dag-cbor", ("sha2-256", digest)))


def test_terms() -> None:
    slashes = (10, 20, 30, 40, 50, 60)
    assert TASK.terms() == terms.Terms(
        terms.Model(10, 7, 16, 12, 0, 0, 0, 0, 0, 0, 0, 0),
        terms.Schedule(10, 60, 60, 120, 60, 60, 60, 60, 36),
        terms.Cohort(3, 5, 3, 1000, 0),
        terms.Economics(b"\x03" * 20, 10**6, 10**5, 1000, 1000, 50, *slashes),
    )


def test_terms_of_a_trimmed_mean() -> None:
    trimmed = replace(TASK, rule=t.RuleChoice("trimmed_mean", (29, 100)))
    trimmed.check()
    model = trimmed.terms().model
    assert (model.rule, model.trim_numerator, model.trim_denominator) == (2, 29, 100)
    assert changed("rule.name", "coordinate_median").terms().model.rule == 1


def test_terms_of_server_optimisers() -> None:
    moving = (
        ("fedavgm", (10, 0, 2**25, 0), 1),
        ("fedadagrad", (1, 0, 2**17, 2**14), 2),
        ("fedadam", (10, 100, 2**17, 2**14), 3),
        ("fedyogi", (10, 100, 2**17, 2**14), 4),
    )
    for name, constants, kind in moving:
        algorithm = replace(TASK.algorithm, name=name, server=Constants(*constants))
        task = replace(TASK, algorithm=algorithm)
        task.check()
        assert task.terms().model == terms.Model(10, 7, 16, 12, 0, 0, 0, kind, *constants)
        assert t.Task.decode(task.encode()) == task


def test_unknown_fields_are_refused() -> None:
    accepted = "minimum, goal, weight_cap"
    line = f"Task.cohort: found unknown field 'maximum'; accepted: {accepted}"
    assert refusal(edited("cohort", "maximum", 5)) == line


def test_missing_fields_are_refused() -> None:
    document = plain()
    del document["cohort"]["goal"]
    assert refusal(dag_cbor.encode(document)) == "Task.cohort: field 'goal' is missing"


ILL_TYPED: tuple[tuple[str, str, object, str], ...] = (
    ("cohort", "goal", "5", "Task.cohort.goal: found str '5'; accepted int"),
    ("cohort", "goal", True, "Task.cohort.goal: found bool True; accepted int"),
    ("cohort", "goal", 5.0, "Task.cohort.goal: found float 5.0; accepted int"),
    ("cohort", "goal", None, "Task.cohort.goal: found NoneType None; accepted int"),
    ("model", "entry", b"x", "Task.model.entry: found bytes b'x'; accepted str"),
    ("model", "bundle", "x", "Task.model.bundle: found str 'x'; accepted bytes"),
    ("model", "layout", {}, "Task.model.layout: found dict {}; accepted list"),
    ("model", "layout", [1], "Task.model.layout[0]: found int 1; accepted dict"),
    ("rule", "trim", [1], "Task.rule.trim: found 1 items; accepted 2"),
    ("rule", "trim", [1, "2"], "Task.rule.trim[1]: found str '2'; accepted int"),
    ("algorithm", "options", [], "Task.algorithm.options: found list []; accepted dict"),
    (
        "algorithm",
        "options",
        {"lr": 0.1},
        "Task.algorithm.options.lr: found float 0.1; accepted int | str",
    ),
    (
        "algorithm",
        "options",
        {"betas": [[9, 10], [0.999]]},
        "Task.algorithm.options.betas[1][0]: found float 0.999; accepted int | str",
    ),
    (
        "economics",
        "court_bond",
        5,
        "Task.economics.court_bond: found int 5; accepted str",
    ),
    *(
        (
            "economics",
            "court_bond",
            text,
            f"Task.economics.court_bond: found {text!r}; accepted: a decimal integer as text",
        )
        for text in ("", "-1", "+1", "01", "1.0", "1e3", " 1", "\u0661")
    ),
)


@pytest.mark.parametrize(("part", "field", "value", "line"), ILL_TYPED)
def test_ill_typed_fields_are_refused(part: str, field: str, value: object, line: str) -> None:
    assert refusal(edited(part, field, value)) == line


def test_an_amount_of_absurd_length_is_refused() -> None:
    assert "court_bond" in refusal(edited("economics", "court_bond", "9" * 5000))


def test_a_document_that_is_no_map_is_refused() -> None:
    assert refusal(dag_cbor.encode([1])) == "Task: found list [1]; accepted dict"


def test_bytes_that_are_not_canonical_are_refused() -> None:
    data = TASK.encode()
    # The smallest integer, seven, written in two bytes instead of one; and trailing bytes.
    key = data.index(b"dseed\x07")
    assert refusal(data[: key + 5] + b"\x18\x07" + data[key + 6 :])
    assert refusal(data + b"\x00").startswith("Task: not dag-cbor")
    assert refusal(b"").startswith("Task: not dag-cbor")
    # The same map with its first two keys exchanged.
    document = plain()
    name, data_entry = (dag_cbor.encode({key: document[key]})[1:] for key in ("name", "data"))
    assert refusal(data.replace(data_entry + name, name + data_entry))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_an_invalid_document(data: bytes) -> None:
    assert refusal(data).startswith("Task")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(TASK.encode()) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_another_document(at: int, value: int) -> None:
    data = bytearray(TASK.encode())
    data[at] = value
    try:
        found = t.Task.decode(bytes(data))
    except InvalidDocument as error:
        assert error.exit_code == 3  # noqa: PT017
    else:
        assert found.encode() == bytes(data)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=5)
    | st.binary(max_size=40)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.data(), PLAIN)
def test_any_value_in_any_field_is_refused_or_stands(data: st.DataObject, value: Any) -> None:
    document = plain()
    part = data.draw(st.sampled_from(sorted(document)))
    if isinstance(document[part], dict) and data.draw(st.booleans()):
        document[part][data.draw(st.sampled_from(sorted(document[part])))] = value
    else:
        document[part] = value
    encoded = dag_cbor.encode(document)
    try:
        found = t.Task.decode(encoded)
    except InvalidDocument as error:
        assert error.message  # noqa: PT017
    else:
        assert found.encode() == encoded
