"""Stores as plain data, so that another process can open the same ones for reading.

An address may hold a key: a description is handed to one's own processes, and is for no message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sheaf.store.disk import DiskStore
from sheaf.store.http import HttpStore
from sheaf.store.interface import Store
from sheaf.store.layered import LayeredStore
from sheaf.store.several import SeveralStores

Description = dict[str, Any]
"""Of a store; equal ones are of stores that give the same."""


def description(store: Store) -> Description | None:
    """What opens the same store elsewhere; None for one that only this process can reach."""
    # By exact type: whoever derives a store of their own gives something else.
    if type(store) is DiskStore:
        return {"disk": str(store.path.absolute())}
    if type(store) is HttpStore:
        return {"http": store.url, "timeout_s": store.timeout_s}
    if type(store) is LayeredStore:
        layers = _all([store.near, store.far])
        return None if layers is None else {"layers": layers}
    if type(store) is SeveralStores:
        stores = _all([each for _, each in store.stores])
        names = [name for name, _ in store.stores]
        known = {"names": names, "silent": sorted(store.silent)}
        return None if stores is None else {"several": stores, **known}
    return None


def opened(plain: Description) -> Store:
    """The store that `description` described. Raises `StoreUnavailable` as the stores do."""
    if "disk" in plain:
        return DiskStore(Path(plain["disk"]))
    if "http" in plain:
        return HttpStore(plain["http"], plain["timeout_s"])
    if "layers" in plain:
        near, far = map(opened, plain["layers"])
        return LayeredStore(near, far)
    stores = zip(plain["names"], map(opened, plain["several"]), strict=True)
    return SeveralStores([*stores], silent=set(plain["silent"]))


def _all(stores: list[Store]) -> list[Description] | None:
    found = [described for each in stores if (described := description(each)) is not None]
    return found if len(found) == len(stores) else None
