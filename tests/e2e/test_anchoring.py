"""A history made anew by somebody with every key is consistent; only an anchor tells it apart."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from sheaf.apps.cli.outcome import execute
from sheaf.nodes.accounts import development_account
from sheaf.nodes.anchoring import FILE, Anchor
from sheaf.nodes.cast import Cast
from sheaf.nodes.verification import verify
from sheaf.protocol.errors import VerificationFailed
from tests.e2e.tampering import edit, flip
from tests.nodes import faults
from tests.nodes.plans import plan
from tests.nodes.stage import Played, play

OUTSIDER = development_account(2024, "a hospital's auditor")
ADDRESS = to_checksum_address(OUTSIDER.address)
Capture = pytest.CaptureFixture[str]


def sheaf(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    code = execute([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The outsider's key file."""
    path = tmp_path / "auditor.key"
    path.touch(0o600)
    path.write_text(f"{OUTSIDER.key.hex()}\n")
    return path


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A file that demands the outsider's countersignature."""
    path = tmp_path / "keys.txt"
    path.write_text(f"# who watches\n\n{ADDRESS}  # the hospital\n")
    return path


@pytest.fixture
def run(honest: Played, tmp_path: Path) -> Path:
    return honest.copy(tmp_path / "first")


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The honest run's plan and keys once more, but participant 2 has other data."""

    def alter(cast: Cast) -> None:
        node = cast.node("participant-2")
        shop = faults.means(node)
        node.workshop = replace(shop, data=partial(shop.bundle.call, "task:data", 17, 4))

    return play(tmp_path_factory.mktemp("regenerated") / "run", plan(), alter)


def test_everybody_in_a_run_countersigns_its_head(honest: Played) -> None:
    signed = json.loads((honest.directory / FILE).read_text())["countersignatures"]
    assert {each["address"] for each in signed} == set(honest.summary["accounts"])
    assert {each["head"] for each in signed} == {honest.summary["head"]}
    report = verify(honest.directory)
    (check,) = [check for check in report.checks if check.name == "countersignatures"]
    assert check.count == len(signed) == 9
    assert report.conclusion == "consistent, not anchored"


def test_a_regenerated_history_is_consistent_and_not_the_one_that_was_countersigned(
    honest: Played, regenerated: Played, run: Path, key: Path, keys: Path, capsys: Capture
) -> None:
    assert regenerated.summary["task_id"] == honest.summary["task_id"]
    assert regenerated.summary["accounts"] == honest.summary["accounts"]
    assert regenerated.summary["head"] != honest.summary["head"]
    assert regenerated.summary["model"]["root"] != honest.summary["model"]["root"]
    assert sheaf(capsys, "countersign", run, "--key", key)[0] == 0
    old, forged = honest.summary["head"], regenerated.copy(run.with_name("forged"))
    theirs = json.loads((run / FILE).read_text())["countersignatures"]
    edit(forged / FILE, lambda own: own["countersignatures"].extend(theirs))

    code, out, err = sheaf(capsys, "verify", forged)
    assert (code, err) == (0, "")
    assert out.startswith("verified: consistent, not anchored  run forged\n")
    assert "9  parties countersigned this head, 10 another one\n" in out

    code, out, err = sheaf(capsys, "verify", forged, "--head", old)
    assert (code, out) == (5, "")
    assert err == f"head: found {regenerated.summary['head']}, but {old} was asked for\n"

    code, out, err = sheaf(capsys, "verify", forged, "--keys", keys)
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert err == (
        f"countersignatures: outsider {ADDRESS} has not countersigned the head "
        f"{regenerated.summary['head']}, but block {honest.summary['blocks']} of hash {old}\n"
    )
    # The operator's own keys anchor nothing: whoever made the history anew has them, too.
    inside = [bytes.fromhex(address[2:]) for address in honest.summary["accounts"]]
    assert verify(forged, anchor=Anchor(keys=inside)).conclusion.endswith("by 9 countersignatures")


def test_the_first_history_is_anchored_by_both(
    honest: Played, run: Path, key: Path, keys: Path, capsys: Capture
) -> None:
    head = honest.summary["head"]
    code, out, _ = sheaf(capsys, "countersign", run, "--key", key)
    assert (code, out) == (
        0,
        f"{ADDRESS} countersigned block {honest.summary['blocks']}, head {head}\n",
    )
    before = (run / FILE).read_bytes()
    code, out, _ = sheaf(capsys, "countersign", run, "--key", key, "--format", "json")
    assert (code, json.loads(out)["new"]) == (0, False)
    assert (run / FILE).read_bytes() == before

    arguments = ("verify", run, "--head", f"0x{head.upper()}", "--keys", keys)
    code, out, _ = sheaf(capsys, *arguments)
    assert code == 0
    assert out.startswith("verified: consistent, anchored by the head hash and 1 countersignature")
    assert "that this is the only history" not in out
    plain = json.loads(sheaf(capsys, *arguments, "--format", "json")[1])
    assert plain["anchored"] is True
    plain = json.loads(sheaf(capsys, "verify", run, "--format", "json")[1])
    assert (plain["anchored"], plain["conclusion"]) == (False, "consistent, not anchored")
    assert plain["finished"] is True


def test_who_signed_nothing_is_named(run: Path, keys: Path, capsys: Capture) -> None:
    code, _, err = sheaf(capsys, "verify", run, "--keys", keys)
    assert code == 5
    head = json.loads((run / "summary.json").read_text())["head"]
    told = f"countersignatures: outsider {ADDRESS} has not countersigned the head {head}\n"
    assert err == told
    (run / FILE).unlink()
    assert sheaf(capsys, "verify", run, "--keys", keys) == (5, "", told)
    assert verify(run).conclusion == "consistent, not anchored"


def test_what_does_not_verify_is_not_countersigned(run: Path, key: Path, capsys: Capture) -> None:
    edit(run / "summary.json", lambda summary: summary.update(refund=1))
    before = (run / FILE).read_bytes()
    code, out, err = sheaf(capsys, "countersign", run, "--key", key)
    assert (code, out, err) == (5, "", "summary: refund: found 1, recomputed 0\n")
    assert (run / FILE).read_bytes() == before


def test_a_spoilt_countersignature_fails_every_verification(run: Path) -> None:
    def spoil(plain: Any) -> None:
        entry = plain["countersignatures"][2]
        entry["signature"] = flip(bytes.fromhex(entry["signature"]), 5).hex()

    edit(run / FILE, spoil)
    with pytest.raises(VerificationFailed) as caught:
        verify(run)
    assert caught.value.message.startswith("countersignatures: number 3, of 0x")
    assert caught.value.message.endswith(", is not that account's signature of what it says")
