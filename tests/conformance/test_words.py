"""The tries read by hand give what the engine reads."""

from __future__ import annotations

from sheaf.ledger.pyevm import PyEvmEngine
from tests.conformance.grounds import EmbeddedGround
from tests.worlds import account

CONTRACT = b"\x0c" * 20


def test_words_are_what_the_engine_says() -> None:
    ground = EmbeddedGround.begin(5, [account("sponsor")])
    # Few and many slots, so that there are leaves, extensions and branches, some of them inline.
    slots = [*range(300), *(2**255 + 7**n for n in range(40))]
    for time, count in enumerate((0, 1, 2, 17, len(slots)), 1):
        writes = [(CONTRACT, slot, slot % 251 * 257**9) for slot in slots[:count]]
        ground.poke(writes, time)
        engine = ground._ledger.engine
        assert isinstance(engine, PyEvmEngine)
        asked = (*slots, 2**200, 999)
        assert [ground.storage(CONTRACT, slot) for slot in asked] == [
            engine.storage(CONTRACT, slot) for slot in asked
        ]
        assert ground.storage(b"\x0d" * 20, 0) == 0


def test_a_word_is_that_of_the_head() -> None:
    ground = EmbeddedGround.begin(5, [account("sponsor")])
    ground.poke([(CONTRACT, 3, 5)], 1)
    apart = ground.copy()
    ground.poke([(CONTRACT, 3, 6)], 2)
    assert (ground.storage(CONTRACT, 3), apart.storage(CONTRACT, 3)) == (6, 5)
