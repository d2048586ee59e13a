"""The picture of a run, read back as the XML it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sheaf.apps import figure
from sheaf.apps.cli import running
from sheaf.apps.runs import Run
from sheaf.protocol.errors import StoreUnavailable
from tests.apps import kept

SVG = "{http://www.w3.org/2000/svg}"


def words(path: Path) -> list[str]:
    """All text in the picture."""
    return [(node.text or "").strip() for node in ElementTree.parse(path).iter(f"{SVG}text")]


@pytest.fixture
def summary() -> dict[str, Any]:
    """Two rounds, the second one aborted and without metrics."""
    return kept.summary("20260304T120000Z-flowers")


def test_axes_have_titles_and_units_and_every_part_its_name(
    summary: dict[str, Any], tmp_path: Path
) -> None:
    path = figure.draw(summary, tmp_path)
    assert path == tmp_path / "rounds.svg"
    assert path is not None
    found = words(path)
    titles = ["round", "gas (millions)", "time (s), reported", "metrics on held-out data, reported"]
    parts = [*figure.GAS_KINDS, *figure.PARTS]
    for word in [*titles, *parts, *summary["rounds"][0]["metrics"]]:
        assert word in found, word
    assert any(summary["run"] in word for word in found)


def test_the_same_summary_gives_the_same_picture(summary: dict[str, Any], tmp_path: Path) -> None:
    first = figure.draw(summary, tmp_path)
    assert first is not None
    before = first.read_bytes()
    figure.draw(summary, tmp_path)
    assert first.read_bytes() == before


def test_a_run_without_rounds_has_no_picture(summary: dict[str, Any], tmp_path: Path) -> None:
    summary["rounds"] = []
    assert figure.draw(summary, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_whose_picture_cannot_be_written_says_so(
    summary: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    with pytest.raises(StoreUnavailable) as caught:
        running._drawn(running.Ran(Run(folder), summary, ()))
    assert caught.value.message == f"{folder}/rounds.svg: No such file or directory"
    assert caught.value.hint == f"the run is finished; `sheaf show {folder}` shows it"


def test_what_is_no_part_of_the_total_is_other() -> None:
    gas = {"commit": 3.0, "reveal": 4.0, "total": 10.0}
    assert figure._part(gas, "commit") == 3
    assert figure._part(gas, "other") == 3


def test_gas_of_a_court_is_shown_where_there_was_one(
    summary: dict[str, Any], tmp_path: Path
) -> None:
    path = figure.draw(summary, tmp_path)
    assert path is not None
    assert "court" not in words(path)
    summary["rounds"][0]["gas"]["court"] = 1
    figure.draw(summary, tmp_path)
    assert "court" in words(path)
    assert figure._part({"commit": 3.0, "total": 10.0}, "court") == 0
