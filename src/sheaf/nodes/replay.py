"""Replaying what is off chain: updates, aggregations, and what was decided in court."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing

from sheaf.nodes import chronicle
from sheaf.nodes import summary as summaries
from sheaf.nodes.aggregation import (
    Given,
    Result,
    UpdateMissing,
    require_state,
    require_vector,
    vector_id,
)
from sheaf.nodes.evidence import Evidence, Report, fail, fail_without
from sheaf.nodes.model_file import is_model
from sheaf.nodes.sharing import Watcher, results
from sheaf.nodes.trail import RoundTrail
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    InvalidModel,
)
from sheaf.protocol.events import Claimed, RoundSettled, VerdictRevealed
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.task import Task
from sheaf.store.files import exists
from sheaf.store.interface import Store

Reader = Callable[[Task, Store, bytes], None]
"""Reads what lies under a tree root to its end, or raises what is wrong with it."""


def check_commitments(evidence: Evidence, report: Report) -> None:
    """Every reveal opens the commitment of the same participant."""
    trail, opened = evidence.trail, 0
    for number, found in sorted(trail.rounds.items()):
        for position, e in sorted(found.reveals.items()):
            expected = trail.deployment.update_commitment(
                trail.task, number, e.account, e.root, e.samples, e.receipt, e.salt
            )
            if expected != found.commits[position].commitment:
                who = evidence.who(e.account)
                fail(
                    f"commitment: round {number}: the reveal of {who} does not open its commitment"
                )
            opened += 1
    report.add("commitments", opened, "opened reveals match their commitments")


def check_rounds(evidence: Evidence, report: Report) -> None:
    """Replay the aggregation of every settled round on the model that stood before it, and read
    the counted updates of a claim that is not settled yet. Those of an attempt without a claim, or
    whose claim fell, made no model, and nobody needs them any more."""
    updates = 0
    _check_start(evidence)
    claimed = {n: r for n, r in sorted(evidence.trail.rounds.items()) if r.claim is not None}
    settled = [n for n, r in claimed.items() if isinstance(r.outcome, RoundSettled)]
    if not settled:
        _read_model(evidence, 0)
    with closing(_replayed(evidence, settled)) as replayed:
        for done, (number, found) in enumerate(claimed.items()):
            evidence.manner.told("rounds", done, len(claimed))
            assert found.claim is not None
            counted = found.counted_updates(found.claim.attempt)
            if number in settled:
                _check_result(evidence, number, next(replayed))
                # That of any other round is what the next settled one starts from.
                if number == settled[-1]:
                    _read_model(evidence, number)
            else:
                for position, root, _ in counted:
                    _read(evidence, root, _update(evidence, number, position))
            updates += len(counted)
    evidence.manner.told("rounds", len(claimed), len(claimed))
    if evidence.manner.checkpoints.used:
        report.limits = (*report.limits, _from_notes(evidence.manner.checkpoints.used))
    report.add("updates", updates, "updates behind a model in the store under their tree roots")
    report.add("aggregations", len(settled), "settled rounds recomputed to the same model roots")


def check_settled(evidence: Evidence, report: Report, number: int) -> None:
    """Replay the aggregation of one settled round, and nothing else."""
    found = evidence.trail.rounds[number]
    assert found.claim is not None
    with closing(_replayed(evidence, [number])) as replayed:
        _check_result(evidence, number, next(replayed))
    _read_model(evidence, number)
    updates = len(found.counted_updates(found.claim.attempt))
    report.add("updates", updates, f"updates of round {number} in the store under their tree roots")
    report.add("aggregations", 1, f"round {number} recomputed to the same model root")


def _from_notes(rounds: Sequence[int]) -> str:
    told = ", ".join(map(str, rounds))
    return (
        f"that the bytes behind rounds {told} are still what they were: an earlier verification "
        "read and combined them, as its state file says, and they look untouched since"
    )


def _check_start(evidence: Evidence) -> None:
    """The optimiser's state starts where its constants say."""
    trail, model = evidence.trail, evidence.trail.terms.model
    assert trail.published is not None
    if trail.state_header(model.initial_state) != trail.published.state_root:
        fail("document: the published state root is not the start; the sponsor published it")


