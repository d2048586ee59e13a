"""The report as a reader meets it: in Chromium, light and dark, on a desk, on a telephone and on
paper, with JavaScript off, and under axe-core's rules for WCAG A and AA.

With `SHEAF_SHOTS=FOLDER` in the environment, every view is left there as a picture to look at, the
printed one as PDF, too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sheaf.audit.dossier import dossier
from sheaf.audit.page import page
from tests.audit.staging import crowd, pageant, played
from tests.audit.trials import argued
from tests.browser.conftest import MEASURED

HERE = Path(__file__).parent
RENDER_MS = 2000
"""How long a report of a hundred participants and a hundred rounds may take to be drawn."""
SCREENS = ("light", "dark", "narrow light", "narrow dark")
VIEWS = (*SCREENS, "print")
STATES = ("folded", "unfolded")
REPORTS = ("disputed", "long")
FITTING = {"wider": 0, "outside": [], "overlapping": []}
HOSTILE = ("</script><script>document.title='x'</script>", "\u202eevil", '"><img src="http://x/y">')
POLICY = re.compile("style-src &#x27;sha256-.*?&#x27;")


def inspected(
    content: str, folder: Path, *views: str, axe: bool = False, shots: str = ""
) -> dict[str, Any]:
    """What the browser says of a page in some views, or in all. Pictures of `shots` are kept."""
    chromium, node = shutil.which("chromium"), shutil.which("node")
    if chromium is None or node is None:
        pytest.fail("found no chromium or no node; `apt-get install chromium nodejs npm`")
    file = folder / "audit.html"
    file.write_text(content, encoding="utf-8")
    command = [node, str(HERE / "inspect.mjs"), chromium, str(file)]
    command += ["--views", ",".join(views or VIEWS), *(["--axe"] if axe else [])]
    wanted = os.environ.get("SHEAF_SHOTS")
    if wanted and shots:
        place = Path(wanted).resolve() / shots
        place.mkdir(parents=True, exist_ok=True)
        command += ["--shots", str(place)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def changed(content: str, old: str, new: str) -> str:
    """The page with something else in it. The style's digest goes with it, or the browser would
    refuse the style as a whole."""
    assert old in content
    made, count = POLICY.subn("style-src &#x27;unsafe-inline&#x27;", content.replace(old, new))
    assert count == 1
    return made


def disputed() -> str:
    """A report with disputes, and with names that would do harm."""
    evidence, report = argued()
    addresses = list(evidence.names)
    evidence.names = {**evidence.names, **dict(zip(addresses, HOSTILE, strict=False))}
    return page(dossier(evidence, report))


def long() -> str:
    """A report of rounds in which somebody was absent, with receipts of which there are no
    bytes."""

    def absent(round: int, number: int) -> str:
        return {1: "commit", 3: "reveal"}.get(round * number % 11, "")

    return page(dossier(*played(pageant(30, 20, goal=10, receipts=True, absent=absent))))


@pytest.fixture(scope="module")
def content() -> str:
    return disputed()


@pytest.fixture(scope="module")
def found(content: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What was seen of both reports."""
    folder = tmp_path_factory.mktemp("browser")
    return {
        "disputed": inspected(content, folder, axe=True, shots="disputed"),
        "long": inspected(long(), folder, shots="long"),
    }


@pytest.mark.parametrize("view", SCREENS)
@pytest.mark.parametrize("report", REPORTS)
def test_it_is_all_there_without_programs_and_without_a_network(
    found: dict[str, Any], report: str, view: str
) -> None:
    seen = found[report][view]
    assert seen["requests"] == []
    assert seen["complaints"] == []
    assert seen["title"].startswith("Audit of ")
    assert seen["language"] == "en"
    assert seen["headings"][0] == "Summary"
    assert seen["headings"][-3:] == ["Timeline", "Compliance map", "Data"]
    assert seen["pictures"] > 3
    assert seen["data"] == 1


