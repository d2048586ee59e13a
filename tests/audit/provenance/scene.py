"""Verified runs with their archives, and what is written of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from sheaf.audit.provenance.graph import Lineage, lineage
from sheaf.audit.provenance.papers import FILES, papers
from sheaf.ledger.archive import FileArchive
from sheaf.ledger.engine import Header, decode_header
from sheaf.nodes.evidence import Evidence
from tests.nodes.stage import Played, evidence_of


@dataclass(frozen=True)
class Scene:
    """A run that was verified."""

    played: Played
    evidence: Evidence

    @classmethod
    def of(cls, played: Played) -> Scene:
        return cls(played, evidence_of(played.directory))

    @property
    def ledger(self) -> Path:
        return self.played.directory / "ledger.sqlite"

    @cached_property
    def papers(self) -> dict[str, bytes]:
        """All files, by their names."""
        with FileArchive.opened(self.ledger) as archive:
            return papers(self.evidence, archive, FILES)

    @cached_property
    def lineage(self) -> Lineage:
        return lineage(self.evidence)

    @property
    def model(self) -> bytes:
        return (self.played.directory / "model.safetensors").read_bytes()

    @property
    def file(self) -> BytesIO:
        """The model's file, opened."""
        return BytesIO(self.model)

    @property
    def statement(self) -> bytes:
        return self.papers["attestation.json"]

    @property
    def head(self) -> Header:
        return decode_header(bytes.fromhex(self.papers["header.hex"].decode()))

    def plain(self) -> Any:
        """The statement as JSON values, to change."""
        return json.loads(self.statement)
