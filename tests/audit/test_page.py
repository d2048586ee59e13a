"""The page: self-contained, complete, and safe with whatever a run's names hold."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from sheaf.audit.dossier import dossier, short, text
from sheaf.audit.markup import Markup, data_block, el, unbroken
from sheaf.audit.page import page
from sheaf.audit.plainly import about, amount, hashes, printable
from tests.audit.staging import crowd, pageant, played
from tests.audit.trials import argued, evidence_in, withheld

HOSTILE = [
    "</script><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "\u202egnp.exe",
    "null\x00bell\x07escape\x1b[2J",
    "</style><style>body{display:none}",
    "<!--",
    "\ud800",
    "é" * 500,
]
LIMIT = 3_000_000
"""Bytes of a report of a hundred participants and a hundred rounds."""


class Reader(HTMLParser):
    """Reads a page as a browser does: elements with their attributes, and what is in scripts."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, str] = {}
        self.inside = ""
        self.words: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style"):
            self.data[self.inside] = self.data.get(self.inside, "") + data
        else:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]


@pytest.fixture(scope="module")
def hostile() -> tuple[dict[str, Any], Reader]:
    made = pageant(8, 2, 6)
    names = dict(zip(made.people, HOSTILE, strict=True))
    found = dossier(*played(made, names))
    return found, Reader(page(found))


def test_names_are_words_and_nothing_else(hostile: tuple[dict[str, Any], Reader]) -> None:
    made, read = hostile
    assert [attributes["type"] for attributes in read.all("script")] == ["application/json"]
    assert len(read.all("style")) == 1
    assert read.all("img") == []
    whole = " ".join(read.words)
    assert "</script><script>alert(2)</script>" in whole
    assert "\\u{202e}gnp.exe" in whole
    assert '<script>alert("1")</script>' in whole  # the task's name, in the heading
    names = [actor["name"] for actor in made["actors"] if actor["name"]]
    assert "null\\u{0}bell\\u{7}escape\\u{1b}[2J" in names
    assert "\\u{d800}" in names
    assert max(map(len, names)) == 201
    handlers = [
        key for _, attributes in read.elements for key in attributes if key.startswith("on")
    ]
    assert handlers == []


def test_a_heading_has_something_under_it() -> None:
    made = dossier(*played(pageant(3, 2)))
    for reported, outside in ((["run"], ["notes.txt"]), ([], [])):
        made["verification"] |= {"reported": reported, "outside": outside}
        words = " ".join(Reader(page(made)).words)
        assert ("Reported, and not recomputed" in words) == bool(reported)
        assert ("In the folder, and no evidence" in words) == bool(outside)


def test_nothing_is_asked_of_a_network(hostile: tuple[dict[str, Any], Reader]) -> None:
    _, read = hostile
    asking = {"src", "srcset", "data", "action", "poster", "background", "style", "xlink:href"}
    assert [a for _, attributes in read.elements for a in attributes if a in asking] == []
    assert {a["href"][0] for a in read.all("a") if a["href"]} == {"#"}
    assert "url(" not in read.data["style"]
    assert "@import" not in read.data["style"]


