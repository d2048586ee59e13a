"""Addresses of servers, and how much of one may be told.

Providers put keys into paths, queries and user names, so what stands for an address in messages and
logs is scheme, host and port.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

_PORTS = {"http": 80, "https": 443}
_LIKE = re.compile(r"(?is)https?\b|[\w-][\w.-]*\.[\w-]+/|.*(?:[@?]|//|:[/\d])")
"""What begins as an address does, with scheme or without, or has a mark in it that few paths
have."""


def like_address(text: str) -> bool:
    """Whether a text may have been meant as an address, and so may have a secret in it."""
    return _LIKE.match(text) is not None


def quoted(text: str, *, wanted: bool = True) -> str:
    """A text that is neither an address nor what lies on a disk, as a message may have it, where a
    server's address is `wanted` or is not."""
    if like_address(text):
        return "no address" if wanted else "what may be a server's address"
    return f"{text!r:.200}"


@dataclass(frozen=True)
class Address:
    """Where a server is. `target` is path and query as a request names them, and `authorization`
    the header's value, "" for none; neither is shown."""

    scheme: str
    host: str
    port: int
    name: str
    target: str = field(default="", repr=False)
    authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address in a text. Raises ValueError, which says nothing of it, where there is none:
        other schemes, a fragment, or characters that no request may hold."""
        parts = _parts(text)
        if parts.scheme not in _PORTS or not parts.hostname or parts.port == 0 or parts.fragment:
            raise ValueError("no address")
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        for each in (parts.hostname, target):
            if not (each.isascii() and each.isprintable()) or " " in each:
                raise ValueError("no address")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        shown = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
        port = parts.port or _PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, shown, target, _authorization(parts))

    @property
    def secure(self) -> bool:
        """Whether the server is asked over TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as a request names them."""
        return self.name.partition("://")[2]


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # which is read here or not at all
    except ValueError:
        raise ValueError("no address") from None
    return parts


def _authorization(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"
