"""What an audit found, as text and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address

from sheaf.apps.cli.tables import aligned, counted, printable, tokens
from sheaf.protocol.content import ContentId

if TYPE_CHECKING:
    from sheaf.audit.biography import Biography, Deed, Money
    from sheaf.audit.counterfactual import Counterfactual
    from sheaf.audit.divergence import Divergence
    from sheaf.audit.exhibit import Exhibit, Opened
    from sheaf.audit.influence import Blame, Influence
    from sheaf.audit.remedy import Remedy
    from sheaf.audit.sybils import Suspicion
    from sheaf.nodes.evidence import Evidence

DIGITS = 4
MOVED = """\
moved: how far (L2) the model without the update lies from the settled one; largest: the same at the
one coordinate where it is most. cosine: of the update with the round's aggregate. Recomputed by the
task's own rule and server step, integer by integer."""
UNDRAWN = "none, for that takes matplotlib: pip install 'sheaf[plot]'"
NAMES = "* names are the run's own"
SUSPECTED = """\
bits: how surprising it is that two unrelated accounts have so much in common. A reason to ask, and
no proof: similar data make similar updates, and whoever is careful leaves no such traces."""


def plain(value: Any) -> Any:
    """A finding as JSON can hold it: bytes in hex, addresses with their checksum."""
    if isinstance(value, ContentId):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"action": type(value).__name__, **found} if _is_action(value) else found
    if isinstance(value, bytes):
        return to_checksum_address(value) if len(value) == 20 else value.hex()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _is_action(value: object) -> bool:
    from sheaf.protocol import actions

    return isinstance(value, actions.Demand | actions.Descend)


def name(evidence: Evidence, account: bytes) -> str:
    """The run's own name for an account, or its address."""
    address = to_checksum_address(account)
    return printable(evidence.names.get(address, address))


def money(evidence: Evidence) -> Money:
    """Puts amounts into whole tokens and their symbol."""

    def words(kind: str, amount: int) -> str:
        unit = evidence.place.tokens[kind]
        return f"{tokens(amount, int(unit['decimals']))} {unit['symbol']}"

    return words


def blame_text(
    evidence: Evidence, found: Blame, measured: Counterfactual | None, picture: str | None
) -> str:
    """The ranking as a table, and what its columns say."""
    updates = counted(len(found.ranking), "update")
    lines = [
        f"round {found.round}, attempt {found.attempt}: {found.rule} of {updates} moved the model "
        f"by {_number(found.step)}",
        *_measured_text(measured),
        "",
        _ranking(evidence, found, measured),
        "",
        MOVED,
        *([NAMES] if evidence.names else []),
    ]
    return "\n".join([*lines, f"picture: {picture or UNDRAWN}"])


def _measured_text(measured: Counterfactual | None) -> list[str]:
    if measured is None:
        return []
    pairs = ((n, measured.before[n], value) for n, value in measured.settled.items())
    told = ", ".join(f"{n} {_number(before)} -> {_number(after)}" for n, before, after in pairs)
    return [f"recomputed on the held-out data: {told}"]


def _ranking(evidence: Evidence, found: Blame, measured: Counterfactual | None) -> str:
    metrics = list(measured.settled) if measured else []
    who = "who*" if evidence.names else "who"
    head = ["", who, "samples", "moved", "largest", "norm", "cosine", "most of it in"]
    rows = [[*head, *(f"{metric} without" for metric in metrics)]]
    for place, each in enumerate(found.ranking, 1):
        cosine = "-" if each.cosine is None else f"{each.cosine:.2f}"
        values = [_number(v) for v in (each.moved, each.moved_most, each.norm)]
        row = [str(place), name(evidence, each.account), str(each.samples), *values, cosine]
        row.append(_layer(each))
        if measured:
            row += [_number(measured.without[each.position][metric]) for metric in metrics]
        rows.append(row)
    right = {0, 2, 3, 4, 5, 6, *range(len(head), len(rows[0]))}
    return aligned(rows, frozenset(right))


def _layer(each: Influence) -> str:
    """The tensor that the model moved most in, and its share of the squared distance."""
    most = max(each.layers, key=lambda layer: layer.moved)
    if not each.moved:
        return "-"
    return f"{most.name} {most.moved**2 / each.moved**2:.0%}"


def blame_plain(
    evidence: Evidence, found: Blame, measured: Counterfactual | None, picture: str | None
) -> dict[str, Any]:
    """All of it, layers too."""
    told = plain(found)
    for row, each in zip(told["ranking"], found.ranking, strict=True):
        row["name"] = evidence.names.get(to_checksum_address(each.account), "")
    return {**told, "metrics": plain(measured), "picture": picture}


