"""An address that is mistyped, or stands where none is expected: its secret is in no message."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sheaf.apps.cli.discretion import discreet
from sheaf.apps.cli.outcome import execute
from sheaf.ledger.endpoint import expanded
from sheaf.protocol.errors import InvalidConfiguration
from sheaf.transport.address import like_address, quoted

Capture = pytest.CaptureFixture[str]
TASK = "0x" + "01" * 32
SECRET = "s3cr3tpw"
KEYS = ["--keys", "keys"]
MODEL = ["verify-model", "keys"]
MISTYPED = [
    f"ftp://user:{SECRET}@h",
    f"http:/user:{SECRET}@h",
    f"https//user:{SECRET}@h/{SECRET}",
    f"HTTP://user:{SECRET}@h",
    f"hTTp:/h/{SECRET}",
    f" http://user:{SECRET}@h",
    f"http:h/{SECRET}",
    f"http//h/{SECRET}",
    f"//h/{SECRET}",
    f"user:{SECRET}@h",
    f"h?apikey={SECRET}",
    f"localhost:8545/{SECRET}",
    f"eth.example/v2/{SECRET}",
    f"http://user:pa${SECRET}@h",
    f"http://user:${{{SECRET}@h",
    f"https://user:{SECRET}@h.org/{SECRET}",
    f"https://user:{'x' * 40}{SECRET}@h.org/{'x' * 50}/{SECRET}/y",
    rf"https://u:{SECRET[:3]}\{SECRET}@h",
]


@pytest.mark.parametrize("text", MISTYPED)
@pytest.mark.parametrize(
    "before",
    [
        ["verify", TASK, "--store", ".", "--ledger"],
        ["verify", TASK, "--ledger", "ledger.sqlite", "--store"],
        ["audit", TASK, "--ledger", "http://127.0.0.1:9", "--store"],
        ["verify", TASK, "--ledger", "ledger.sqlite", "--store", ".", "--federation"],
        ["challenge", TASK, "--key", "mine.key", "--store", ".", "--ledger"],
        ["challenge"],
        ["verify"],
        ["audit", "--diff"],
        ["store", "serve"],
        ["ledger", "info", "--url"],
        ["ledger", "info"],
        ["verify", TASK, "--enough"],
        ["verify", ".", "--format"],
        ["verify", ".", "--head"],
        ["verify", TASK, "--ledger", "ledger.sqlite", "--store", ".", "--head"],
        ["verify", TASK, "--ledger", "ledger.sqlite", "--store", ".", "--keys"],
        ["verify", TASK, "--ledger", "ledger.sqlite", "--store", ".", "--state"],
        ["verify", TASK, "--ledger", "ledger.sqlite", "--store", ".", *KEYS, "--signatures"],
        ["countersign", TASK, "--ledger", "ledger.sqlite", "--store", ".", "--key"],
        ["challenge", TASK, "--ledger", "http://127.0.0.1:9", "--store", ".", "--key"],
        ["receipts", "--check"],
        ["lab", "dispute", "--liar"],
        ["run"],
        [*MODEL, "--attestation", "keys", "--header", "keys", "--head"],
        [*MODEL, "--attestation", "keys", "--header"],
        [*MODEL, "--header", "keys", "--attestation"],
    ],
    ids=" ".join,
)
def test_a_mistyped_address_tells_no_secret(
    before: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sheaf.ledger.endpoint.PAUSES_S", ())
    (tmp_path / "mine.key").write_text("01" * 32, encoding="ascii")
    (tmp_path / "mine.key").chmod(0o600)
    (tmp_path / "ledger.sqlite").touch()
    (tmp_path / "keys").write_text("0x" + "11" * 20, encoding="ascii")
    for form in ([], ["--format", "json"]):
        assert execute([*before, text, *form]) in {2, 3, 4}
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        assert SECRET not in err


@pytest.mark.parametrize("text", ["nothing", "./a/b", "../runs/x.sqlite", "/var/a.b/c", "C:\\runs"])
def test_a_path_is_told(text: str) -> None:
    assert not like_address(text)
    assert quoted(text) == repr(text)


def test_what_has_no_secret_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PART", "x")
    (tmp_path / "my.project").mkdir()
    told = "http://127.0.0.1:9 answers, https://${PART}@h/${PART}, my.project/x, http or https://"
    arguments = ["http://127.0.0.1:9", "https://${PART}@h/${PART}", "my.project/x", "http", "//"]
    assert discreet(told, arguments) == told
    assert discreet(told, ["--url=http://127.0.0.1:9"]) == told


@pytest.mark.parametrize(
    ("message", "text", "left"),
    [
        ("found ftp://a:b@h, and h", "ftp://a:b@h", "found ..., and h"),
        ("--key: found 'a\\\\b@h'", "a\\b@h", "--key: found '...'"),
        ("http:/a:b@h/c/sheaf.toml: found", "http://a:b@h/c", ".../sheaf.toml: found"),
        ("no folder http:/a:b@h, accepted", "http://a:b@h/c", "no folder ..., accepted"),
        (f"found 'a:b@{'c' * 75}, accepted", f"a:b@{'c' * 99}", "found ..., accepted"),
        (f"'eth.example/v2/{'c' * 64}, 64", f"eth.example/v2/{'c' * 99}", "..., 64"),
    ],
)
def test_every_form_of_an_address_is_left_out(message: str, text: str, left: str) -> None:
    assert discreet(message, ["run", text]) == left
    assert discreet(message, [f"--option={text}"]) == left


def test_what_is_accepted_is_told(tmp_path: Path, capsys: Capture) -> None:
    places = ["--ledger", MISTYPED[0], "--store", str(tmp_path)]
    assert execute(["verify", TASK, *places]) == 2
    told = "--ledger: found no address, accepted: an http or https address, or a ledger's file\n"
    assert capsys.readouterr().err == told


def test_what_is_no_task_and_no_account_may_be_an_address(capsys: Capture) -> None:
    assert execute(["challenge", "https://h.org/x"]) == 2
    told = "found what may be a server's address, accepted: a task's id, 0x and 64 hex digits ("
    assert capsys.readouterr().err.startswith(told)
    places = ["--ledger", "a", "--store", "b", "--federation", "https://h.org/x"]
    assert execute(["verify", TASK, *places]) == 2
    told = "found what may be a server's address, accepted: an address of 0x and 40 hex digits\n"
    assert capsys.readouterr().err == told


def test_a_scheme_s_case_does_not_matter() -> None:
    assert expanded("HTTP://127.0.0.1:9", {}) == "HTTP://127.0.0.1:9"


def test_a_variable_in_brackets_is_named() -> None:
    with pytest.raises(InvalidConfiguration, match="found 'ABSENT' as a variable"):
        expanded("http://${ABSENT}@h", {})
    with pytest.raises(InvalidConfiguration, match=r"found a \$ that begins none, accepted: \$"):
        expanded("http://me:pa$ABSENT@h", {})


@pytest.mark.parametrize(
    "lines",
    [f'host = "{MISTYPED[0]}"', f'url = ["{MISTYPED[0]}"]', f'host = "rpc"\nurl = "{MISTYPED[1]}"'],
)
def test_a_project_s_file_tells_no_secret(tmp_path: Path, capsys: Capture, lines: str) -> None:
    project = tmp_path / "mine"
    assert execute(["new", str(project)]) == 0
    file = project / "sheaf.toml"
    whole = tomllib.loads(file.read_text(encoding="utf-8"))
    assert "ledger" not in whole
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"\n[ledger]\n{lines}\n")
    capsys.readouterr()
    for command in (["run", str(project)], ["ledger", "info", "--project", str(project)]):
        assert execute(command) in {2, 3}
        err = capsys.readouterr().err
        assert "ledger" in err or "--url" in err
        assert SECRET not in err
