"""Courts on the real contracts: whoever lies, the task ends with the honest model, and a stranger
recomputes it all and reads what happened in court."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sheaf.nodes import effects as e
from sheaf.nodes import record
from sheaf.nodes.cast import Cast, assemble, reassemble
from sheaf.nodes.evidence import Report
from sheaf.nodes.plan import Plan
from sheaf.nodes.runner import Runner
from sheaf.nodes.verification import verify
from sheaf.protocol.errors import VerificationFailed
from sheaf.protocol.optimisers import Constants
from sheaf.simulation import liars
from tests.e2e.courses import Left
from tests.nodes import faults
from tests.nodes.plans import STAKE, committee, economics, plan, schedule
from tests.nodes.stage import Played, Watcher, play

ADAM = Constants(10, 100, 2**20, 2**14)
CLAIMS: dict[type[object], Any] = {e.Aggregate: faults.in_first_attempts(liars.wrong_at(4))}
HIDES: dict[type[object], Any] = {**CLAIMS, e.PublishModel: faults.withholding}
KEEPS: dict[type[object], Any] = {e.PublishUpdate: liars.keeping, e.Produce: liars.mute}
BLIND: dict[type[object], Any] = {
    e.Collect: faults.attesting,
    e.Aggregate: faults.in_first_attempts(faults.from_nothing),
    e.PublishModel: faults.withholding,
}
LIES: dict[type[object], Any] = {e.Aggregate: faults.off_by_one, e.Accuse: liars.misquoting_at(-1)}
SEEKS: dict[type[object], Any] = {e.Aggregate: faults.off_by_one, e.Accuse: liars.not_finding}


def contested(**changes: Any) -> Plan:
    """One round, two committees to draw, a model of two chunks: coordinate 4 is in the second."""
    usual = plan(schedule=schedule(1), economics=economics(1), chunk_bytes=16, **changes)
    return replace(usual, committee=committee(3, 6))


def adamant() -> Plan:
    """The same with FedAdam, and a BatchNorm in the model."""
    usual = contested(model_entry="task:normalised")
    return replace(usual, algorithm=replace(usual.algorithm, name="fedadam", server=ADAM))


@dataclass(frozen=True)
class Held:
    """A finished run with its verification."""

    played: Played
    report: Report

    @property
    def root(self) -> str:
        """Header of the model that the task ended with."""
        return str(self.played.summary["model"]["root"])

    @property
    def moves(self) -> list[str]:
        """What a watcher was told of the court, without the round."""
        return [line.removeprefix("1: ") for line in self.played.watcher.moves]

    def told(self, start: str) -> str:
        """The one line of the report's that begins so."""
        (line,) = [each for each in self.report.court if each.startswith(start)]
        return line


def faulty(kind: str, *performers: dict[type[object], Any]) -> Callable[[Cast], None]:
    """All actors of a kind have these faults."""

    def alter(cast: Cast) -> None:
        for each in performers:
            faults.equip(cast, kind, each)

    return alter


def held(directory: Path, alter: Callable[[Cast], None], wanted: Plan | None = None) -> Held:
    played = play(directory / "run", wanted or contested(), alter)
    return Held(played, verify(played.directory))


@pytest.fixture(scope="module")
def untroubled(tmp_path_factory: pytest.TempPathFactory) -> Held:
    return held(tmp_path_factory.mktemp("untroubled"), lambda cast: None)


def test_an_honest_round_has_no_court_and_pays_nothing_for_it(untroubled: Held) -> None:
    (row,) = untroubled.played.summary["rounds"]
    assert "court" not in row["gas"]
    assert (untroubled.moves, untroubled.report.court) == ([], [])
    assert "disputes" not in [check.name for check in untroubled.report.checks]


# A committee that lies as one

