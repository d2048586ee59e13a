"""The report as a reader meets it: in Chromium, light and dark, narrow and printed, with JavaScript
off, and under axe-core's rules for WCAG A and AA."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sheaf.audit.dossier import dossier
from sheaf.audit.page import page
from tests.audit.staging import pageant, played
from tests.audit.trials import argued
from tests.browser.conftest import MEASURED

HERE = Path(__file__).parent
RENDER_MS = 2000
"""How long a report of a hundred participants and a hundred rounds may take to be drawn."""
VIEWS = ("light", "dark", "narrow")
HOSTILE = ("</script><script>document.title='x'</script>", "\u202eevil", '"><img src="http://x/y">')


def inspected(content: str, folder: Path, *how: str) -> dict[str, Any]:
    """What the browser says of a page."""
    chromium, node = shutil.which("chromium"), shutil.which("node")
    if chromium is None or node is None:
        pytest.fail("found no chromium or no node; `apt-get install chromium nodejs npm`")
    file = folder / "audit.html"
    file.write_text(content, encoding="utf-8")
    command = [node, str(HERE / "inspect.mjs"), chromium, str(file), str(folder), *how]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.fixture(scope="module")
def content() -> str:
    """A report with disputes, absences' colours aside, and names that would do harm."""
    evidence, report = argued()
    addresses = list(evidence.names)
    named = {**evidence.names, **dict(zip(addresses, HOSTILE, strict=False))}
    evidence.names = named
    return page(dossier(evidence, report))


@pytest.fixture(scope="module")
def found(content: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return inspected(content, tmp_path_factory.mktemp("browser"))


@pytest.mark.parametrize("view", VIEWS)
def test_it_is_all_there_without_programs_and_without_a_network(
    found: dict[str, Any], view: str
) -> None:
    seen = found[view]
    assert seen["requests"] == []
    assert seen["complaints"] == []
    assert seen["title"].startswith("Audit of tiny")
    assert seen["language"] == "en"
    assert seen["headings"][0] == "Summary"
    assert seen["headings"][-3:] == ["Timeline", "Compliance map", "Data"]
    assert seen["pictures"] > 3
    assert seen["data"] == 1
    assert seen["wider"] == 0


def test_light_and_dark_are_not_the_same(found: dict[str, Any]) -> None:
    # The style is applied, although the policy allows none but the one that it names.
    assert found["light"]["paper"] == "rgb(252, 252, 250)"
    assert found["dark"]["paper"] == "rgb(21, 24, 27)"


@pytest.mark.parametrize("how", ["light", "dark", "light, all opened", "dark, all opened"])
def test_nobody_is_kept_out(found: dict[str, Any], how: str) -> None:
    result = found["axe"][how]
    assert result["passes"] > 20
    assert result["violations"] == []


def test_it_can_be_printed(found: dict[str, Any]) -> None:
    assert found["print"]["bytes"] > 50_000


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        (("--soft: #565d66", "--soft: #c9c9c9"), "color-contrast"),
        (('<html lang="en">', "<html>"), "html-has-lang"),
        (
            ('aria-label="Contents"', 'aria-label="Contents" aria-hidden="true"'),
            "aria-hidden-focus",
        ),
    ],
    ids=["contrast", "language", "hidden"],
)
def test_a_barrier_would_be_seen(
    content: str, tmp_path: Path, harm: tuple[str, str], rule: str
) -> None:
    changed = content.replace(*harm)
    assert changed != content
    # The style's digest goes with it, or the browser would refuse the style as a whole.
    policy = re.compile("style-src &#x27;sha256-.*?&#x27;")
    changed, count = policy.subn("style-src &#x27;unsafe-inline&#x27;", changed)
    assert count == 1
    found = inspected(changed, tmp_path)["axe"]["light"]
    assert rule in [violation["id"] for violation in found["violations"]]


def test_a_request_or_a_program_would_be_seen(content: str, tmp_path: Path) -> None:
    planted = '<img src="http://localhost:9/x.png"><script>1</script></body>'
    seen = inspected(content.replace("</body>", planted), tmp_path, "quick")["light"]
    assert seen["complaints"] or seen["requests"]


def test_a_long_run_is_drawn_in_time(tmp_path: Path) -> None:
    made = dossier(*played(pageant(100, 100, receipts=True)))
    seen = inspected(page(made), tmp_path, "quick")
    took = {view: seen[view]["drawn_ms"] for view in VIEWS}
    MEASURED["a report of 100 x 100, drawn in ms"] = str(took)
    # The three differ in nothing that takes time: what is slower had to wait for the machine.
    assert min(took.values()) < RENDER_MS
