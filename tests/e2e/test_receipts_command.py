"""`sheaf receipts` and `sheaf verify --receipts`, and their files in other hands."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

import sheaf
from sheaf.apps.cli.outcome import execute
from sheaf.nodes.attesting import receipt_id
from sheaf.nodes.receipts import owed
from tests.e2e.tampering import flip, place_of
from tests.nodes.stage import Played, evidence_of


@pytest.fixture
def run(honest: Played, tmp_path: Path) -> Path:
    return honest.copy(tmp_path / "copy")


def first_receipt(honest: Played) -> bytes:
    return next(owed(evidence_of(honest.directory))).receipt


def test_verify_counts_them_where_asked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["verify", str(run), "--receipts", "--format", "json"]) == 0
    checks = {c["name"]: c["count"] for c in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["receipts"] == 18
    assert execute(["verify", str(run), "--format", "json"]) == 0
    assert "receipts" not in {c["name"] for c in json.loads(capsys.readouterr().out)["checks"]}
    assert [c.count for c in sheaf.verify(run, receipts=True).checks if c.name == "receipts"] == [
        18
    ]


def test_they_are_listed_and_written_for_others(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "receipts"
    assert execute(["receipts", str(run), "--export", str(folder), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["valid"] for row in rows] == [True] * 18
    subjects = [row["subject"] for row in rows]
    assert subjects == (["update"] * 4 + ["model"] * 3) * 2 + ["document"] + ["model"] * 3
    steps = [row["step"] for row in rows]
    assert steps == (["update"] * 4 + ["verdict"] * 3) * 2 + ["publish"] + ["report"] * 3
    files = sorted(folder.iterdir())
    assert {sha256(file.read_bytes()).hexdigest() for file in files} == {r["receipt"] for r in rows}
    for file in files:
        found = Envelope.from_dict(json.loads(file.read_bytes()))
        public = json.loads(found.payload)["predicate"]["signer"]["publicKey"]
        keyid = sha256(bytes.fromhex(public)).hexdigest()
        key = SSlibKey(keyid, "ed25519", "ed25519", {"public": public})
        assert found.verify([key], 1) == {keyid: key}
    assert execute(["receipts", str(run), "--export", str(folder)]) == 2
    assert "found something in" in capsys.readouterr().err


def test_the_table_says_who_and_whether(
    honest: Played, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["receipts", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = ["round", "attempt", "actor", "step", "subject", "root", "receipt", "valid"]
    assert lines[0].split() == heads
    assert len(lines) == 1 + 18
    assert first_receipt(honest).hex()[:16] in lines[1]
    assert all(line.endswith("  yes") for line in lines[1:])


def test_a_receipt_that_was_taken_away_is_no_more_valid(
    honest: Played, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place_of(run, receipt_id(first_receipt(honest))).unlink()
    assert execute(["verify", str(run)]) == 0
    told = capsys.readouterr().out
    title = "Receipts that the ledger names: withheld, or not what their ids name"
    assert f"{title}\n  - receipt: round 1: the receipt of participant 0x" in told
    assert execute(["verify", str(run), "--format", "json"]) == 0
    (withheld,) = json.loads(capsys.readouterr().out)["withheld"]
    assert withheld.endswith(f": {first_receipt(honest).hex()}")
    assert execute(["verify", str(run), "--receipts"]) == 5
    told = capsys.readouterr().err
    assert "receipt: round 1: the receipt of participant 0x" in told
    assert execute(["receipts", str(run)]) == 5
    said = capsys.readouterr()
    assert said.out.splitlines()[1].endswith("  withheld")
    assert "receipt: round 1: the receipt of participant 0x" in said.err


def test_every_receipt_that_was_taken_away_is_told(
    honest: Played, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = evidence_of(honest.directory)
    lost = [list(owed(evidence))[place] for place in (0, 4)]
    for each in lost:
        place_of(run, receipt_id(each.receipt)).unlink()
    who = [evidence.who(each.step.account) for each in lost]
    expected = [
        f"receipt: round 1: the receipt of {who[0]}: withheld: ",
        f"  receipt: round 1, attempt 1: the receipt of {who[1]}: withheld: ",
    ]
    for command in (["receipts", str(run)], ["verify", str(run), "--receipts"]):
        assert execute(command) == 5
        lines = capsys.readouterr().err.splitlines()
        assert [line.partition("withheld: ")[0] + "withheld: " for line in lines] == expected
        assert lines[0].endswith("; and of other receipts 1 withheld")
        assert execute([*command, "--format", "json"]) == 5
        told = json.loads(capsys.readouterr().err)
        assert told["message"] == lines[0]
        assert told["others"] == [lines[1].strip()]


def test_one_file_is_looked_at_without_its_run(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "receipts"
    assert execute(["receipts", str(run), "--export", str(folder)]) == 0
    file = min(file for file in folder.iterdir() if file.name.startswith("round-1"))
    content = json.loads(file.read_bytes())
    public = json.loads(Envelope.from_dict(content).payload)["predicate"]["signer"]["publicKey"]
    capsys.readouterr()
    assert execute(["receipts", "--check", str(file), "--key", public]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{file.name}: signed by {public}\n")
    assert f"predicate.signer.publicKey: {public}\n" in out
    assert execute(["receipts", "--check", str(file), "--key", "00" * 32]) == 5
    assert execute(["receipts", "--check", str(file), "--key", "short"]) == 2
    assert execute(["receipts", "--check", str(file)]) == 2
    assert execute(["receipts", "--check", str(tmp_path / "none"), "--key", public]) == 2
    file.write_bytes(flip(file.read_bytes(), 20))
    assert execute(["receipts", "--check", str(file), "--key", public]) in (3, 5)
    with file.open("r+b") as opened:
        opened.truncate(1_000_000)
    capsys.readouterr()
    assert execute(["receipts", "--check", str(file), "--key", public]) == 3
    assert "found more than 16,384 bytes, accepted: fewer" in capsys.readouterr().err


def test_an_act_says_itself_whose_key_it_was(
    honest: Played, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "receipts"
    assert execute(["receipts", str(run), "--export", str(folder)]) == 0
    (file,) = [each for each in folder.iterdir() if "-publish-" in each.name]
    capsys.readouterr()
    assert execute(["receipts", "--check", str(file)]) == 0
    sponsor = next(a for a, name in honest.summary["accounts"].items() if name == "sponsor")
    assert f", a key of {sponsor}\n" in capsys.readouterr().out
    assert execute(["receipts", "--check", str(file), "--key", "00" * 32]) == 5