FILED = "dispute 1: challenger challenges the claimed model at coordinate 4"
ASKED = "dispute 1: challenger asks for what is below node 0 at level 1 of the claimed model"
UPHELD = "dispute 1: upheld: claim overturned"
COMMITTEES: dict[str, tuple[list[dict[type[object], Any]], list[str]]] = {
    "claims": ([CLAIMS], [FILED, UPHELD]),
    "hides and answers": (
        [HIDES],
        [
            ASKED,
            "dispute 1: MEMBER posts 2 hashes",
            "dispute 1: challenger asks for chunk 1 of the claimed model",
            "dispute 1: MEMBER supplies 4 bytes",
            FILED,
            UPHELD,
        ],
    ),
    "hides and is silent": ([HIDES, {e.Produce: liars.mute}], [ASKED, UPHELD]),
    "shows all chunks but one": (
        [HIDES, {e.Produce: faults.producing_all_but(1)}],
        [
            ASKED,
            "dispute 1: MEMBER posts 2 hashes",
            "dispute 1: challenger asks for chunk 1 of the claimed model",
            UPHELD,
        ],
    ),
    "has no bytes": (
        [{**HIDES, e.Aggregate: faults.in_first_attempts(faults.from_nothing)}],
        [ASKED, UPHELD],
    ),
}


@pytest.mark.parametrize("name", COMMITTEES)
def test_a_whole_committee_that_lies_is_overturned_by_one_challenger(
    name: str, untroubled: Held, tmp_path: Path
) -> None:
    performers, expected = COMMITTEES[name]
    court = held(tmp_path, faulty("aggregator", *performers))
    liars = court.played.named("slashed")
    assert list(liars.values()) == [6 * STAKE] * 3
    told = [line.replace(liar, "MEMBER") for line in court.moves for liar in [_member(line)]]
    assert told == expected
    # Half of three slashes is burned; nobody dissented.
    assert court.played.named("bonuses") == {"challenger": 9 * STAKE}
    (row,) = court.played.summary["rounds"]
    assert (row["attempt"], row["outcome"]) == (2, "settled")
    assert row["gas"]["court"] > 0
    assert court.root == untroubled.root
    overturned = court.told("round 1, attempt 1: the claim of model ")
    assert "was overturned by dispute 1; the counted updates give model " in overturned
    assert all(f"({name})" in overturned for name in liars)
    assert court.told("round 1, dispute 1: ").endswith(": upheld: claim overturned")


def _member(line: str) -> str:
    """The aggregator that a line names, or what no line holds."""
    return next((word for word in line.split() if word.startswith("aggregator-")), "nobody")


def test_a_wrong_optimiser_state_is_overturned_beside_a_right_model(tmp_path: Path) -> None:
    usual = held(tmp_path / "usual", lambda cast: None, adamant())
    wrong = faults.in_first_attempts(faults.off_by_one_in_state)
    lies: dict[type[object], Any] = {e.Aggregate: wrong}
    court = held(tmp_path / "lies", faulty("aggregator", lies), adamant())
    assert court.moves == [
        "dispute 1: challenger challenges the claimed optimiser state at coordinate 0",
        UPHELD,
    ]
    states = [each.played.cast.nodes[0].state.trail.state_after(1) for each in (usual, court)]
    assert (court.root, states[1]) == (usual.root, states[0])
    overturned = court.told("round 1, attempt 1: the claim of model ")
    assert f"the counted updates give optimiser state {states[0].hex()}" in overturned


def test_a_claim_that_nobody_takes_to_court_settles_and_is_still_a_difference(
    tmp_path: Path,
) -> None:
    def alter(cast: Cast) -> None:
        faults.equip(cast, "aggregator", CLAIMS)
        faults.silent(cast.node("challenger"), lambda trail: True)

    played = play(tmp_path / "run", contested(), alter)
    with pytest.raises(VerificationFailed, match="aggregation: round 1: model root"):
        verify(played.directory)


# Withheld updates


