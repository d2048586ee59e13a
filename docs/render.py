"""Renders the reference pages from the code, and quoted figures from the benchmarks' table, so that
they cannot differ from it.

    python docs/render.py            write docs/reference/*.md, and what is quoted elsewhere
    python docs/render.py --check    write nothing; exit 1 and name the pages that differ

Configuration from the pydantic models, errors from the error tree and the contracts' interfaces,
the protocol from the docstrings of `sheaf.protocol`, figures from what `make bench` printed last.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sheaf.apps.config import schema
from sheaf.ledger import errors as ledger_errors
from sheaf.protocol import errors
from sheaf.protocol.bounds import ALGORITHMS, BOUNDS, RULES

DOCS = Path(__file__).parent
INTERFACES = DOCS.parent / "contracts" / "src" / "interfaces"
PROTOCOL = DOCS.parent / "src" / "sheaf" / "protocol"
ORDER = ("task", "terms", "actions", "events", "state", "machine", "registration", "rounds")
"""Modules of the protocol that are read first; the others follow by name."""

KINDS = {str: "text", int: "integer", bool: "true or false", Decimal: "amount", float: "number"}
ACCEPTED = {
    "algorithm.name": ", ".join(ALGORITHMS),
    "rule.name": ", ".join(RULES),
    "rule.trim": "the trimmed mean's share per side, less than one half",
    "algorithm.mu": "FedProx's strength, at least 0",
}
"""What a key accepts where neither its description nor a bound of its name says so."""

TABLE = DOCS.parent / "benchmarks" / "figures" / "table.txt"
QUOTED = (
    "import sheaf",
    "sheaf --help",
    "ledger's rate",
    "commitment, 40 MB",
    "weighted_mean, 100 updates",
    "coordinate_median, 100 updates, by flwr's on float32",
    "coordinate_median, 100 updates, by byzfl's on tensors",
    "trimmed_mean, 100 updates, by flwr's on float32",
    "trimmed_mean, 100 updates, by byzfl's on tensors",
    "fedadam, 1,000,000 coordinates",
    "replay, weighted_mean, by plain NumPy's",
    "verify TASK, 3 x 10 x 10,000,000, jobs 2, by plain NumPy's",
    "peak of a round, 20 x 10,000,000",
    "examples/digits, whole",
    "examples/digits, held-out accuracy",
)
"""Rows of the table that the README shows."""

MARK = "<!-- Rendered by docs/render.py from the code: edit that. -->\n"


ACTIONS = """\
What to do, by exit code:

- **1**: a defect of Sheaf's, or a rejection that no node should have met. Run again with `--debug`
  and report what it prints.
- **2**: read the command's `--help`; `sheaf list` shows the runs there are.
- **3**: the message names file and key, hook or document; [configuration](configuration.md)
  says what is accepted, `sheaf data check` shows what the data hooks return.
- **4**: a file, a disk or an endpoint. Nothing is lost: once it can be reached again,
  `sheaf run --resume RUN` goes on. What is corrupt or gone has to be put back first.
- **5**: the message names what differs and whose it is. Do not use the model; keep the folder.
- **130**: stopped by Ctrl-C; `sheaf run --resume RUN` goes on.""".splitlines()


CONFIGURATION = """\
Keys of `sheaf.toml`, a table at a time. Flags go before the environment
(`SHEAF_ALGORITHM__SEED=3`), the environment before the file, the file before defaults. Unknown keys
are refused. The bounds of values are the protocol's; a value out of them is refused with one line
that says what is accepted.""".splitlines()
ERRORS = """\
A message says what was found, what is accepted, and where to look. With `--format json` an error is
an object with `code`, `message` and `hint`. Where more is known to differ than the message says,
that follows it, a line each, and is `others` in JSON.

| exit | code | when |
|---|---|---|""".splitlines()
REJECTIONS = """\
## Rejections

