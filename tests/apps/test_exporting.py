"""`sheaf provenance` and `sheaf verify-model`, as a command line has them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope

import sheaf
from sheaf.apps.cli.exporting import Paper
from sheaf.apps.cli.outcome import execute
from sheaf.audit.provenance.papers import FILES

ATTESTED = ("--attestation", "attestation.json", "--header", "header.hex")


@pytest.fixture(scope="module")
def taken(points: sheaf.RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and its papers, and nothing else of the run."""
    folder = tmp_path_factory.mktemp("taken") / "papers"
    assert execute(["provenance", str(points.folder), "--out", str(folder)]) == 0
    shutil.copy(points.folder / "model.safetensors", folder)
    return folder


@pytest.fixture
def papers(taken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to change, which commands are run from."""
    copied = tmp_path / "papers"
    shutil.copytree(taken, copied)
    monkeypatch.chdir(copied)
    return copied


def check(*more: str) -> int:
    return execute(["verify-model", "model.safetensors", *ATTESTED, *more])


def test_every_paper_has_a_file() -> None:
    assert [paper.value for paper in Paper] == list(FILES)


def test_all_papers_are_written(taken: Path) -> None:
    found = sorted(path.name for path in taken.iterdir())
    assert found == sorted([*FILES.values(), "model.safetensors"])


def test_no_file_is_written_over(
    papers: Path, points: sheaf.RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    (papers / "prov.json").write_text("mine", encoding="utf-8")
    command = ["provenance", str(points.folder), "--out", "new", "--only", "prov"]
    assert execute([*command, "--only", "card", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)["files"]
    assert made == ["new/prov.json", "new/README.md"]
    assert execute([*command[:2], "--only", "prov"]) == 2
    assert "prov.json: found a file there already" in capsys.readouterr().err
    assert (papers / "prov.json").read_text(encoding="utf-8") == "mine"


def test_a_model_is_checked(
    papers: Path, points: sheaf.RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--format", "json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["verified"], plain["anchored"]) == (True, False)
    assert plain["head"] == points.summary["head"]
    assert check("--head", points.summary["head"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "verified: model.safetensors is the model of round 2, anchored by its head\n"
    )
    assert "Not shown\n" in told


def test_what_differs_is_one_line_and_exit_code_5(
    papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--head", "00" * 32) == 5
    assert "header: found block " in capsys.readouterr().err
    path = papers / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    assert check() == 5
    err = capsys.readouterr().err
    assert "model: " in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="no such pipes and devices there")
def test_a_model_is_no_pipe(papers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe")
    assert execute(["verify-model", "pipe", *ATTESTED]) == 2
    assert capsys.readouterr().err == "pipe: found a pipe, accepted: a file, read in any order\n"
    assert execute(["verify-model", "/dev/zero", *ATTESTED]) == 5
    assert capsys.readouterr().err.startswith("model: ")


def test_a_task_can_be_demanded(
    papers: Path, points: sheaf.RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    task = "0x" + json.loads((points.folder / "ledger.json").read_text("utf-8"))["task"]
    assert check("--task", task) == 0
    other = "0x" + "00" * 32
    capsys.readouterr()
    assert check("--task", other) == 5
    assert capsys.readouterr().err.strip() == f"task: found {task}, accepted: {other}"
    assert check("--task", "mine") == 2


def test_an_attestation_without_a_proof_of_the_contracts_is_refused_unless_that_is_accepted(
    papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = papers / "attestation.json"
    plain = json.loads(Envelope.from_dict(json.loads(path.read_text("utf-8"))).payload)
    plain["predicate"] |= {"state": None, "signer": None}
    path.write_text(json.dumps(plain), encoding="utf-8")
    assert check() == 5
    assert "carries no proof of the head's state" in capsys.readouterr().err
    assert check("--stateless") == 0
    assert "no later round replaced the model" in capsys.readouterr().out


def test_files_that_are_none(papers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (papers / "header.hex").write_bytes(b"\xff")
    assert check() == 3
    assert "header.hex: found no text" in capsys.readouterr().err
    (papers / "header.hex").unlink()
    assert check() == 2
    assert "header.hex: cannot be read: No such file" in capsys.readouterr().err


def test_a_pipe_is_no_model(papers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["verify-model", "nothing", *ATTESTED]) == 2
    assert "nothing: cannot be read: No such file" in capsys.readouterr().err
    read, write = os.pipe()
    try:
        assert execute(["verify-model", f"/dev/fd/{read}", *ATTESTED]) == 2
    finally:
        os.close(read)
        os.close(write)
    assert f"/dev/fd/{read}: found a pipe, accepted: a file" in capsys.readouterr().err


def test_it_takes_no_torch_and_nothing_of_the_run(papers: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from sheaf.apps.cli.outcome import execute\n"
        f"sys.exit(execute(['verify-model', 'model.safetensors', *{ATTESTED!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=papers, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_sponsor_signs_unless_somebody_brings_a_key(
    papers: Path, points: sheaf.RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    sponsor = next(a for a, name in points.summary["accounts"].items() if name == "sponsor")
    assert check("--key", sponsor, "--format", "json") == 0
    signed = json.loads(capsys.readouterr().out)["signed_by"]
    assert signed["account"] == sponsor
    assert check("--key", signed["publicKey"]) == 0
    key = papers / "key"
    key.write_text("01" * 32, encoding="utf-8")
    key.chmod(0o600)
    command = ["provenance", str(points.folder), "--only", "attestation", "--format", "json"]
    capsys.readouterr()
    assert execute([*command, "--out", "mine", "--key", str(key)]) == 0
    mine = json.loads(capsys.readouterr().out)["signed_by"]["account"]
    # The address of the key 0x0101...01, as other software has it.
    assert mine == "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
    (papers / "attestation.json").write_bytes((papers / "mine/attestation.json").read_bytes())
    assert check("--key", mine) == 0
    assert f"by {mine}, who is not the sponsor" in capsys.readouterr().out
    assert check("--key", sponsor) == 5
    told = capsys.readouterr().err.strip()
    assert told.startswith("attestation: signed by ")
    assert told.endswith(f", accepted: {sponsor}")
    assert check("--key", "me") == 2


def test_where_the_sponsor_s_key_is_not_nobody_signs(
    papers: Path, points: sheaf.RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run's folder as an auditor gets it."""
    bare = papers / "run"
    hidden = shutil.ignore_patterns("private", "journal.jsonl", "run.json")
    shutil.copytree(points.folder, bare, ignore=hidden)
    command = ["provenance", str(bare), "--only", "attestation", "--out", "bare"]
    assert execute([*command, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["signed_by"] is None
    (papers / "attestation.json").write_bytes((papers / "bare/attestation.json").read_bytes())
    assert check() == 0
    assert "who wrote the attestation" in capsys.readouterr().out
    assert check("--key", "00" * 32) == 5
