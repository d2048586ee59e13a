"""The smallest task with a claim in its window: one participant, one aggregator, one round."""

from __future__ import annotations

from collections.abc import Iterator

from sheaf.protocol import merkle
from sheaf.protocol.actions import (
    Action,
    Advance,
    Commit,
    CommitVerdict,
    Hold,
    Open,
    Publish,
    Register,
    Reveal,
    RevealVerdict,
)
from sheaf.protocol.hashing import ZERO, Deployment, Verdict
from sheaf.protocol.merkle import Kind
from sheaf.protocol.state import Role
from sheaf.protocol.terms import Terms
from tests.play import digest
from tests.worlds import account

PARTICIPANT, MEMBER, SPONSOR = "participant 1", "aggregator 0", "sponsor"
Step = tuple[int, str, Action]
"""How many seconds pass, and who does what then."""


def to_the_window(
    here: Deployment, terms: Terms, document: str, old: bytes, update: bytes, new: bytes
) -> Iterator[Step]:
    """From publication to the window of a claim: tree roots of the model that was there, of the
    participant's update and of the claimed model."""
    task, salt, s = here.task_id(account(SPONSOR), digest(document)), digest("salt"), terms.schedule

    def closed(seconds: int) -> Step:
        return seconds, "auditor", Advance(task)

    yield 0, SPONSOR, Publish(terms, digest(document), old, ZERO, terms.escrow)
    for label, role in ((PARTICIPANT, Role.PARTICIPANT), (MEMBER, Role.AGGREGATOR)):
        word = here.nonce_hash(task, account(label), ZERO)
        yield 0, label, Register(task, role, word, 200)
    yield closed(s.register_s)
    for label in (PARTICIPANT, MEMBER):
        yield 0, label, Open(task, ZERO)
    yield closed(s.open_s)
    word = here.update_commitment(task, 1, account(PARTICIPANT), update, 1, ZERO, salt)
    yield 0, PARTICIPANT, Commit(task, word)
    yield closed(s.commit_s)
    yield 0, PARTICIPANT, Reveal(task, update, 1, ZERO, salt)
    yield closed(s.reveal_s)
    yield 0, MEMBER, Hold(task, 1)
    yield closed(s.hold_s)
    m = terms.model
    header = merkle.header(Kind.MODEL, 4, m.coordinates, m.leaves, new)
    verdict = Verdict(1, ZERO, header, ZERO, ZERO, salt)
    word = here.verdict_commitment(task, 1, 1, account(MEMBER), verdict)
    yield 0, MEMBER, CommitVerdict(task, word)
    yield closed(s.verdict_commit_s)
    yield 0, MEMBER, RevealVerdict(task, ZERO, new, ZERO, ZERO, salt)
    yield closed(s.verdict_reveal_s)
