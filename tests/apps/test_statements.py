"""A sponsor's statements: a TOML file that `sheaf audit` takes, or refuses in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sheaf
from sheaf.apps.cli.outcome import execute
from sheaf.apps.statements import stated
from sheaf.audit.statements import LONGEST, NOTHING
from sheaf.protocol.errors import InvalidConfiguration, InvalidUsage


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "statements.toml"


def test_what_a_file_states(file: Path) -> None:
    file.write_text('[gdpr]\npurposes = """To find\n  tumours."""\n', encoding="utf-8")
    found = stated(file)
    assert found.told("gdpr.purposes") == (
        "Purposes, and the legal basis for each: To find tumours."
    )
    assert found.told("hipaa.keys") == "Who holds which key: to be stated."
    assert stated(None) is NOTHING


WRONG = {
    "an unknown key": (
        '[gdpr]\npurpose = "x"',
        "gdpr.purpose: found an unknown key, accepted: controller, representative, purposes,",
    ),
    "an unknown record": ('[dpia]\nx = "x"', "dpia: found an unknown key, accepted: gdpr, ai_act"),
    "no table": ('gdpr = "x"', "gdpr: found 'x', accepted: a table"),
    "a number": ("[hipaa]\nkeys = 3", "hipaa.keys: found 3, accepted: text of 1 to 2,000 charact"),
    "nothing": ('[hipaa]\nkeys = " \\n "', "hipaa.keys: found ' \\n ', accepted: text of 1 to 2,0"),
    "what nobody sees": (
        '[ai_act]\nrisks = "a\\u202eb"',
        "ai_act.risks: found 'a\\u202eb', acc",
    ),
    "too much": (f'[ai_act]\nrisks = "{"x" * (LONGEST + 1)}"', "ai_act.risks: found 'xxx"),
    "no TOML": ("gdpr", "found no TOML: "),
    "a huge file": ("#" * (2**20 + 1), "found more than 1,048,576 bytes, accepted: fewer"),
}


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused_in_one_line(name: str, file: Path) -> None:
    content, told = WRONG[name]
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidConfiguration) as caught:
        stated(file)
    assert caught.value.message.startswith(f"{file}: ")
    assert told in caught.value.message
    assert "\n" not in caught.value.message


def test_files_that_are_none(file: Path) -> None:
    with pytest.raises(InvalidUsage, match="cannot be read: No such file"):
        stated(file)
    file.write_bytes(b"\xff")
    with pytest.raises(InvalidConfiguration, match="found no text, accepted: TOML"):
        stated(file)


def test_the_report_has_them_and_marks_them(
    points: sheaf.RunResult, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('[hipaa]\nkeys = "Ms Adler holds all of them."\n', encoding="utf-8")
    out = tmp_path / "report"
    command = ["audit", str(points.folder), "--out", str(out), "--statements", str(file)]
    assert execute(command) == 0
    line = "- Who holds which key: Ms Adler holds all of them. *(asserted by the sponsor)*\n"
    assert line in (out / "compliance.md").read_text("utf-8")
    assert "Ms Adler holds all of them." in (out / "audit.html").read_text("utf-8")
    found = json.loads((out / "audit.json").read_text("utf-8"))["compliance"]["records"]
    sentences = [s for r in found for item in r["items"] for s in item["sentences"]]
    assert [s["evidence"] for s in sentences if "Adler" in s["text"]] == [""]
    file.write_text("[hipaa]\nkey = 3\n", encoding="utf-8")
    capsys.readouterr()
    assert execute(command) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert execute([*command, "--sybil"]) == 2