def _update(evidence: Evidence, number: int, position: int) -> str:
    account = evidence.trail.rounds[number].reveals[position].account
    return f"round {number}: the update of {evidence.who(account)}"


def _read(evidence: Evidence, root: bytes, what: str, read: Reader = require_vector) -> None:
    try:
        read(evidence.task, evidence.store, root)
    except (BlobMissing, BlobCorrupt, InvalidModel) as error:
        fail_without(error, f"store: {what}: {error.message}")
    evidence.store.seen.add(vector_id(evidence.task, root))


def _read_model(evidence: Evidence, number: int) -> None:
    """Read the model and the state that a settled round made; of no round (0), the initial one."""
    trail, task = evidence.trail, evidence.task
    new, whose = _made_by(evidence, number)
    root = trail.model_after(number, task.model.initial)
    _read(evidence, root, f"{new} model{whose}", _compared(evidence, root))
    state = trail.state_after(number)
    if state != ZERO:
        _read(evidence, state, f"{new} state{whose}", require_state)


def _compared(evidence: Evidence, root: bytes) -> Reader:
    """How to read a model: the last one is held against the model file on the way, if there is
    one, so that nobody has to read it again for that."""
    path = evidence.directory / summaries.MODEL_FILE
    if not exists(path) or root != summaries.final_root(evidence.trail, evidence.task):
        return require_vector

    def read(task: Task, store: Store, root: bytes) -> None:
        evidence.model_file = is_model(task, store, root, path)

    return read


def _made_by(evidence: Evidence, number: int) -> tuple[str, str]:
    """What the model after a round is called, and whose it is."""
    rounds = evidence.trail.rounds
    settled = [n for n in rounds if n <= number and isinstance(rounds[n].outcome, RoundSettled)]
    if not settled:
        return "the sponsor's initial", ""
    claim = rounds[max(settled)].claim
    assert claim is not None
    return f"round {max(settled)}: the new", f", voted for by {_voters(evidence, claim)}"


def given_of(evidence: Evidence, number: int) -> Given:
    """What the result of a settled round follows from."""
    trail, task = evidence.trail, evidence.task
    found = trail.rounds[number]
    assert found.claim is not None
    base, state = trail.model_after(number - 1, task.model.initial), trail.state_after(number - 1)
    return Given(task, base, state, found.counted_updates(found.claim.attempt))


def _replayed(evidence: Evidence, numbers: Sequence[int]) -> Generator[Result]:
    """What the settled rounds of these numbers give, in order: those that no note stands for are
    recomputed, and noted as soon as one is what was settled."""
    notes, store = evidence.manner.checkpoints, evidence.store
    rounds = {number: given_of(evidence, number) for number in numbers}
    known = {number: notes.known(number, given, store) for number, given in rounds.items()}
    fresh = {number: given for number, given in rounds.items() if known[number] is None}
    given, watching = [*fresh.values()], _Watching(evidence, fresh)
    with closing(results(given, store.store, evidence.manner.jobs, watching)) as made:
        for number in numbers:
            yield known[number] or _made(evidence, number, rounds[number], made)


class _Watching(Watcher):
    """Notes what rounds give, where that is what was settled, and tells how far they are."""

    def __init__(self, evidence: Evidence, rounds: Mapping[int, Given]) -> None:
        self.evidence, self.rounds = evidence, [*rounds.items()]

    def done(self, place: int, columns: int) -> None:
        (number, _), of = self.rounds[place], self.evidence.task.model.coordinates
        if columns < of:  # a small round is told of when it is done
            self.evidence.manner.told(f"columns of round {number}", columns, of)

    def made(self, place: int, result: Result) -> None:
        number, given = self.rounds[place]
        if not [*_differing(self.evidence, number, result)]:
            self.evidence.manner.checkpoints.add(given, result)


def _made(evidence: Evidence, number: int, given: Given, made: Iterator[Result]) -> Result:
    """The next result; what it takes is read to its end with it."""
    try:
        result = next(made)
    except UpdateMissing as missing:
        what = _update(evidence, number, missing.position)
        fail_without(missing.reason, f"store: {what}: {missing.message}")
    except (BlobMissing, BlobCorrupt, InvalidModel) as error:
        _read_model(evidence, number - 1)
        what = f"round {number}: what it started from"
        fail_without(error, f"store: {what}: {error.message}")
    evidence.store.seen.update(result.copies)
    return result


