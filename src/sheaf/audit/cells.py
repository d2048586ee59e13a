"""Cells that several tables share: who, how much, and what there is none of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sheaf.audit.plainly import amount

Parts = Mapping[str, Any]
DASH = "\N{EN DASH}"
"""What stands where there is nothing."""


def who(report: Parts, place: int) -> str:
    """The short label of somebody."""
    return str(report["actors"][place]["label"])


def tokens(report: Parts, kind: str, units: str) -> str:
    """An amount in whole tokens; a dash for nothing."""
    return amount(int(units), report["money"]["tokens"][kind]) if units != "0" else DASH


def bare(report: Parts, kind: str, units: str) -> str:
    """An amount in whole tokens without their symbol; a dash for nothing."""
    return tokens(report, kind, units).rpartition(" ")[0] or DASH


def number(value: float | None) -> str:
    """A number to six digits; a dash for none."""
    return DASH if value is None else f"{value:.6g}"
