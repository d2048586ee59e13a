"""The names of what Sheaf's in-toto statements say, all of one scheme: `urn:sheaf:NAME:VERSION`.

The number is that of a predicate's form; another form gets another number.
"""

from __future__ import annotations

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

RECEIPT = "urn:sheaf:receipt:1"
"""A participant's update, or a member's verdict (`sheaf.identity.statement`)."""

ACT = "urn:sheaf:act:1"
"""A publication, a report, or a move in court (`sheaf.identity.statement`)."""

SETTLED_MODEL = "urn:sheaf:settled-model:1"
"""The model that a task ended with (`sheaf.audit.provenance.attestation`)."""
