"""A challenger outside of anybody's run, on a chain that goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from sheaf.identity.envelope import Envelope
from sheaf.identity.statement import Receipt
from sheaf.ledger.client import data_of
from sheaf.ledger.federation import note_of
from sheaf.nodes import effects as e
from sheaf.nodes import outsider
from sheaf.nodes.acts import ACTS, name_of
from sheaf.nodes.attesting import is_bound, receipt_id
from sheaf.nodes.cast import STORE, Cast
from sheaf.nodes.runner import Stuck
from sheaf.nodes.watchtower import Watchtower
from sheaf.protocol.content import ContentId
from sheaf.protocol.errors import StoreUnavailable
from sheaf.protocol.events import Phase
from sheaf.simulation import liars
from sheaf.store.disk import DiskStore
from sheaf.store.interface import Copy
from tests.ledger.chain import START, key_of
from tests.ledger.node import REMOTE, Node
from tests.nodes import faults
from tests.nodes.outside import ETHER, TOKENS, Ear, Outsider, Scene, clocked, embedded
from tests.nodes.plans import STAKE
from tests.nodes.stage import Played, play


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scene]:
    with Node(version=REMOTE) as node:
        node.automine, node.next_time = False, START
        payer = key_of("sponsor")
        with closing(
            Scene(node.url, clocked(monkeypatch, node.url, payer), tmp_path, payer)
        ) as made:
            yield made


Lie = Callable[[Cast], None]
WRONG: Lie = partial(liars.lying_committee, round=1, withholds=False)
HIDDEN: Lie = partial(liars.lying_committee, round=1, withholds=True)


def withheld(cast: Cast) -> None:
    """An owner keeps its update, and members that never had it claim something."""
    cast.node("participant-2").equip({e.PublishUpdate: liars.keeping, e.Produce: liars.mute})
    blind = faults.in_first_attempts(faults.from_nothing)
    hiding = {e.Collect: faults.attesting, e.Aggregate: blind, e.PublishModel: faults.withholding}
    faults.equip(cast, "aggregator", hiding)


def begin(scene: Scene, lie: Lie) -> Outsider:
    """A cast that lies, and somebody outside who looks before every block."""
    outside = Outsider(scene, scene.cast(lie))
    scene.clock.watching.append(outside)
    return outside


def roots(played: Played) -> str:
    return str(played.summary["model"]["root"])


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model root of the task where nobody lies."""
    return roots(play(tmp_path_factory.mktemp("honest") / "run", embedded()))


@pytest.mark.parametrize(
    ("lie", "sent", "earned"),
    [
        (WRONG, ["Challenge"], 9 * STAKE),
        (HIDDEN, ["Descend"], 9 * STAKE),
        (withheld, ["Demand"], 2 * STAKE),
    ],
    ids=["challenged", "descended", "demanded"],
)
def test_an_outsider_wins_against_a_whole_committee(
    scene: Scene, honest: str, lie: Lie, sent: list[str], earned: int
) -> None:
    outside = begin(scene, lie)
    played, tower = scene.play(outside.cast), outside.finish()
    assert outside.ear.sent[: len(sent)] == sent
    assert outside.ear.sent[-1] == "Withdraw"
    assert [line for line in outside.ear.moves if "fails" in line] == []
    assert played.summary["status"] == "settled"
    assert (outsider.earned(tower.state), outsider.lost(tower.state)) == (earned, 0)
    assert outsider.locked(tower.state) == outsider.withdrawable(tower.state) == 0
    has = tower.purse.means(tower.chain.client())
    assert has.tokens == TOKENS + earned
    # What it wrote down of gas is what its ether went for.
    assert has.wei == ETHER - tower.purse.moves.spent_wei
    require_signed(tower)
    # Of the first claim over an update that nobody has, nothing is told but the finding.
    wrong = [] if lie is withheld else ["1.1: recomputed, wrong"]
    assert outside.ear.claims == [*wrong, "1.2: recomputed, right"]
    if lie is not withheld:
        assert roots(played) == honest


