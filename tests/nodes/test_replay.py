"""What is replayed beside the ledger: here, that every reveal opens its owner's commitment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sheaf.nodes.evidence import Report
from sheaf.nodes.replay import check_commitments
from sheaf.protocol.errors import VerificationFailed
from tests.nodes.stage import Played, evidence_of


def test_a_reveal_that_does_not_open_its_commitment_names_the_participant(honest: Played) -> None:
    """No ledger holds one, for the contract refuses it; so it is put into the trail."""
    evidence, report = evidence_of(honest.directory), Report("")
    check_commitments(evidence, report)
    assert report.checks[0].count == 8  # four participants, two rounds
    found = evidence.trail.rounds[2]
    reveal, other = found.reveals[1], bytes(31) + b"\1"
    forgeries = (
        replace(reveal, root=other),
        replace(reveal, samples=reveal.samples + 1),
        replace(reveal, receipt=other),
        replace(reveal, salt=other),
    )
    for forgery in forgeries:
        forged = replace(found, reveals={**found.reveals, 1: forgery})
        trail = replace(evidence.trail, rounds={**evidence.trail.rounds, 2: forged})
        with pytest.raises(VerificationFailed) as failed:
            check_commitments(replace(evidence, trail=trail), Report(""))
        who = evidence.who(reveal.account)
        told = f"commitment: round 2: the reveal of {who} does not open its commitment"
        assert failed.value.message == told
