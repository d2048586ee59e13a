"""Signing keys as people keep them: 64 hex digits, in a file of their own or in a variable."""

from __future__ import annotations

import re

from coincurve import PrivateKey

from sheaf.protocol.errors import InvalidConfiguration

KEY_VARIABLE = "SHEAF_KEY"
"""The environment variable of whoever pays on a chain behind an endpoint."""

_DIGITS = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


def parse_key(text: str, where: str) -> bytes:
    """The 32-byte key in 64 hex digits. Raises InvalidConfiguration, which names `where` they were
    and never shows them."""
    matched = _DIGITS.fullmatch(text.strip())
    try:
        if matched is None:
            raise ValueError
        return PrivateKey(bytes.fromhex(matched[1])).secret
    except ValueError:
        raise InvalidConfiguration(f"{where}: found no key, accepted: 64 hex digits") from None
