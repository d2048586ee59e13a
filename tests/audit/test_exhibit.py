"""What lies behind a hash: everything a small task names, and the court's way to missing bytes."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from sheaf.audit.exhibit import Opened, open_hash
from sheaf.nodes import effects as e
from sheaf.nodes.aggregation import vector_id
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import collect
from sheaf.protocol.actions import Demand, Descend
from sheaf.protocol.court_events import Demanded, Descended
from sheaf.protocol.errors import InvalidUsage
from sheaf.protocol.events import Phase, VerdictRevealed
from sheaf.protocol.hashing import ZERO
from sheaf.protocol.machine import apply
from sheaf.protocol.merkle import leaf_hash
from sheaf.protocol.state import Env
from sheaf.simulation import liars
from tests.audit.scene import GAS, evidence_of
from tests.nodes import faults
from tests.nodes.courtroom import Courtroom
from tests.nodes.plans import STAKE

KEEPS: dict[type[object], Any] = {e.PublishUpdate: liars.keeping}


@pytest.fixture(scope="module")
def room() -> Courtroom:
    made = Courtroom()
    made.run()
    return made


def only(opened: Opened) -> Any:
    (exhibit,) = opened.exhibits
    return exhibit


def test_a_commitment_is_said_with_what_it_was_opened_to(room: Courtroom) -> None:
    evidence = evidence_of(room)
    found = room.trail.rounds[1]
    position, reveal = next(iter(found.reveals.items()))
    commitment = found.commits[position].commitment
    opened = open_hash(evidence, f"0x{commitment.hex()[:12].upper()}")
    exhibit = only(opened)
    assert opened.name == commitment.hex()
    assert exhibit.what == f"commitment to an update, round 1, position {position}"
    assert exhibit.who == evidence.who(reveal.account)
    told = f"update {reveal.root.hex()}, {reveal.samples} samples, salt {reveal.salt.hex()}"
    assert exhibit.opened == f"{told}, receipt none"
    (step,) = (s for s in evidence.steps if s.transaction == exhibit.transaction)
    assert (exhibit.block, exhibit.time) == (step.block, step.time)
    assert type(step.action).__name__ == "Commit"
    # Ten coordinates of four bytes; they begin with the participant's number plus the round's.
    (stored,) = opened.stored
    samples = {10: 2, 20: 3, 30: 4, 40: 5}
    start = samples[reveal.samples]
    assert (stored.sound, stored.size_bytes) == (True, 40)
    assert stored.first == tuple((start + i) / 2**16 for i in range(5))
    assert opened.remedies == ()


def test_every_hash_that_the_ledger_s_events_hold_is_known(room: Courtroom) -> None:
    """Whatever 32 bytes an event holds are called something, in full and by their prefix."""
    evidence = evidence_of(room)
    held = {
        value
        for step in evidence.steps
        for event in step.events
        for value in vars(event).values()
        if isinstance(value, bytes) and len(value) == 32 and value != ZERO
    }
    assert len(held) > 40
    for value in held:
        opened = open_hash(evidence, value.hex())
        assert opened.name == value.hex()
        assert all(stored.sound for stored in opened.stored)


def test_one_root_is_all_that_it_is(room: Courtroom) -> None:
    """A model is what each member of the committee voted for, by root, header or content id."""
    evidence = evidence_of(room)
    verdicts = room.trail.rounds[1].verdicts.values()
    (root,) = {v.model_root for v in verdicts if isinstance(v, VerdictRevealed)}
    for name in (root.hex(), str(vector_id(room.task, root))):
        exhibits = open_hash(evidence, name).exhibits
        assert [each.who for each in exhibits] == [evidence.who(v.account) for v in verdicts]
        assert {each.opened for each in exhibits} == {"the claim"}
    header = open_hash(evidence, room.trail.model_header(root).hex())
    assert len(header.exhibits) == 4  # and as what was settled
    assert header.exhibits[-1].opened == f"tree root {root.hex()}"
    assert [each.first[0] for each in header.stored] == [room.model(root)[0] / 2**16]


def test_bitmaps_transactions_documents_and_the_head(room: Courtroom) -> None:
    evidence = evidence_of(room)
    bitmaps = open_hash(evidence, "0xf").exhibits
    assert [each.what for each in bitmaps] == [
        *["bitmap, attested, round 1, attempt 1"] * 3,
        "bitmap, counted set, round 1, attempt 1",
    ]
    assert bitmaps[-1].opened.count("participant 0x") == 4
    first = only(open_hash(evidence, hashlib.sha256((1).to_bytes(8)).hexdigest()))
    assert first.what == f"transaction of a Publish, {GAS} gas"
    assert first.opened == "caused TaskPublished, PhaseStarted"
    document = open_hash(evidence, str(room.task.cid))
    assert only(document).what == "task document"
    assert document.stored[0].size_bytes == len(room.task.encode())
    assert only(open_hash(evidence, "07" * 32)).what.startswith("the ledger's head")


def test_a_blob_that_nothing_names(room: Courtroom) -> None:
    evidence = evidence_of(room)
    extra = vector_id(room.task, leaf_hash(b"extra"))
    room.shared.put(b"extra", extra)
    opened = open_hash(evidence, str(extra))
    assert only(opened).what == "a blob that nothing on the ledger names"
    assert opened.stored[0].size_bytes == 5


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("", "which nothing here is called"),
        ("0x", "which nothing here is called"),
        ("zz", "which nothing here is called"),
        ("b", r"which begins \d+ names: b"),
    ],
)
def test_what_is_nothing_or_not_one_thing_is_refused(
    room: Courtroom, reference: str, told: str
) -> None:
    with pytest.raises(InvalidUsage, match=told):
        open_hash(evidence_of(room), reference)


def in_window(trail: Trail) -> bool:
    return trail.phase == Phase.CHALLENGE


def test_of_an_update_that_is_kept_back_the_demand_that_the_court_takes() -> None:
    keeping = {
        "participant-2": {**KEEPS, e.Produce: liars.mute},
        "aggregator": {
            e.Collect: faults.attesting,
            e.Aggregate: faults.from_nothing,
            e.PublishModel: liars.keeping,
        },
    }
    room = Courtroom(keeping)
    room.run(in_window)
    evidence = evidence_of(room)
    found = room.trail.rounds[1]
    mine = room.account("participant-2")
    (reveal,) = (r for r in found.reveals.values() if r.account == mine)
    opened = open_hash(evidence, reveal.root.hex())
    assert [each.sound for each in opened.stored] == [False]
    (remedy,) = opened.remedies
    # The last of three chunks of sixteen bytes, for one bond, while the window is open.
    assert remedy.action == Demand(room.trail.task, reveal.position, 2, 1 * STAKE)
    assert remedy.open
    assert remedy.until == room.trail.deadline == remedy.now + 600
    who = Env(room.account("challenger"), remedy.until - 1)
    (demanded,) = apply(room.federation, who, remedy.action)
    assert isinstance(demanded, Demanded)
    # The claim's own bytes are not served, either.
    verdict = room.trail.claimed_verdict(1)
    assert verdict is not None
    (way,) = open_hash(evidence, verdict.model_root.hex()).remedies
    assert isinstance(way.action, Descend)
    assert way.open
    assert isinstance(apply(room.federation, who, way.action)[0], Descended)


def test_a_second_demand_costs_two_bonds_and_after_the_window_none_is_taken() -> None:
    keeping = {
        "participant-2": {**KEEPS, e.Produce: liars.mute},
        "aggregator": {
            e.Collect: faults.in_first_attempts(faults.attesting, collect),
            e.Aggregate: faults.in_first_attempts(faults.from_nothing),
            e.PublishModel: faults.withholding,
        },
    }
    room = Courtroom(keeping)
    room.run(lambda trail: in_window(trail) and bool(trail.now.disputes))
    evidence = evidence_of(room)
    (lost,) = (
        r.root
        for r in room.trail.rounds[1].reveals.values()
        if r.account == room.account("participant-2")
    )
    (remedy,) = open_hash(evidence, lost.hex()).remedies
    # The last chunk was demanded already, and is once in an attempt.
    position = room.trail.now.cohort.index(room.account("participant-2"))
    assert remedy.action == Demand(room.trail.task, position, 1, 2 * STAKE)
    assert remedy.open
    who = Env(room.account("challenger"), remedy.until - 1)
    assert isinstance(apply(deepcopy(room.federation), who, remedy.action)[0], Demanded)
    room.run()
    (remedy,) = open_hash(evidence_of(room), lost.hex()).remedies
    assert not remedy.open
    assert remedy.until < remedy.now
    assert remedy.attempt == 1


def test_wrong_bytes_are_told(room: Courtroom) -> None:
    """Of a vector of another length than the terms say, too."""
    evidence = evidence_of(room)
    layout = room.task.model.layout
    longer = replace(room.task.model, layout=(replace(layout[0], shape=(11,)),))
    root = room.trail.rounds[1].reveals[0].root
    (stored,) = open_hash(
        replace(evidence, task=replace(room.task, model=longer)), root.hex()
    ).stored
    assert not stored.sound
    assert "found 40 bytes, accepted: 44" in stored.wrong