What the protocol forbids, by the name of the contract's custom error; the specification rejects
with the same name.

| name | when |
|---|---|""".splitlines()
SPECIFICATION = """\
`sheaf.protocol` is the protocol as a program; this page is its docstrings. What the phases mean is
told in [the protocol](../protocol/README.md).""".splitlines()


def configuration() -> str:
    """Every key of `sheaf.toml`."""
    lines = ["# Configuration", "", MARK, *CONFIGURATION]
    for name, section in schema.SECTIONS.items():
        lines += ["", *_section(f"[{name}]", section)]
    return "\n".join(lines) + "\n"


def _section(title: str, section: type[BaseModel]) -> Iterator[str]:
    text = inspect.getdoc(section) or ""
    name = title.strip("[]")
    yield f"## `{title}`"
    yield ""
    yield text.partition(": ")[2][:1].upper() + text.partition(": ")[2][1:]
    yield ""
    yield "| key | type | default | |"
    yield "|---|---|---|---|"
    nested = []
    for key, field in section.model_fields.items():
        kind = field.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            nested.append((f"[{name}.{key}]", kind))
            continue
        rows = [a for a in typing.get_args(kind) if inspect.isclass(a)]
        if rows and issubclass(rows[0], BaseModel):
            nested.append((f"[[{name}.{key}]]", rows[0]))
            continue
        told = ACCEPTED.get(f"{name}.{key}") or field.description or BOUNDS.get(key, "")
        yield f"| `{key}` | {_kind(field)} | {_default(field)} | {told} |"
    for key, kind in nested:
        yield ""
        yield from _section(key, kind)


def _kind(field: FieldInfo) -> str:
    for mark, word in ((schema.Amount, "amount"), (schema.Share, "share")):
        if typing.get_args(mark)[1] in field.metadata:
            return word
    return _spelled(field.annotation)


def _spelled(annotation: object) -> str:
    """A type in the words of the file."""
    if annotation in KINDS:
        return KINDS[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_spelled(a) for a in arguments if a is not type(None))
    if origin is typing.Annotated:
        for mark, word in ((schema.Amount, "amount"), (schema.Share, "share")):
            if annotation == mark:
                return word
        return _spelled(arguments[0])
    if origin is list:
        return f"list of {_spelled(arguments[0])}"
    if origin is dict:
        return "table"
    if origin is typing.Literal:
        return " or ".join(f'`"{a}"`' for a in arguments)
    if origin is tuple:
        return "share"
    return "table" if inspect.isclass(annotation) else "value"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**must be given**"
    value = field.get_default(call_default_factory=True)
    if value is None or value == "":
        return "none"
    if isinstance(value, tuple):
        return f"`[{value[0]}, {value[1]}]`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def error_page() -> str:
    """Every error, its exit code, and every rejection of the protocol."""
    lines = ["# Errors", "", MARK, *ERRORS]
    kinds = [
        kind
        for kind in {**vars(errors), **vars(ledger_errors)}.values()
        if inspect.isclass(kind) and issubclass(kind, errors.SheafError)
    ]
    for kind in sorted(kinds, key=lambda kind: (kind.exit_code, kind.code)):
        lines.append(f"| {kind.exit_code} | `{kind.code}` | {_first(kind)} |")
    lines += ["", *ACTIONS, "", *REJECTIONS]
    notices = _notices()
    lines += [f"| `{reason}` | {notices[reason]} |" for reason in errors.Reason]
    return "\n".join(lines) + "\n"


def _first(kind: type) -> str:
    """The first sentence of a docstring, on one line."""
    text = " ".join((inspect.getdoc(kind) or "").split())
    return re.split(r"(?<=\.)\s|: `|$", text)[0].replace("|", "\\|")


def _notices() -> dict[str, str]:
    """What the interfaces say of each custom error."""
    found = {}
    for path in sorted(INTERFACES.glob("I*.sol")):
        text = path.read_text("utf-8")
        for comment, name in re.findall(r"((?: *///.*\n)+) *error (\w+)\(", text):
            told = re.sub(r"\s*///\s*", " ", comment).partition("@notice ")[2]
            found[name] = told.partition(" @param")[0].strip()
    return found


def protocol_page() -> str:
    """The executable specification, as its docstrings tell it."""
    lines = ["# The specification, module by module", "", MARK, *SPECIFICATION]
    names = sorted(path.stem for path in PROTOCOL.glob("*.py") if path.stem != "__init__")
    for name in [*ORDER, *(name for name in names if name not in ORDER)]:
        lines += ["", *_module(name)]
    return "\n".join(lines) + "\n"


def _module(name: str) -> Iterator[str]:
    module = import_module(f"sheaf.protocol.{name}")
    yield f"## `{name}`"
    yield ""
    yield inspect.getdoc(module) or ""
    for title, value in vars(module).items():
        own = getattr(value, "__module__", "") == module.__name__
        if not own or title.startswith("_"):
            continue
        if inspect.isfunction(value):
            shown = f"{title}{inspect.signature(value)}"
        elif inspect.isclass(value):
            shown = f"class {title}"
        else:
            continue
        yield ""
        yield f"### `{shown}`"
        yield ""
        text = inspect.getdoc(value) or ""
        yield "" if text.startswith(f"{title}(") else text
        fields = list(getattr(value, "__dataclass_fields__", {}))
        if fields:
            yield ""
            yield "Fields: " + ", ".join(f"`{field}`" for field in fields) + "."


def _figures() -> tuple[str, list[list[str]]]:
    """What the benchmarks ran on, and the rows of their table: what, figure, limit, "yes" or "NO";
    the last two where a row has them."""
    machine, *lines = TABLE.read_text("utf-8").splitlines()
    rows = [re.split(r" {2,}", line.strip()) for line in lines if line.startswith("  ")]
    return machine, [row for row in rows if len(row) > 1]


def quoted_figures() -> str:
    """The README's table: some of the benchmarks' rows, as they were printed."""
    machine, rows = _figures()
    known = {what: more for what, *more in rows}
    lines = [f"Measured on {machine}:", "", "| | figure | limit | holds |", "|---|---|---|---|"]
    for what in QUOTED:
        figure, limit, holds = known[what]
        lines.append(f"| {what} | {figure} | {limit} | {holds.lower()} |")
    return "\n".join(lines)


def broken_limits() -> str:
    """Which limits the table does not keep."""
    machine, rows = _figures()
    broken = [f"{row[0]} ({row[1]}, limit {row[2]})" for row in rows if row[-1] == "NO"]
    told = "all limits hold" if not broken else f"not every limit holds: {'; '.join(broken)}"
    return f"In the committed table (measured on {machine}) {told}."


INSERTED = {
    DOCS.parent / "README.md": quoted_figures,
    DOCS / "performance.md": broken_limits,
}
"""Pages that have something rendered between two marks."""

BEGIN, END = "<!-- Figures by docs/render.py -->\n", "\n<!-- end of figures -->"


def _inserted(page: Path, text: str) -> str:
    """A page with `text` between its marks."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{page}: found no marks, accepted: {BEGIN.strip()} and {END.strip()}")
    return before + begin + text + end + after


PAGES = {
    "configuration.md": configuration,
    "errors.md": error_page,
    "specification.md": protocol_page,
}


def main() -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description="Render docs/reference from the code.")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    wrong = []
    rendered = {DOCS / "reference" / name: page() for name, page in PAGES.items()}
    rendered |= {path: _inserted(path, text()) for path, text in INSERTED.items()}
    for path, text in rendered.items():
        if check and (not path.is_file() or path.read_text("utf-8") != text):
            wrong.append(path.name)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if wrong:
        print(f"not as rendered: {', '.join(wrong)}; `make docs` renders them", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
