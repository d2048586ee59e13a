"""Who signs what is exported of a run: who brings a key, or the sponsor, where its key is here."""

from __future__ import annotations

import os

from sheaf.audit.provenance.sealing import Sealer
from sheaf.nodes import record
from sheaf.nodes.accounts import lone_account
from sheaf.nodes.evidence import Evidence
from sheaf.nodes.remote import PAYER, accounts_of
from sheaf.protocol.errors import InvalidDocument, RunNotFound

SPONSOR = "sponsor"
PURPOSE = "exporter"


def sealer_of(evidence: Evidence, ledger_key: bytes | None) -> Sealer | None:
    """Of a 32-byte ledger key, or of the run's sponsor; None where that key is not here: a folder
    that came without its record, or another operator's environment.

    The sponsor's of an embedded ledger is a development account, which everybody has who has the
    folder.
    """
    book, task = evidence.book, evidence.trail.task
    if ledger_key is not None:
        signing = lone_account(ledger_key, PURPOSE).secrets.signing_key(task)
        return Sealer.of(signing, book.deployment, task, ledger_key)
    try:
        plan = record.read(evidence.directory)
    except (RunNotFound, InvalidDocument):
        return None
    account = accounts_of(plan, (PAYER, SPONSOR), os.environ)[SPONSOR]
    published = evidence.trail.published
    if published is None or account.address != published.sponsor:
        return None
    return Sealer.of(account.secrets.signing_key(task), book.deployment, task, account.key)