def require_signed(tower: Watchtower) -> None:
    """Each act names a receipt, which lies in the store that the outsider serves."""
    acts = 0
    for signed, ended in tower.purse.moves.ended:
        if isinstance(signed.action, ACTS):
            note = note_of(signed.action, data_of(signed.raw))
            content = tower.workshop.shared.get(receipt_id(note))
            receipt = Receipt.decode(Envelope.decode(content).payload)
            assert is_bound(receipt)
            assert receipt.step.account == tower.purse.account
            assert receipt.step.act is not None
            assert receipt.step.act.name == name_of(signed.action)
            assert (receipt.step.role, ended.failure) == ("challenger", "")
            acts += 1
    assert acts


def test_whoever_is_killed_at_every_move_makes_each_once(scene: Scene, honest: str) -> None:
    outside = begin(scene, HIDDEN)
    lives = [outside.ear]

    def mortal() -> None:
        """Dies as soon as something was handed in, before any block has it, and lives again."""
        outside()
        if outside.tower is not None and len(outside.ear.sent):
            outside.leave()
            outside.ear = Ear()
            lives.append(outside.ear)
            outside()

    scene.clock.watching[:] = [mortal]
    played, tower = scene.play(outside.cast), outside.finish()
    moves = [move for ear in lives for move in ear.sent]
    assert moves == ["Descend", "Decide of dispute 1", "Withdraw"]
    assert len(lives) >= len(moves)
    # With the approval of its tokens: nothing was sent twice, and nothing failed.
    ended = tower.purse.moves.ended
    assert [end.failure for _, end in ended] == [""] * 4
    assert len({signed.nonce for signed, _ in ended}) == 4
    assert roots(played) == honest


def test_where_the_sponsor_vanishes_the_outsider_goes_to_the_end_itself(scene: Scene) -> None:
    outside = begin(scene, WRONG)
    sponsor = outside.cast.node("sponsor")
    faults.silent(sponsor, lambda trail: bool(trail.rounds and trail.now.disputes))
    with pytest.raises(Stuck):
        scene.play(outside.cast)
    tower = outside.finish()
    # Nobody else was there any more, so that the second attempt came to nothing.
    assert tower.state.trail.over
    assert {"Advance", "Settle", "Withdraw"} <= set(outside.ear.sent)
    assert tower.purse.means(tower.chain.client()).tokens == TOKENS + outsider.earned(tower.state)
    assert outsider.lost(tower.state) == 0


class Moody(DiskStore):
    """A store of others that is down for a while, but for what was in it at first: the task."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.down, self.first = False, set(self.ids())

    def copies(self, content_id: ContentId) -> Iterator[Copy]:
        """As `Store.copies`, where it answers."""
        if self.down and content_id not in self.first:
            raise StoreUnavailable("theirs does not answer")
        yield from super().copies(content_id)


def test_a_store_that_is_down_is_asked_again_before_anything_is_demanded(scene: Scene) -> None:
    outside, store = begin(scene, WRONG), Moody(scene.folder / "run" / STORE)
    sponsor, looks = outside.cast.nodes[0], []

    def moody() -> None:
        """Down in the first three looks at the claim."""
        claimed = sponsor.state.trail.phase == Phase.CHALLENGE
        looks.extend([claimed] * claimed)
        store.down = 0 < len(looks) <= 3
        outside()
        if outside.tower is not None:
            outside.tower.stores.stores = [("theirs", store)]

    scene.clock.watching[:] = [moody]
    scene.play(outside.cast)
    outside.finish()
    assert len(looks) > 3
    assert any("theirs does not answer" in line for line in outside.ear.warnings)
    # No bond went into a demand of what lay there all the time.
    assert outside.ear.sent == ["Challenge", "Decide of dispute 1", "Withdraw"]