def open_text(evidence: Evidence, found: Opened, differs: str) -> str:
    """What a hash is, line by line."""
    parts = [found.name, *(_exhibit(each) for each in found.exhibits)]
    for stored in found.stored:
        told = f"in the store, {stored.size_bytes:,} bytes that hash to it"
        first = ", ".join(f"{value:.6g}" for value in stored.first)
        rows = [["bytes", told if stored.sound else f"not to be had: {stored.wrong}"]]
        rows += [["first values", first]] if first else []
        parts.append(aligned([["content id", str(stored.content)], *rows]))
    parts += [_remedy(evidence, each) for each in found.remedies]
    sound = "verified: all of it is consistent"
    verified = f"verification: {differs}" if differs else sound
    return "\n\n".join([*parts, printable(verified)])


def _exhibit(each: Exhibit) -> str:
    rows = [["what", each.what], ["made by", each.who or "the protocol"]]
    if each.transaction:
        place = f"block {each.block}, ledger time {each.time}"
        rows += [["when", place], ["transaction", each.transaction.hex()]]
    rows += [["opened", each.opened]] if each.opened else []
    return aligned(rows)


def _remedy(evidence: Evidence, each: Remedy) -> str:
    """The court's action, and whether it is still taken."""
    action = type(each.action).__name__
    fields = dataclasses.asdict(each.action)
    asked = {key: plain(value) for key, value in fields.items() if key not in ("task", "bond")}
    told = ", ".join(f"{key} {value}" for key, value in asked.items())
    state = "open" if each.open else "closed"
    return aligned(
        [
            ["in court", f"{action}: {told} (round {each.round}, attempt {each.attempt})"],
            ["bond", money(evidence)("stake", each.action.bond)],
            ["until", f"ledger time {each.until}; {state} at {each.now}, the last transaction"],
        ]
    )


def diff_text(
    left: str, right: str, last: int, parted: Divergence | None, *, one_task: bool
) -> str:
    """The first difference; without one, up to which block there is none, or that what happened in
    two tasks is the same."""
    if parted is None and one_task:
        return f"no difference: {left} and {right} are one history, up to block {last}"
    if parted is None:
        return f"no difference in what happened: {left} and {right} are two tasks of one course"
    rows = [["first difference", parted.where], ["field", parted.field]]
    rows += [[left, parted.left], [right, parted.right]]
    rows.append(["in common", parted.common])
    if parted.task:
        field, one, other = parted.task
        rows.append(["task documents", f"{field}: {one} and {other}"])
    return aligned(rows)


def who_text(evidence: Evidence, told: Biography) -> str:
    """One line a thing, in the ledger's order, and what all of it came to."""
    rows = [["block", "time", "transaction", "gas", "what"]]
    start = evidence.steps[0].time
    for deed in told.deeds:
        rows += _deed(deed, start)
    words, balance = money(evidence), told.balance
    left = ", ".join(words(kind, amount) for kind, amount in balance.withdrawn.items() if amount)
    held = ", ".join(words(kind, amount) for kind, amount in balance.withdrawable.items() if amount)
    facts = [
        ["earned", words("reward", balance.payouts)],
        ["shares of slashes, court", words("stake", balance.bonuses)],
        ["slashed", words("stake", balance.slashed)],
        ["withdrawn", left or "nothing"],
        [
            "in its seat",
            f"{words('stake', balance.stake_held)}, {words('reward', balance.credit_held)}",
        ],
        ["waiting in the vault", held or "nothing"],
        ["gas of its transactions", f"{told.gas:,}"],
    ]
    return f"{printable(told.who)}\n\n{aligned(rows, frozenset({0, 1, 3}))}\n\n{aligned(facts)}"


def _deed(deed: Deed, start: int) -> list[list[str]]:
    head = [str(deed.block), f"{deed.time - start} s", deed.transaction.hex()[:10]]
    head.append(f"{deed.gas:,}" if deed.sent else "")
    by = deed.action if deed.sent else f"by another's {deed.action}"
    lines = deed.lines or ("sent",)
    first = [*head, f"{by}: {lines[0]}"]
    return [first, *(["", "", "", "", f"  {line}"] for line in lines[1:])]


def sybil_text(evidence: Evidence, found: Suspicion) -> str:
    """Clusters with their reasons, and what says nothing here."""
    parts = []
    for number, each in enumerate(found.clusters, 1):
        names = ", ".join(name(evidence, account) for account in each.accounts)
        rows = [[reason.signal, f"{reason.bits:.1f}", reason.words] for reason in each.reasons]
        title = f"cluster {number}: {names}; {each.bits:.1f} bits a pair"
        parts.append(f"{title}\n{aligned(rows, frozenset({1}))}")
    if not parts:
        parts.append("no cluster: nobody has more in common than chance and one process explain")
    parts.append(f"a pair counts above {found.threshold:.1f} bits")
    if found.common:
        parts.append("\n".join(["common to most here:", *(f"  {each}" for each in found.common)]))
    parts += ["\n".join(["not looked at:", *(f"  {each}" for each in found.unseen)])]
    return "\n\n".join([*parts, SUSPECTED])


def _number(value: float) -> str:
    return f"{value:.{DIGITS}g}"
