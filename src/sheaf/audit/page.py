"""One file: the report as HTML that shows everything without a program, a network or a store."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from sheaf.audit.chapters import timeline
from sheaf.audit.dossier import ABRIDGED_BYTES, Dossier, short, text
from sheaf.audit.markup import Markup, code, data_block, el, joined
from sheaf.audit.sections import SECTIONS, map_of_compliance

LAST = (
    ("timeline", "Timeline", timeline),
    ("compliance", "Compliance map", map_of_compliance),
)


def page(made: Dossier) -> str:
    """The whole HTML document of a report."""
    style = files("sheaf.audit").joinpath("report.css").read_text(encoding="utf-8")
    sections = (*SECTIONS, *LAST)
    contents = el(
        "nav",
        el("ol", joined(el("li", el("a", title, href=f"#{id}")) for id, title, _ in sections)),
        aria_label="Contents",
    )
    body = joined(
        el(
            "section",
            el("h2", title, id=f"{id}-title"),
            draw(made),
            id=id,
            aria_labelledby=f"{id}-title",
        )
        for id, title, draw in sections
    )
    main = el("main", body, _data(made), id="main", tabindex="-1")
    inner = joined(
        [
            el("a", "Skip to the report", href="#main", class_="skip"),
            _header(made),
            contents,
            main,
            _footer(made),
        ]
    )
    return "<!doctype html>\n" + el("html", _head(made, style), el("body", inner), lang="en") + "\n"


def _head(made: Dossier, style: str) -> Markup:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"Audit of {made['task']['name']}, {_kind(made)} {made['run']}"),
        el("style", Markup(style)),
    )


def _header(made: Dossier) -> Markup:
    found, task = made["verification"], made["task"]
    badge = "good" if found["anchors"] and found["finished"] else "fair"
    id = f"0x{task['id']}"
    run = [el("p", "Run ", el("bdi", made["run"]), class_="where")] if made["run"] != id else []
    return el(
        "header",
        el("p", "Sheaf audit report", class_="eyebrow"),
        el("h1", el("bdi", task["name"])),
        el("p", found["conclusion"], class_=f"badge {badge}"),
        *run,
        el("p", "Task ", code(id), class_="where"),
        el("p", "Document ", code(task["cid"]), class_="where"),
        el("p", "Head ", code(found["head"]), class_="where"),
    )


def _kind(made: Dossier) -> str:
    """What was verified: a run, or a task by whoever has no run of it."""
    return "task" if made["run"] == f"0x{made['task']['id']}" else "run"


def _data(made: Dossier) -> Markup:
    digest = hashlib.sha256(text(made).encode()).hexdigest()
    told = el(
        "p",
        "The numbers of this page are in it as JSON, in its element “audit”, with "
        f"{ABRIDGED_BYTES} bytes of each hash of the timeline. The whole object, as the file "
        "audit.json holds it, has the SHA-256 ",
        code(digest),
        ".",
    )
    block = data_block("audit", json.dumps(short(made), separators=(",", ":"), ensure_ascii=True))
    inner = el("h2", "Data", id="data-title")
    return el("section", inner, told, block, id="data", aria_labelledby="data-title")


def _footer(made: dict[str, Any]) -> Markup:
    return el(
        "footer",
        el(
            "p",
            f"Made with Sheaf {made['made_by']} from a verification of the ledger and the store. "
            "This page asks nothing of any network.",
        ),
    )
