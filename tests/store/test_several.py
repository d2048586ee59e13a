"""Several stores read as one, none of which has to be there, or honest."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from threading import Event

import pytest

from sheaf.protocol.errors import BlobCorrupt, BlobMissing, BlobOutOfReach
from sheaf.store import DiskStore, MemoryStore, Store
from sheaf.store.http import HttpStore
from sheaf.store.interface import sound_copy
from sheaf.store.several import SeveralStores
from tests.store.servers import (
    ABSENT,
    HEAD,
    MODEL,
    MODEL_ID,
    Wrong,
    answered,
    by_method,
    reading,
    running,
)


def test_the_first_sound_copy_is_taken_and_who_gave_another_is_named() -> None:
    lying, honest = MemoryStore(), MemoryStore()
    lying._blobs[MODEL_ID] = MODEL[:-1]
    honest.put(MODEL, MODEL_ID)
    stores = SeveralStores([("liar", lying), ("empty", MemoryStore()), ("honest", honest)])
    assert stores.get(MODEL_ID) == MODEL
    assert stores.troubles == [f"liar: what it has under {MODEL_ID} was refused"]
    assert sound_copy(stores, MODEL_ID).where == "in memory"
    assert stores.troubles == [f"liar: what it has under {MODEL_ID} was refused"]
    assert stores.has(MODEL_ID)
    assert not stores.has(ABSENT)
    assert list(stores.ids()) == [MODEL_ID]
    with pytest.raises(BlobMissing, match=f"{ABSENT}: found in none of liar, empty, honest"):
        stores.get(ABSENT)
    with pytest.raises(BlobCorrupt, match=str(MODEL_ID)):
        SeveralStores([("liar", lying)]).get(MODEL_ID)


def test_a_server_among_them_lists_nothing(served: tuple[DiskStore, str]) -> None:
    _, url = served
    own = MemoryStore()
    own.put(MODEL, MODEL_ID)
    remote = HttpStore(url)
    assert list(SeveralStores([("remote", remote), ("own", own)]).ids()) == [MODEL_ID]
    assert list(SeveralStores([("remote", remote)]).ids()) == []
    remote.close()


def test_who_is_silent_is_asked_once(served: tuple[DiskStore, str]) -> None:
    asked: list[str] = []

    def refusing(handler: BaseHTTPRequestHandler, over: Event) -> None:
        asked.append(handler.command)
        answered(503, {})(handler, over)

    with running(Wrong(refusing)) as url, reading(url) as broken, reading(served[1]) as honest:
        stores = SeveralStores([("broken", broken), ("honest", honest)])
        assert stores.get(MODEL_ID) == MODEL
        assert stores.get(MODEL_ID) == MODEL
        assert asked == ["HEAD"]
        assert stores.troubles == [
            f"broken: {url}: answers with HTTP status 503; it was not asked again"
        ]


def test_what_the_others_lack_is_out_of_reach_while_one_is_silent() -> None:
    """Missing or wrong, it says nothing against anybody: the silent one may have it."""
    lying = MemoryStore()
    lying._blobs[MODEL_ID] = MODEL[:-1]
    with running(Wrong(answered(503, {}))) as url, reading(url) as broken:
        told = f"{MODEL_ID}: found in none of .*broken: {url}: answers with HTTP status 503"
        for other in (MemoryStore(), lying):
            named: list[tuple[str, Store]] = [("broken", broken), ("other", other)]
            for order in (named, named[::-1]):
                for read in (SeveralStores.get, sound_copy):
                    with pytest.raises(BlobOutOfReach, match=told) as caught:
                        read(SeveralStores(order), MODEL_ID)
                    assert caught.value.exit_code == 4
        assert not SeveralStores([("broken", broken)]).has(MODEL_ID)


def test_who_falls_silent_while_it_is_read_is_made_up_for(served: tuple[DiskStore, str]) -> None:
    falling = Wrong(by_method(HEAD, answered(503, {})))
    with running(falling) as url, reading(url) as broken, reading(served[1]) as honest:
        stores = SeveralStores([("broken", broken), ("honest", honest)])
        assert sound_copy(stores, MODEL_ID).where == f"at {served[1]}"
        assert stores.silent == {"broken"}
        alone = SeveralStores([("broken", broken)])
        with pytest.raises(BlobOutOfReach, match="answers with HTTP status 503"):
            sound_copy(alone, MODEL_ID)
