"""The summary of a run: what is recomputed is compared, what is reported has a form."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sheaf.nodes.evidence import Evidence, Report
from sheaf.nodes.reported import check_summary
from sheaf.nodes.summary import UNCHECKED, json_text
from sheaf.nodes.verification import verify
from sheaf.protocol.errors import VerificationFailed
from tests.e2e.tampering import edit
from tests.nodes.stage import Played, evidence_of


@pytest.fixture
def run(honest: Played, tmp_path: Path) -> Path:
    """A copy of the honest run to tamper with."""
    return honest.copy(tmp_path / "copy")


@pytest.fixture(scope="module")
def evidence(honest: Played) -> Evidence:
    return evidence_of(honest.directory)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values in nested JSON."""
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [place for key, inner in pairs for place in leaves(inner, (*path, key))]
    return [path]


def changed(value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case bool() | None:
            return "something"
        case int():
            return value + 1
        case float():
            return value + 0.5
        case str():
            return value[:-1] + ("b" if value.endswith("a") else "a")
    return [*value, "more"] if isinstance(value, list) else {**value, "more": 1}


def summary_difference(run: Path, evidence: Evidence) -> str:
    try:
        check_summary(dataclasses.replace(evidence, directory=run), Report(""))
    except VerificationFailed as error:
        return error.message
    return ""


def test_every_field_of_the_summary_but_what_it_reports_is_checked(
    run: Path, evidence: Evidence
) -> None:
    path = run / "summary.json"
    summary = json.loads(path.read_text())
    assert summary_difference(run, evidence) == ""
    unchecked = set()
    for place in leaves(summary):
        tampered = json.loads(json.dumps(summary))
        inner = tampered
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = changed(inner[place[-1]])
        path.write_text(json_text(tampered))
        if not summary_difference(run, evidence).startswith("summary: "):
            unchecked.add(".".join(str(key) for key in place if not isinstance(key, int)))
    named = {"accounts" if place.startswith("accounts.") else place for place in unchecked}
    seconds = {f"rounds.seconds.{part}" for part in ("train", "ledger", "proof", "total")}
    assert named == {*UNCHECKED, *seconds} - {"rounds.seconds"}


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a payout": (
        lambda s: s["payouts"].update({k: v + 1 for k, v in [*s["payouts"].items()][:1]}),
        "summary: payouts.0x",
    ),
    "a payout more": (
        lambda s: s["payouts"].update({"0x" + "11" * 20: 5}),
        f"summary: payouts.0x{'11' * 20}: found 5, recomputed nothing",
    ),
    "a payout less": (lambda s: s["payouts"].popitem(), "found nothing, recomputed 6666666"),
    "a field more": (
        lambda s: s.update(certified=True),
        "summary: certified: found True, recomputed nothing",
    ),
    "a round less": (lambda s: s["rounds"].pop(), "summary: rounds: found "),
    "true for one": (lambda s: s.update(version=True), "summary: version: found True"),
    "decimals": (
        lambda s: s["tokens"]["reward"].update(decimals=18),
        "summary: tokens.reward.decimals: found 18, recomputed 6",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_changed_summary(name: str, run: Path, evidence: Evidence) -> None:
    change, expected = EDITS[name]
    edit(run / "summary.json", change)
    assert expected in summary_difference(run, evidence)


REPORTED: dict[str, tuple[Callable[[Any], object], str]] = {
    "a run of another type": (lambda s: s.update(run=7), "run: found 7, accepted: text"),
    "no project": (lambda s: s.pop("project"), "project: found nothing, accepted: text"),
    "names as a list": (
        lambda s: s.update(accounts=[*s["accounts"]]),
        "accounts: found ['0x",
    ),
    "a name of no address": (
        lambda s: s["accounts"].update(sponsor="x"),
        "accounts: found {'0x",
    ),
    "an address of no checksum": (
        lambda s: s["accounts"].update({"0x" + "aB" * 20: "x"}),
        "accounts: found {'0x",
    ),
    "a journal's head that is none": (
        lambda s: s.update(journal="ab" * 31),
        "accepted: 64 hex digits",
    ),
    "whole seconds": (
        lambda s: s["rounds"][0]["seconds"].update(train=1),
        "rounds[0].seconds: found {'train': 1, ",
    ),
    "seconds backwards": (
        lambda s: s["rounds"][1]["seconds"].update(proof=-0.5),
        "accepted: seconds of train, ledger, proof, total",
    ),
    "seconds without end": (
        lambda s: s["rounds"][1]["seconds"].update(proof=float("inf")),
        "accepted: seconds of train, ledger, proof, total",
    ),
    "a part less": (
        lambda s: s["rounds"][1]["seconds"].pop("total"),
        "accepted: seconds of train, ledger, proof, total",
    ),
}


@pytest.mark.parametrize("name", REPORTED)
def test_what_is_reported_must_still_look_like_it(name: str, run: Path, evidence: Evidence) -> None:
    change, expected = REPORTED[name]
    edit(run / "summary.json", change)
    assert expected in summary_difference(run, evidence)


def test_a_summary_is_one_text(run: Path, evidence: Evidence) -> None:
    """JSON takes the last of two equal keys, and any spacing; whoever reads it may not."""
    path = run / "summary.json"
    written = path.read_text()
    for text in (
        written.replace('"refund": 0,', '"refund": 1,\n  "refund": 0,'),
        written.replace("\n", "\r\n"),
        written.replace('"name": "tiny"', '"name": "\\u0074iny"'),
        written[:-1],
    ):
        assert text != written
        path.write_bytes(text.encode())
        assert summary_difference(run, evidence).startswith("summary: summary.json is not as a run")


def test_a_changed_summary_fails_the_whole_verification(run: Path) -> None:
    edit(run / "summary.json", lambda summary: summary.update(refund=1))
    with pytest.raises(VerificationFailed) as caught:
        verify(run)
    assert caught.value.message == "summary: refund: found 1, recomputed 0"


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_summary_that_is_none(text: str, run: Path, evidence: Evidence) -> None:
    (run / "summary.json").write_text(text)
    assert summary_difference(run, evidence).startswith("summary: ")
    (run / "summary.json").unlink()
    assert summary_difference(run, evidence).startswith("summary: ")