def test_an_update_that_nobody_posts_is_dropped_and_its_owner_slashed(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        cast.node("participant-2").equip(KEEPS)
        faults.equip(cast, "aggregator", BLIND)

    court = held(tmp_path, alter)
    assert [line.split(" of update")[0] for line in court.moves] == [
        "dispute 1: challenger demands chunk 1",
        "dispute 2: challenger demands chunk 0",
        "dispute 1: upheld: update dropped",
        "dispute 2: moot: the update was dropped already",
    ]
    assert court.played.named("slashed") == {"participant-2": 4 * STAKE}
    assert court.played.named("bonuses") == {"challenger": 2 * STAKE}
    (row,) = court.played.summary["rounds"]
    assert (row["attempt"], row["counted"], row["outcome"]) == (2, 3, "settled")
    assert "participant-2" not in court.played.paid
    fallen = court.told("round 1, attempt 1: the claim of model ")
    assert "was void, since an update was withheld; update " in fallen


def test_an_update_that_its_owner_posts_when_asked_is_judged(
    untroubled: Held, tmp_path: Path
) -> None:
    def alter(cast: Cast) -> None:
        cast.node("participant-2").equip({e.PublishUpdate: liars.keeping})
        faults.equip(cast, "aggregator", BLIND)

    court = held(tmp_path, alter)
    # Five coordinates: of two chunks the last one, which is short, is asked for first.
    assert "dispute 1: participant-2 supplies 4 bytes" in court.moves
    assert court.moves[-1] == "dispute 2: upheld: claim overturned"
    # The bond of the demand, and the share of three slashes.
    assert court.played.named("bonuses") == {"participant-2": STAKE, "challenger": 9 * STAKE}
    assert court.root == untroubled.root


# Challengers that lie


def test_a_lie_in_a_column_is_refuted_and_costs_the_bond(untroubled: Held, tmp_path: Path) -> None:
    court = held(tmp_path, faulty("challenger", LIES))
    filed, refuted = court.moves
    assert filed == "dispute 1: challenger challenges the claimed model at coordinate 0"
    who = refuted.removeprefix("dispute 1: ").split()[0]
    assert who.startswith("participant-")
    assert court.played.named("slashed") == {"challenger": STAKE}
    assert court.played.named("bonuses") == {who: STAKE // 2}
    assert court.told("round 1, dispute 1: ").endswith(": dismissed")
    assert court.root == untroubled.root
    assert court.played.summary["rounds"][0]["attempt"] == 1


def test_a_descent_into_an_honest_claim_is_answered_and_dismissed(
    untroubled: Held, tmp_path: Path
) -> None:
    court = held(tmp_path, faulty("challenger", SEEKS))
    assert court.moves[-1] == "dispute 1: dismissed"
    posted = [line for line in court.moves if "posts" in line or "supplies" in line]
    (member,) = {_member(line) for line in posted}
    assert len(posted) == 2
    assert court.played.named("slashed") == {"challenger": STAKE}
    assert court.played.named("bonuses") == {member: STAKE // 2}
    assert court.root == untroubled.root


# Killed in the middle


class Killed(Exception):
    """Stops a run from within."""


class Dying(Watcher):
    """Is told of so many moves, and dies."""

    def __init__(self, moves: int) -> None:
        super().__init__()
        self.last = moves

    def disputed(self, round: int, line: str) -> None:
        super().disputed(round, line)
        if len(self.moves) == self.last:
            raise Killed


def test_a_run_that_is_killed_at_every_move_ends_as_if_left_alone(tmp_path: Path) -> None:
    alter = faulty("aggregator", HIDES)
    alone = held(tmp_path / "alone", alter)
    directory, wanted = tmp_path / "killed" / "run", contested()
    directory.mkdir(parents=True)
    record.write(directory, wanted)
    cast = assemble(wanted, directory)
    for move in range(1, len(alone.moves) + 1):
        alter(cast)
        with pytest.raises(Killed):
            Runner(cast, directory, Dying(move)).run()
        cast = reassemble(wanted, directory)
    alter(cast)
    watcher = Watcher()
    Runner(cast, directory, watcher).run()
    assert watcher.moves == alone.played.watcher.moves
    assert Left.by(directory) == Left.by(alone.played.directory)
    verify(directory)
