"""What an error's line leaves out: addresses of the command line that may have a secret in them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from sheaf.protocol.errors import SheafError
from sheaf.transport.address import like_address

HIDDEN = "..."
_CUT = 40
"""Characters of a quotation that is cut off; no message cuts a shorter one."""
_EMPTY = re.compile(r"(?i)(?:https?)?\W*")
_WEB = ("http://", "https://")


def discreet(message: str, arguments: Sequence[str]) -> str:
    """A message without what may have been meant as an address among the arguments, in whatever
    form it stands there. An address that hides nothing stays, and so does a path of this disk."""
    texts = {part for each in arguments for part in (each, each.partition("=")[2])}
    for text in sorted(texts, key=len, reverse=True):
        if like_address(text) and not _EMPTY.fullmatch(text):
            kept = _without(message, text)
            if kept != message and not (_on_disk(text) or _hides_nothing(text)):
                message = kept
    return message


def _without(message: str, text: str) -> str:
    """A message without a text as it is, quoted, cut off, or made a path, which has slashes
    less."""
    message = _without_form(message, text)
    begins = message.find(repr(text)[:_CUT]) if len(text) > _CUT else -1
    if begins >= 0:
        pairs = zip(message[begins:], repr(text), strict=False)
        cut = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        message = f"{message[:begins]}{HIDDEN}{message[begins + cut :]}"
    path = Path(text)
    for each in (path, *path.parents):
        # One part alone is a scheme or a root, and stands in other addresses.
        if like_address(str(each)) and len(each.parts) > 1:
            message = _without_form(message, str(each))
    return message


def _without_form(message: str, text: str) -> str:
    return message.replace(repr(text)[1:-1], HIDDEN).replace(text, HIDDEN)


def _on_disk(text: str) -> bool:
    """Whether something lies there, or would in a folder that makes it like an address."""
    folders = [str(each) for each in Path(text).parents if each != each.parent]
    return any(os.path.lexists(each) for each in [text, *folders] if like_address(f"{each}/"))


def _hides_nothing(text: str) -> bool:
    """Whether an address may be told as it is: without a path, or with `${NAME}` in its place."""
    from sheaf.apps.strangers import told

    try:
        return text.lower().startswith(_WEB) and told(text, "") == text
    except SheafError:
        return False
