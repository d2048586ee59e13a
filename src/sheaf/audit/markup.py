"""HTML and SVG as text in which nothing is taken for markup that was not meant as such."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

VOID = frozenset({"meta", "br", "hr", "col"})


class Markup(str):
    """Text that is markup already, made by `el` and by nothing else but constants."""

    __slots__ = ()


def escaped(text: object) -> str:
    """`text` for an element's content or a quoted attribute."""
    return text if isinstance(text, Markup) else html.escape(str(text), quote=True)


def el(tag: str, *children: object, **attributes: object) -> Markup:
    """An element. Children are escaped unless they are markup; of an attribute's name a last
    underscore falls away and others become hyphens; one that is None is left out."""
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(escaped(child) for child in children)
    if tag in VOID:
        return Markup(f"<{tag}{told}>")
    return Markup(f"<{tag}{told}>{inner}</{tag}>")


def joined(parts: Iterable[Markup]) -> Markup:
    """Markup one after the other."""
    return Markup("".join(parts))


def table(
    caption: object,
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    right: frozenset[int] = frozenset(),
    kind: str = "",
) -> Markup:
    """A table in a region that scrolls and can be reached by keyboard. The first column heads its
    row; columns numbered in `right` hold numbers, unless a `kind` of table says so for all of its
    rows. What HTML does not need is left out of rows: a long run has ten thousand."""
    numbers = [i in right for i in range(len(heads))]
    head = joined(
        el("th", text, scope="col", class_="n" if number else None)
        for text, number in zip(heads, numbers, strict=True)
    )
    tags = ["<td class=n>" if number and not kind else "<td>" for number in numbers]
    # A header cell in a column of header cells heads its row without saying so.
    tags[0] = "<th>" if kind else "<th scope=row class=n>" if numbers[0] else "<th scope=row>"
    body = "".join(
        "<tr>" + "".join(f"{tag}{escaped(cell)}" for tag, cell in zip(tags, row, strict=True))
        for row in rows
    )
    inner = Markup(f"{el('caption', caption)}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>")
    return region(el("table", inner, class_=kind or None), caption)


def region(inner: Markup, name: object) -> Markup:
    """Something that scrolls sideways where it does not fit, and can be reached by keyboard."""
    return el("div", inner, class_="scroll", tabindex=0, role="region", aria_label=name)


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """A list of terms and what they are."""
    return el("dl", joined(Markup(el("dt", k) + el("dd", v)) for k, v in pairs))


def items(lines: Iterable[object], tag: str = "ul") -> Markup:
    """A list."""
    return el(tag, joined(el("li", line) for line in lines))


def code(text: object) -> Markup:
    """Something to be copied or compared, letter by letter."""
    return el("code", text)


def unbroken(line: str) -> Markup:
    """Text in which no line ends within an option's name."""
    parts = re.split(r"(--[\w-]+)", line)
    return joined(
        el("span", part, class_="whole") if place % 2 else Markup(escaped(part))
        for place, part in enumerate(parts)
    )


def data_block(id: str, json_text: str) -> Markup:
    """JSON as a block of data that no browser executes. Inside JSON these characters occur in
    strings only, where an escape says the same."""
    safe = json_text.strip()
    for character in "<>&\u2028\u2029":
        safe = safe.replace(character, f"\\u{ord(character):04x}")
    return Markup(f'<script type="application/json" id="{escaped(id)}">{safe}</script>')