def test_light_dark_and_paper_are_not_the_same(found: dict[str, Any]) -> None:
    # The style is applied, although the policy allows none but the one that it names.
    papers = {view: found["disputed"][view]["paper"] for view in VIEWS}
    assert papers["light"] == papers["narrow light"] == "rgb(252, 252, 250)"
    assert papers["dark"] == papers["narrow dark"] == "rgb(21, 24, 27)"
    assert papers["print"] == "rgb(255, 255, 255)"  # although who prints likes it dark


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_everything_fits(found: dict[str, Any], report: str, view: str, state: str) -> None:
    """No page scrolls sideways or is shrunk to be printed, and no word in a picture is cut off or
    lies on another one; tables and pictures that are too wide scroll on their own."""
    assert found[report][view]["misfits"][state] == FITTING


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("view", VIEWS)
def test_nobody_is_kept_out(found: dict[str, Any], view: str, state: str) -> None:
    result = found["disputed"][view]["axe"][state]
    assert result["passes"] > 20
    assert result["violations"] == []


def test_it_can_be_printed(found: dict[str, Any]) -> None:
    assert found["disputed"]["print"]["pdf_bytes"] > 50_000


FAINT = ("--soft: #", "--soft: #c9c9c9; --was: #")
HIDDEN = ('aria-label="Contents"', 'aria-label="Contents" aria-hidden="true"')


@pytest.mark.parametrize(
    ("harm", "view", "rule"),
    [
        (FAINT, "narrow light", "color-contrast"),
        (FAINT, "print", "color-contrast"),
        (('<html lang="en">', "<html>"), "light", "html-has-lang"),
        (HIDDEN, "narrow dark", "aria-hidden-focus"),
    ],
    ids=["contrast on a phone", "contrast on paper", "language", "hidden"],
)
def test_a_barrier_would_be_seen(
    content: str, tmp_path: Path, harm: tuple[str, str], view: str, rule: str
) -> None:
    seen = inspected(changed(content, *harm), tmp_path, view, axe=True)[view]["axe"]["folded"]
    assert rule in [violation["id"] for violation in seen["violations"]]


LABEL = 'text-anchor="end" class="title">round, and'


@pytest.mark.parametrize(
    ("harm", "view", "kind"),
    [
        (("overflow-wrap: break-word;", ""), "narrow light", "wider"),
        (("td code, th code { overflow-wrap: anywhere;", "td {"), "print", "wider"),
        ((LABEL, f'dx="-200" {LABEL}'), "light", "outside"),
        ((LABEL, f'dy="-22" {LABEL}'), "light", "overlapping"),
    ],
    ids=["phone", "paper", "cut off", "on another"],
)
def test_what_does_not_fit_would_be_seen(
    content: str, tmp_path: Path, harm: tuple[str, str], view: str, kind: str
) -> None:
    seen = inspected(changed(content, *harm), tmp_path, view)[view]["misfits"]["unfolded"]
    assert seen[kind]


def test_a_request_or_a_program_would_be_seen(content: str, tmp_path: Path) -> None:
    planted = '<img src="http://localhost:9/x.png"><script>1</script></body>'
    seen = inspected(content.replace("</body>", planted), tmp_path, "light")["light"]
    assert seen["complaints"] or seen["requests"]


def test_a_long_run_is_drawn_in_time(tmp_path: Path) -> None:
    """From when it is asked for until it is loaded and all that is in view is on the screen."""
    seen = inspected(page(dossier(*crowd())), tmp_path, *SCREENS)
    took = {view: seen[view]["drawn_ms"] for view in SCREENS}
    MEASURED["a report of 100 x 100, drawn in ms"] = str(took)
    for view in SCREENS:  # an empty page is drawn in no time
        assert seen[view]["elements"] > 50_000
        assert seen[view]["headings"][-1] == "Data"
        assert seen[view]["misfits"]["folded"] == FITTING
    # Light and dark differ in nothing that takes time: what is slower waited for the machine.
    for pair in (SCREENS[:2], SCREENS[2:]):
        assert min(took[view] for view in pair) < RENDER_MS
