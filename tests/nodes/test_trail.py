"""From a ledger's events alone: the whole trail of a task, against expectations made by hand.

Only the ledger's file is read, not even the address book: the federation is whoever published a
task. Hashes are recomputed here with `hashlib` from the protocol's pages.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import dag_cbor
import numpy as np
import pytest

from sheaf.ledger.database import LedgerFile, LogFilter
from sheaf.ledger.federation import (
    AddressBook,
    event_of,
    federation_interface,
    vault_interface,
)
from sheaf.nodes.trail import Trail, fold
from sheaf.protocol.events import FeePaid, Paid, Phase, RoundSettled, TaskPublished, Withdrawn
from sheaf.protocol.state import Role
from tests.nodes.plans import STAKE, TOKEN
from tests.nodes.stage import Played

COORDINATES = 5  # four weights and a bias, one chunk of twenty bytes


def read(path: Path) -> Trail:
    """The trail in a ledger file."""
    file = LedgerFile.open(path, read_only=True)
    try:
        logs, chain = file.logs(LogFilter(0, file.height())), file.genesis().chain_id
    finally:
        file.close()
    published, withdrawn = (
        interface.topic(kind)
        for interface, kind in (
            (federation_interface(), TaskPublished),
            (vault_interface(), Withdrawn),
        )
    )
    federation = next(log.address for log in logs if log.topics[0] == published)
    vault = next(log.address for log in logs if log.topics[0] == withdrawn)
    book = AddressBook(chain, federation, b"", vault, b"", b"")
    happened = [event for event in (event_of(book, log) for log in logs) if event is not None]
    (task,) = {event.task for event in happened if isinstance(event, TaskPublished)}
    trail = Trail(book.deployment, task)
    for event in happened:
        trail = fold(trail, event)
    return trail


@pytest.fixture(scope="module")
def trail(honest: Played) -> Trail:
    return read(honest.directory / "ledger.sqlite")


def words(*values: int | bytes | str) -> bytes:
    """Static ABI words: text right-padded, the rest left-padded to 32 bytes."""
    found = b""
    for value in values:
        if isinstance(value, str):
            found += value.encode().ljust(32, b"\0")
        else:
            raw = value.to_bytes(32, "big") if isinstance(value, int) else value
            found += raw.rjust(32, b"\0")
    return found


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def header_of(tree_root: bytes) -> bytes:
    """A model's header: 0x02, kind 1, four bytes an element, coordinates, one leaf, tree root."""
    return sha256(b"\x02" + words(1, 4, COORDINATES, 1, tree_root))


def blobs(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in (directory / "store").glob("??/*")]


def blob(directory: Path, tree_root: bytes) -> bytes:
    """The one blob whose single leaf, 0x00 and its bytes, hashes to a tree root."""
    (found,) = [data for data in blobs(directory) if sha256(b"\0" + data) == tree_root]
    return found


def test_the_task(trail: Trail, honest: Played) -> None:
    published = trail.published
    assert published is not None
    (document,) = [d for d in blobs(honest.directory) if sha256(d) == published.document]
    plain = dag_cbor.decode(document)
    assert isinstance(plain, dict)
    assert plain["name"] == "tiny"
    assert published.deposit == 2 * 110 * TOKEN
    assert trail.task == sha256(
        words("sheaf/task/1", 1337, trail.deployment.address, published.sponsor, published.document)
    )
    assert (trail.phase, trail.round, trail.attempt) == (Phase.DONE, 2, 1)
    assert trail.ended is not None
    assert (trail.ended.refund, trail.ended.cause) == (0, 0)


def test_the_seats_and_what_they_staked(trail: Trail) -> None:
    seats = Counter((seat.role, seat.stake) for seat in trail.seats.values())
    assert seats == {(Role.PARTICIPANT, 8 * STAKE): 4, (Role.AGGREGATOR, 12 * STAKE): 3}
    for role, pool in trail.pools.items():
        assert [trail.seats[account].index for account in pool] == [*range(len(pool))]
        assert {trail.seats[account].role for account in pool} == {role}


def test_the_cohorts(trail: Trail) -> None:
    for found in trail.rounds.values():
        assert sorted(found.cohort) == sorted(trail.pools[Role.PARTICIPANT])
    first, second = trail.rounds[1], trail.rounds[2]
    salts = 0
    for revealed in first.reveals.values():
        salts ^= int.from_bytes(revealed.salt)
    assert second.seed == sha256(words("sheaf/next-seed/1", first.seed, 1, salts))