def test_the_policy_names_the_one_style_there_is(hostile: tuple[dict[str, Any], Reader]) -> None:
    _, read = hostile
    policy = next(a["content"] for a in read.all("meta") if "http-equiv" in a)
    digest = base64.b64encode(hashlib.sha256(read.data["style"].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_the_page_holds_its_numbers_and_the_digest_of_the_whole(
    hostile: tuple[dict[str, Any], Reader],
) -> None:
    made, read = hostile
    assert json.loads(read.data["script"]) == short(made)
    assert hashlib.sha256(text(made).encode()).hexdigest() in " ".join(read.words)
    whole = hashes(made["timeline"]["transactions"]["hash"])
    cut = hashes(short(made)["timeline"]["transactions"]["hash"])
    assert [each[:6] for each in whole] == cut
    assert {len(each) for each in whole} == {32}


def test_every_label_leads_to_what_it_names(hostile: tuple[dict[str, Any], Reader]) -> None:
    _, read = hostile
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"] for a in read.all("a")}
    wanted |= {f"#{a['aria-labelledby']}" for _, a in read.elements if "aria-labelledby" in a}
    assert wanted <= {f"#{id}" for id in ids}


def test_every_transaction_and_dispute_is_shown() -> None:
    found = dossier(*argued())
    read = Reader(page(found))
    words = " ".join(read.words)
    for transaction in hashes(found["timeline"]["transactions"]["hash"]):
        assert transaction.hex()[:8] in words
    (dispute,) = found["disputes"]
    assert dispute["ruling"] == "upheld: claim overturned"
    # 519 coordinates are 130 chunks: the first step posts at most 64 hashes, the second four.
    assert len(dispute["posted"]) > 4
    assert [len(o["path"]) for o in dispute["openings"]]
    for opening in dispute["openings"]:
        assert opening["sha256"] in words
    assert sorted(dispute["column"]) == [301, 302, 303, 304]
    kinds = [found["timeline"]["actions"][i] for i in _actions(found, dispute["transactions"])]
    # The last one is the settlement, which pays for it.
    assert kinds == [
        "Descend",
        *["Unfold", "Pick"] * 2,
        "Supply",
        "Challenge",
        "Decide",
        "Settle",
    ]


def _actions(found: dict[str, Any], rows: list[int]) -> list[int]:
    column = found["timeline"]["transactions"]["action"]
    return [column[row] for row in rows]


def test_a_dropped_update_is_shown_as_withheld() -> None:
    found = dossier(*evidence_in(withheld()))
    assert [d["standing"] for d in found["disputes"]] == ["upheld", "moot", "moot"]
    assert found["rounds"][0]["contributions"]["dropped"] == [found["disputes"][0]["update"]]
    assert "withheld" in " ".join(Reader(page(found)).words)


def test_a_long_run_stays_small() -> None:
    made = dossier(*crowd())
    assert made["totals"]["rounds"] == 100
    assert made["totals"]["transactions"] > 20_000
    assert made["receipts"]["updates"] == made["receipts"]["updates_revealed"] > 9_000
    assert len(page(made).encode()) < LIMIT


def test_markup_is_escaped_once() -> None:
    assert el("p", "<b>&", title='"x"') == '<p title="&quot;x&quot;">&lt;b&gt;&amp;</p>'
    assert el("p", el("b", "<")) == "<p><b>&lt;</b></p>"
    assert el("p", None, class_=None, data_row=1) == '<p data-row="1">None</p>'
    assert isinstance(el("br"), Markup)


def test_an_option_s_name_is_never_broken() -> None:
    assert unbroken("run <a> --head 0f --out-of x-y") == (
        'run &lt;a&gt; <span class="whole">--head</span> 0f <span class="whole">--out-of</span> x-y'
    )
    assert unbroken("none") == "none"


def test_data_cannot_end_their_block() -> None:
    hostile = {"a": "</script><!--", "b": "\u2028&"}
    block = data_block("x", json.dumps(hostile, ensure_ascii=False))
    inner = re.sub("^<script[^>]*>|</script>$", "", block)
    assert not set("<>&\u2028") & set(inner)
    assert json.loads(inner) == hostile


def test_amounts_are_exact_and_short_where_there_is_no_room() -> None:
    token = {"symbol": "T", "decimals": 6}
    assert amount(1_234_500_001, token) == "1,234.500001 T"
    assert amount(7, {"symbol": "T", "decimals": 0}) == "7 T"
    assert about(1_234_567_891, token) == "≈ 1,234.5678 T"
    assert about(2_500_000, token) == "2.5 T"
    assert about(24, token) == "< 0.0001 T"


def test_what_cannot_be_seen_is_written_out() -> None:
    assert printable("a\u200bb\u2066c") == "a\\u{200b}b\\u{2066}c"
    assert printable("שלום é") == "שלום é"