def _differing(evidence: Evidence, number: int, result: Result) -> Iterator[str]:
    """What a settled round says otherwise."""
    trail, settled = evidence.trail, evidence.trail.rounds[number].outcome
    assert isinstance(settled, RoundSettled)
    model, moments = trail.model_header(result.root), trail.state_header(result.state_root)
    roots = (("model", settled.model_root, model), ("state", settled.state_root, moments))
    for kind, root, follows in roots:
        if root != follows:
            yield f"{kind} root {root.hex()} was settled, {follows.hex()} follows"


def _check_result(evidence: Evidence, number: int, result: Result) -> None:
    claim = evidence.trail.rounds[number].claim
    assert claim is not None
    for told in _differing(evidence, number, result):
        whose = f"voted for by {_voters(evidence, claim)}"
        fail(f"aggregation: round {number}: {told} from the counted updates; {whose}")
    seen = result.statistics
    evidence.accounting.replayed[number] = (seen.saturated, seen.stalled)


def _voters(evidence: Evidence, claim: Claimed) -> str:
    voted = evidence.trail.voters(claim).values()
    return ", ".join(evidence.who(verdict.account) for verdict in voted)


def check_disputes(evidence: Evidence, report: Report) -> None:
    """Say what happened in court: every dispute, and of every claim that fell what the counted
    updates give instead. What the court did was recomputed with every other action; a claim that
    fell although it was right is no difference, but nobody should overlook it."""
    count = 0
    for number, found in sorted(evidence.trail.rounds.items()):
        for attempt, claim in sorted(found.claims.items()):
            if attempt in found.failed:
                report.court.append(_fallen(evidence, found, claim))
        for index, dispute in sorted(found.disputes.items()):
            told = f"{chronicle.subject(dispute)}, by {evidence.who(dispute.opener)}"
            closed = dispute.attempt in found.failed or not dispute.pending
            ruled = chronicle.ruling(dispute) if closed else "open"
            report.court.append(f"round {number}, dispute {index}: {told}: {ruled}")
            count += 1
    if count:
        report.add("disputes", count, "disputes decided as the specification decides them")


def _fallen(evidence: Evidence, found: RoundTrail, claim: Claimed) -> str:
    """A claim that did not settle: by which dispute, and what it should have been."""
    attempt, voted = claim.attempt, evidence.trail.voters(claim)
    upheld = [n for n, d in found.disputes.items() if d.attempt == attempt and d.overturns]
    fate = f"overturned by dispute {upheld[0]}" if upheld else "void, since an update was withheld"
    claimed = next(iter(voted.values()), None)
    if claimed is None:
        return f"round {found.number}, attempt {attempt}: the claim was {fate}"
    told = f"round {found.number}, attempt {attempt}: the claim of model {claimed.model_root.hex()}"
    by = f"voted for by {_voters(evidence, claim)}"
    return f"{told}, {by}, was {fate}; {_instead(evidence, found, claimed)}"


def _instead(evidence: Evidence, found: RoundTrail, claimed: VerdictRevealed) -> str:
    """What the counted updates of a fallen claim give."""
    number, task, trail = found.number, evidence.task, evidence.trail
    base, state = trail.model_after(number - 1, task.model.initial), trail.state_after(number - 1)
    given, jobs = (
        Given(task, base, state, found.counted_updates(claimed.attempt)),
        evidence.manner.jobs,
    )
    try:
        with closing(results([given], evidence.store.store, jobs)) as made:
            result = next(made)
    except UpdateMissing as missing:
        return f"update {missing.position} is not to be had to say what it should have been"
    root, moments = result.root, result.state_root
    if (root, moments) == (claimed.model_root, claimed.state_root):
        return "although the counted updates give it"
    if root == claimed.model_root:
        return f"the counted updates give optimiser state {moments.hex()}"
    return f"the counted updates give model {root.hex()}"
