"""`sheaf doctor`: whether this machine can run a task, and what to do where it cannot."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from eth_keys.backends import get_backend

from sheaf.ledger.artifacts import artifact
from sheaf.protocol.errors import SheafError

OLDEST = (3, 11)
CONTRACTS = ("Federation", "Court", "Vault", "Token")


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is as it should be, what was found and what to do."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine(folder: Path) -> list[Finding]:
    """Everything a run needs, looked at from `folder`; slow imports are left out."""
    return [
        _python(),
        *_packages(),
        _torch(),
        _signatures(),
        *_contracts(),
        *_chain(folder),
        _writable(folder),
        _threads(),
    ]


def _python() -> Finding:
    ok = sys.version_info >= OLDEST
    wanted = ".".join(map(str, OLDEST))
    return Finding("python", ok, platform.python_version(), "" if ok else f"install {wanted}")


def _packages() -> Iterator[Finding]:
    """The packages that `sheaf` itself needs; extras are looked at by those who use them."""
    needed = metadata.requires("sheaf") or []
    names = [re.split(r"[^\w.-]", line)[0] for line in needed if "extra ==" not in line]
    absent = [name for name in names if _version(name) is None]
    if not absent:
        yield Finding("packages", True, f"{len(names)} of {len(names)}")
    for name in absent:
        yield Finding(name, False, "not installed", f"pip install {name}")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _torch() -> Finding:
    found = _version("torch") if importlib.util.find_spec("torch") else None
    if found is None:
        advice = "training needs it, verifying does not: pip install 'sheaf[torch]'"
        return Finding("torch", False, "not installed", advice)
    return Finding("torch", True, found)


def _signatures() -> Finding:
    """Which library signs and recovers: the fallback is ten times slower."""
    name = type(get_backend()).__name__
    fast = name.startswith("CoinCurve")
    advice = "" if fast else "signatures are ten times slower without it: pip install coincurve"
    return Finding("signatures", fast, "coincurve" if fast else name, advice)


def _contracts() -> Iterator[Finding]:
    """SHA-256 of each contract's runtime code, to compare with another machine's."""
    for name in CONTRACTS:
        try:
            code = artifact(name).runtime
        except (SheafError, ValueError, KeyError) as error:
            yield Finding(name, False, str(error), "reinstall sheaf: its package is not whole")
        else:
            digest = hashlib.sha256(code).hexdigest()
            yield Finding(name, bool(code), f"sha256 {digest[:16]}, {len(code):,} bytes")


def _chain(folder: Path) -> Iterator[Finding]:
    """Where the project here runs on a chain behind an endpoint: whether that is there, and whether
    the contracts on it are those of the project's address book."""
    from sheaf.store.files import is_file

    if not is_file(folder / "sheaf.toml"):
        return
    from sheaf.apps import chains
    from sheaf.apps.config import load
    from sheaf.ledger.deployment import require
    from sheaf.nodes.remote import connection_of

    try:
        ledger = load(folder).ledger
        if ledger.host != "rpc":
            return
        with chains.opened(connection_of(ledger, os.environ)) as chain:
            final, name = chain.client.head().number, chain.endpoint.name
            yield Finding("chain", True, f"{ledger.chain_id} at {name}, final block {final}")
            if ledger.contracts is not None:
                known = require(ledger.contracts, chain.client, {})
                told = f"as {ledger.contracts.name} says, federation in block {known.block}"
                yield Finding("address book", True, told)
    except SheafError as error:
        yield Finding("chain", False, error.message, error.hint)


def _writable(folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("folder", True, f"{folder} can be written")
    except OSError as error:
        advice = "run from a folder of your own: runs are kept in .sheaf there"
        return Finding("folder", False, f"{folder}: {error.strerror}", advice)


def _threads() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("cpu threads", True, f"{usable} usable")