def test_the_commitments_bind_root_samples_receipt_and_sender(trail: Trail) -> None:
    for number, found in trail.rounds.items():
        assert len(found.commits) == len(found.reveals) == 4
        for position, e in found.reveals.items():
            opened = (number, e.account, e.root, e.samples, e.receipt, e.salt)
            bound = (1337, trail.deployment.address, trail.task, *opened)
            assert found.commits[position].commitment == sha256(words("sheaf/update/1", *bound))
            assert found.cohort[position] == e.account
            assert any(e.receipt)


def test_the_contributions(trail: Trail, honest: Played) -> None:
    named = honest.cast.names()
    for found in trail.rounds.values():
        samples = {named[e.account]: e.samples for e in found.reveals.values()}
        others = {f"participant-{i}": 40 for i in (2, 3, 4)}
        assert samples == {"participant-1": 80, **others}


def test_the_evidence_of_an_aggregation(trail: Trail) -> None:
    members = set(trail.pools[Role.AGGREGATOR])
    for number, found in trail.rounds.items():
        assert set(trail.committee(number, 1)) == members
        assert {held.bitmap for held in found.holds.values()} == {0b1111}
        assert found.counted == {1: 0b1111}
        assert {verdict.account for verdict in found.verdicts.values()} == members
        assert found.failures == ()
        assert found.claim is not None
        verdict = trail.claimed_verdict(number)
        assert verdict is not None
        where = (1337, trail.deployment.address, trail.task, number, 1, 0b1111)
        claim = words("sheaf/claim/1", *where, 0, header_of(verdict.model_root), 0)
        assert found.claim.claim == sha256(claim)


def test_the_checkpoints_are_the_weighted_means_of_the_updates(
    trail: Trail, honest: Played
) -> None:
    published = trail.published
    assert published is not None
    start = [d for d in blobs(honest.directory) if len(d) == 4 * COORDINATES]
    (model,) = [d for d in start if header_of(sha256(b"\0" + d)) == published.model_root]
    vector = np.frombuffer(model, "<i4").astype(object)
    for number, found in sorted(trail.rounds.items()):
        total = np.zeros(COORDINATES, dtype=object)
        for e in found.reveals.values():
            update = np.frombuffer(blob(honest.directory, e.root), "<i4").astype(object)
            total += e.samples * update
        # Nearest, halves away from zero, of 200 samples.
        mean = [(abs(v) + 100) // 200 * (1 if v >= 0 else -1) for v in total]
        vector = vector + np.array(mean, dtype=object)
        root = sha256(b"\0" + vector.astype("<i4").tobytes())
        assert isinstance(found.outcome, RoundSettled)
        assert found.outcome.model_root == header_of(root)
        assert trail.model_after(number, b"") == root


def test_the_metrics_are_counts_over_the_held_out_samples(trail: Trail, honest: Played) -> None:
    assert sorted(trail.metrics) == [0, 1, 2]
    for number, report in trail.metrics.items():
        plain: Any = dag_cbor.decode(report)
        assert sorted(plain) == ["accuracy", "auc", "loss"]
        accuracy = plain["accuracy"]
        assert accuracy[1:] == [0, 200]
        told = honest.summary["rounds"][number - 1]["metrics"] if number else None
        told = told or honest.summary["initial_metrics"]
        assert told["accuracy"] == accuracy[0] / 200


def test_the_payments(trail: Trail) -> None:
    for number in trail.rounds:
        mine = [p for p in trail.payments if p.round == number]
        rewards = sorted(p.reward for p in mine if isinstance(p, Paid))
        assert rewards == [20 * TOKEN] * 3 + [40 * TOKEN]
        assert sum(rewards) == 100 * TOKEN
        assert [p.amount for p in mine if isinstance(p, FeePaid)] == [10 * TOKEN // 3] * 3
    assert len(trail.payments) == 2 * (4 + 3)


def test_what_was_earned_is_claimed_and_withdrawn(trail: Trail) -> None:
    assert set(trail.claims) == set(trail.seats)
    earned: Counter[bytes] = Counter()
    for payment in trail.payments:
        assert isinstance(payment, Paid | FeePaid)
        earned[payment.account] += payment.reward if isinstance(payment, Paid) else payment.amount
    for account, claim in trail.claims.items():
        assert (claim.stake, claim.credit) == (trail.seats[account].stake, earned[account])
        taken = {w.token: w.amount for w in trail.withdrawals if w.account == account}
        assert sorted(taken.values()) == sorted((claim.stake, claim.credit))
