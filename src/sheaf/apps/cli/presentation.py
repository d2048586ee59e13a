"""Runs as text: the summary table, the list, what a verification checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sheaf.apps.cli.tables import aligned, odds, printable, tokens, wrapped
from sheaf.apps.runs import LEDGER, Run
from sheaf.protocol.errors import InvalidDocument
from sheaf.store.files import is_file

if TYPE_CHECKING:
    from sheaf.nodes.verification import Report

Summary = Mapping[str, Any]
REPORTED = "* reported, not recomputed: metrics by the sponsor, the rest by the run"
ODDS = ("capture_ppb", "adversary", "seats", "pool", "goal")
"""What the capture odds are said from, in the order of `odds`."""


def summary_text(summary: Summary, folder: Path) -> str:
    """A finished run in `folder`: its rounds, what was paid and lost, and how to check it.

    Raises `InvalidDocument` for a summary that no run wrote.
    """
    try:
        parts = [_title(summary), _rounds(summary), _payments(summary), _facts(summary, folder)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise InvalidDocument(
            f"{folder.name}: found a summary that cannot be shown ({found}), accepted: as a run "
            "writes it"
        ) from error
    return "\n\n".join(part for part in parts if part)


def _title(summary: Summary) -> str:
    cause = f" ({summary['cause']})" if summary.get("cause") else ""
    words = (summary.get("name", ""), summary.get("status", "") + cause, f"run {summary['run']}")
    return printable("  ".join(word for word in words if word))


def _rounds(summary: Summary) -> str:
    rows, metrics = summary["rounds"], _metric_names(summary)
    # What is marked is what somebody says; the rest a stranger can recompute.
    head = ["round", "outcome", "cohort", "counted", *(f"{m}*" for m in metrics), "gas", "seconds*"]
    lines = [head, *(_round(row, metrics) for row in rows)]
    right = frozenset({0, *range(2, len(head))})
    return f"{aligned(lines, right)}\n{REPORTED}"


def _round(row: Summary, metrics: Sequence[str]) -> list[str]:
    values = [number(row["metrics"].get(name)) for name in metrics]
    outcome = row.get("outcome", "") + (" (attempt 2)" if row.get("attempt", 1) > 1 else "")
    seconds = row.get("seconds", {}).get("total")
    counts = [str(row["round"]), outcome, str(row["cohort"]), str(row["counted"])]
    return [*counts, *values, f"{row['gas']['total']:,}", number(seconds, 1)]


def _metric_names(summary: Summary) -> list[str]:
    return list(dict.fromkeys(name for row in summary["rounds"] for name in row["metrics"]))


def number(value: float | None, places: int = 4) -> str:
    """A reported number; a dash where there is none."""
    return "-" if value is None else f"{value:.{places}f}"


def _payments(summary: Summary) -> str:
    earned, lost = summary["payouts"], summary["slashed"]
    names, units = summary.get("accounts", {}), summary.get("tokens", {})
    if not earned and not lost:
        return "nothing was paid, nothing was slashed"
    head = ["account*", "address", _titled("earned", units.get("reward"))]
    head.append(_titled("slashed", units.get("stake")))
    order = {address: place for place, address in enumerate(names)}
    addresses = sorted({*earned, *lost}, key=lambda a: (order.get(a, len(order)), a))
    rows = [
        [
            names.get(address, "-"),
            address,
            _amount(earned.get(address, 0), units.get("reward")),
            _amount(lost.get(address, 0), units.get("stake")),
        ]
        for address in addresses
    ]
    return aligned([head, *rows], frozenset({2, 3}))


def _titled(title: str, token: Summary | None) -> str:
    return f"{title} {token['symbol']}" if token else f"{title} (units)"


def _amount(units: int, token: Summary | None) -> str:
    return tokens(units, token["decimals"] if token else 0) if units else "-"


def _facts(summary: Summary, folder: Path) -> str:
    rows = [["task", summary.get("task", "")], ["task id", _task_id(summary)]]
    rows.append(["model root", summary["model"]["root"]])
    rows += [["model file", _model_file(summary, folder)], ["head", summary["head"]]]
    if "setup_gas" in summary:
        parts = {"setup": "setup_gas", "leaving": "closing_gas"}
        gas = {name: summary.get(key, 0) for name, key in parts.items()}
        gas["rounds"] = sum(row["gas"]["total"] for row in summary["rounds"])
        told = ", ".join(f"{name} {units:,}" for name, units in gas.items())
        rows.append(["gas", f"{sum(gas.values()):,} ({told})"])
    if summary.keys() >= set(ODDS):
        rows.append(["capture odds", odds(*(summary[key] for key in ODDS))])
    elsewhere = "" if is_file(folder / LEDGER) else " --url URL"
    rows.append(["check it", f"sheaf verify {summary['run']}{elsewhere}"])
    if _task_id(summary):
        ledger = "URL" if elsewhere else "FILE"
        places = f"--ledger {ledger} --store URL --head {summary['head']}"
        rows.append(["by a stranger", f"sheaf verify {_task_id(summary)} {places}"])
    return aligned([row for row in rows if row[1]])


def _task_id(summary: Summary) -> str:
    """As commands take it that are about a task."""
    found = summary.get("task_id", "")
    return f"0x{found}" if found else ""


def _model_file(summary: Summary, folder: Path) -> str:
    """Where the final model lies, as short as it can be said from here."""
    path = summary["model"].get("path")
    if not path:
        return ""
    whole, here = folder / path, Path.cwd()
    return printable(str(whole.relative_to(here) if whole.is_relative_to(here) else whole))


def report_text(what: str, report: Report, *, explain: bool = False) -> str:
    """What a verification of `what` recomputed, what it did not look at, and what no replay shows;
    where that is to be explained, what has to be trusted all the same."""
    from sheaf.nodes.evidence import WITHHELD

    rows = [[check.name, f"{check.count:,}", check.detail] for check in report.checks]
    lists = (
        ("Reported, not recomputed", [", ".join(report.reported)] if report.reported else []),
        (WITHHELD, report.withheld),
        ("What happened in court", report.court),
        ("Not part of the evidence", report.outside),
        ("A replay does not show", report.limits),
    )
    told = [
        f"{title}\n" + "\n".join(f"  - {printable(x)}" for x in xs) for title, xs in lists if xs
    ]
    if explain:
        trusted = (f"  {name}\n{wrapped(text)}" for name, text in report.trust)
        told.append("Trusted all the same\n" + "\n".join(trusted))
    first = f"verified: {report.conclusion}  {printable(what)}"
    facts = aligned([["head", report.head], ["again", printable(report.repeat)]])
    return "\n\n".join([first, aligned(rows, frozenset({1})), facts, *told])


def listing(run: Run) -> dict[str, Any]:
    """What `sheaf list` says of a run: one that cannot be read is listed, too."""
    plain: dict[str, Any] = {"run": run.id, "started": run.started, "status": "unfinished"}
    try:
        found = run.summary()
        if found is None:
            return plain
        metrics = {name: float(value) for name, value in (found.get("metrics") or {}).items()}
        told = {"name": str(found.get("name") or ""), "status": str(found["status"])}
        return plain | told | {"metrics": metrics, "rounds": len(found["rounds"])}
    except (InvalidDocument, TypeError, ValueError, AttributeError):
        return plain | {"status": "unreadable"}


def listings_text(listings: Sequence[Summary]) -> str:
    """The list of runs, aligned."""
    rows = [["run", "task", "status", "rounds", "metrics (reported)"]]
    for plain in listings:
        metrics = plain.get("metrics") or {}
        shown = ", ".join(f"{name} {number(value)}" for name, value in metrics.items())
        rounds = str(plain.get("rounds", "-"))
        rows.append([plain["run"], plain.get("name") or "-", plain["status"], rounds, shown or "-"])
    return aligned(rows, frozenset({3}))
