"""Whole tasks on the embedded ledger, with and without faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sheaf.ledger.embedded import EmbeddedLedger
from sheaf.ledger.engine import Message
from sheaf.ledger.federation import token_interface
from sheaf.nodes import effects as e
from sheaf.nodes.cast import Cast, assemble
from sheaf.nodes.local import Machine
from sheaf.nodes.plan import Plan
from sheaf.nodes.trail import Trail
from sheaf.nodes.verification import verify
from sheaf.protocol.errors import (
    InvalidConfiguration,
    InvalidData,
    InvalidDocument,
    InvalidModel,
    SheafError,
)
from sheaf.protocol.events import Phase
from sheaf.protocol.task import Algorithm, DataRequirements, Evaluation, Feature
from tests.nodes import faults
from tests.nodes.plans import STAKE, TOKEN, economics, plan, schedule
from tests.nodes.stage import Played, play

FEATURES = (Feature("x", "float32", (4,)), Feature("y", "float32", ()))
REFUSALS = {
    "empty": "found no samples, accepted: at least one",
    "short": "the data hook returned 3 samples; the task asks for 10",
    "narrow": "x: found float32 of shape (3,); the task asks float32 of shape (4,)",
    "holed": "X, sample 5: found NaN or infinity, accepted: finite numbers",
    "broken": "task:broken: raised OSError: the disk is gone",
    "unsigned": "task:unsigned: found the signature () -> 'Arrays'; "
    "accepted: 2 positional arguments",
}


def balance(played: Played, token: bytes, name: str) -> int:
    """What an actor holds of a token at the end of a run."""
    ask = token_interface().calldata("balanceOf", played.cast.node(name).account.address)
    ledger = EmbeddedLedger.open(played.directory / "ledger.sqlite")
    try:
        (amount,) = token_interface().result("balanceOf", ledger.engine.call(Message(token, ask)))
    finally:
        ledger.close()
    return int(amount)


def test_a_run_tells_who_watches_what_happens(honest: Played) -> None:
    seen = honest.watcher
    (start,) = seen.starts
    assert start == {
        "run": "run",
        "task": honest.summary["task"],
        "task_id": f"0x{honest.summary['task_id']}",
        "participants": 4,
        "aggregators": 3,
        "capture_ppb": 0,
        "adversary": [1, 5],
    }
    rounds = ["COMMIT", "REVEAL", "HOLD", "VERDICT_COMMIT", "VERDICT_REVEAL", "CHALLENGE"]
    expected = [(0, "REGISTER"), (0, "OPEN"), *((r, p) for r in (1, 2) for p in rounds)]
    assert seen.phases == [*expected, (2, "DONE")]
    assert (seen.failures, seen.warnings) == ([], [])


def test_a_round_is_told_when_it_ended_as_the_summary_has_it(honest: Played) -> None:
    told = [{k: v for k, v in row.items() if k != "seconds"} for row in honest.watcher.rows]
    kept = [{k: v for k, v in row.items() if k != "seconds"} for row in honest.summary["rounds"]]
    assert told == kept
    assert [row["round"] for row in told] == [1, 2]


def test_the_seconds_of_a_round_are_split(honest: Played) -> None:
    for row in honest.summary["rounds"]:
        seconds = row["seconds"]
        assert set(seconds) == {"train", "ledger", "proof", "total"}
        assert all(value > 0 for value in seconds.values())
        parts = seconds["train"] + seconds["ledger"] + seconds["proof"]
        assert seconds["total"] == pytest.approx(parts, abs=2e-4)


def test_the_same_seed_gives_the_same_history_to_the_bit(honest: Played, tmp_path: Path) -> None:
    again = play(tmp_path / "run", plan())
    assert again.summary["head"] == honest.summary["head"]
    assert again.summary["model"] == honest.summary["model"]
    assert _checked(again.summary) == _checked(honest.summary)
    model = (again.directory / "model.safetensors").read_bytes()
    assert model == (honest.directory / "model.safetensors").read_bytes()


def _checked(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without its clock, and without the hash of a journal that holds seconds."""
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in summary["rounds"]]
    return {**summary, "rounds": rows, "journal": None}


@pytest.fixture(scope="module")
def declining(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Eleven participants, of whom two can take part and nine decline, each for its reason."""

    def alter(cast: Cast) -> None:
        for number, entry in enumerate(REFUSALS, start=3):
            faults.with_data(cast.node(f"participant-{number}"), f"task:{entry}")
        weak, foreign = cast.node("participant-9"), cast.node("participant-10")
        weak.workshop = replace(faults.means(weak), machine=Machine(1, 0, 16, 100))
        bundle = replace(faults.means(foreign).bundle, digest=b"\x01" * 32)
        foreign.workshop = replace(faults.means(foreign), bundle=bundle)
        faults.penniless(cast, "participant-11")

    directory = tmp_path_factory.mktemp("declining") / "run"
    changes: dict[str, Any] = {"data": DataRequirements(FEATURES, 10), "schedule": schedule(1)}
    return play(directory, plan(participants=11, **changes), alter)


@pytest.mark.parametrize(("place", "entry"), [*enumerate(REFUSALS, start=3)])
def test_a_faulty_data_hook_declines_in_one_clear_line(
    declining: Played, place: int, entry: str
) -> None:
    name = f"participant-{place}"
    (line,) = [w for w in declining.watcher.warnings if w.startswith(f"{name} ")]
    assert line == f"{name} declines: {REFUSALS[entry]}"


def test_a_machine_that_is_too_small_declines(declining: Played) -> None:
    expected = "participant-9 declines: ram_mib: the task asks for 64; this machine has 16"
    assert expected in declining.watcher.warnings


def test_other_code_than_the_task_pins_declines(declining: Played) -> None:
    (line,) = [w for w in declining.watcher.warnings if w.startswith("participant-10 ")]
    assert "the installed code bundle is 0101010101010101..., the task wants" in line


def test_a_seat_that_cannot_pay_its_stake_is_refused_and_the_task_goes_on(
    declining: Played,
) -> None:
    (line,) = [w for w in declining.watcher.warnings if w.startswith("participant-11")]
    assert line.startswith("participant-11: the ledger rejected Register: the contract reverted")
    assert declining.summary["status"] == "settled"


def test_who_declined_has_staked_nothing_and_the_others_share_the_reward(
    declining: Played,
) -> None:
    assert [row["cohort"] for row in declining.summary["rounds"]] == [2]
    earners = {name for name in declining.paid if name.startswith("participant")}
    assert earners == {"participant-1", "participant-2"}
    stake = declining.cast.federation.book.stake_token
    own = declining.cast.task.economics.participant_stake
    assert balance(declining, stake, "participant-3") == own
    assert balance(declining, stake, "participant-11") == own
    verify(declining.directory)


def test_a_model_that_does_not_fit_the_layout_declines_and_every_stake_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alter(cast: Cast) -> None:
        factory = faults.means(cast.node("participant-1")).bundle.resolve("task:moody")
        monkeypatch.setitem(factory.__globals__["MOOD"], "width", 5)

    moody = plan(model_entry="task:moody", evaluation=Evaluation("", ()))
    played = play(tmp_path / "run", moody, alter)
    found = [w for w in played.watcher.warnings if w.startswith("participant-2 ")]
    assert found == [
        "participant-2 declines: weight: found shape (1, 5) in the module, accepted: (1, 4)"
    ]
    summary, book = played.summary, played.cast.federation.book
    assert (summary["status"], summary["cause"]) == ("ended", "too_few_seats")
    assert (summary["rounds"], summary["payouts"], summary["slashed"]) == ([], {}, {})
    assert summary["refund"] == 2 * 110 * TOKEN
    assert balance(played, book.reward_token, "sponsor") == 2 * 110 * TOKEN
    assert balance(played, book.stake_token, "aggregator-1") == 12 * STAKE
    verify(played.directory)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Participant 2 fails in round 1, aggregator 2 is silent in round 2, 4 is a copy of 1."""

    def alter(cast: Cast) -> None:
        faults.failing_in_training(cast.node("participant-2"), round=1)
        faults.silent(cast.node("aggregator-2"), lambda trail: trail.round == 2 and not trail.over)
        faults.copying(cast.node("participant-4"), cast.node("participant-1"))

    return play(tmp_path_factory.mktemp("troubled") / "run", plan(), alter)


def test_training_that_raises_is_reported_and_the_task_goes_on(troubled: Played) -> None:
    error = "the installed code raised OSError: the disk is gone"
    assert troubled.watcher.failures == [(1, "participant-2", error)]
    assert troubled.summary["status"] == "settled"
    assert [row["committed"] for row in troubled.summary["rounds"]] == [3, 4]


def test_who_missed_a_round_and_who_was_silent_is_slashed(troubled: Played) -> None:
    # By the plan: 2 for a missed commit, 5 for a silent seat.
    assert troubled.named("slashed") == {"participant-2": 2 * STAKE, "aggregator-2": 5 * STAKE}
    # Half of the 2 goes to the three who revealed, rounded down to equal shares.
    share = STAKE // 3
    revealed = {f"participant-{i}": share for i in (1, 3, 4)}
    assert troubled.named("bonuses") == revealed


def test_the_fee_goes_to_who_voted_and_a_copy_is_not_paid(troubled: Played) -> None:
    paid, whole = troubled.paid, 100 * TOKEN
    # Round 1 counts 80, 40 and 80 samples, round 2 also 40 of participant 2.
    first, second = whole * 80 // 200, whole * 80 // 240
    assert paid["participant-1"] == first + second
    assert paid["participant-2"] == whole * 40 // 240
    assert "participant-4" not in paid
    assert paid["aggregator-1"] == 10 * TOKEN // 3 + 10 * TOKEN // 2
    assert paid["aggregator-2"] == 10 * TOKEN // 3


def test_a_run_with_troubles_is_verified_like_any_other(troubled: Played) -> None:
    checks = {check.name: check.count for check in verify(troubled.directory).checks}
    assert (checks["aggregations"], checks["commitments"], checks["updates"]) == (2, 7, 7)


def test_two_aborted_rounds_end_the_task(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        for number in (1, 2, 3):
            faults.silent(
                cast.node(f"aggregator-{number}"), lambda trail: trail.round > 0 and not trail.over
            )

    changes: dict[str, Any] = {"schedule": schedule(3), "economics": economics(3)}
    played = play(tmp_path / "run", plan(**changes), alter)
    summary = played.summary
    assert (summary["status"], summary["cause"]) == ("ended", "two_aborts")
    assert [row["outcome"] for row in summary["rounds"]] == ["aborted: pool_exhausted"] * 2
    # Nothing was counted, so reward and fee of two rounds are burned; the third comes back.
    assert (summary["payouts"], summary["refund"]) == ({}, 110 * TOKEN)
    lost = {f"aggregator-{i}": 10 * STAKE for i in (1, 2, 3)}
    assert played.named("slashed") == lost
    verify(played.directory)


def test_a_task_without_a_settled_round_is_not_settled(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        for number in (1, 2, 3):
            faults.silent(
                cast.node(f"aggregator-{number}"), lambda trail: trail.round > 0 and not trail.over
            )

    played = play(tmp_path / "run", plan(schedule=schedule(1), economics=economics(1)), alter)
    trail: Trail = played.cast.nodes[0].state.trail
    assert trail.phase == Phase.DONE  # its last round is over, and the protocol knows no cause
    assert (played.summary["status"], played.summary["cause"]) == ("ended", "pool_exhausted")
    verify(played.directory)


def test_one_settled_round_of_two_is_enough(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        for number in (1, 2, 3):
            faults.silent(
                cast.node(f"aggregator-{number}"), lambda trail: trail.round == 2 and not trail.over
            )

    played = play(tmp_path / "run", plan(), alter)
    assert [row["outcome"] for row in played.summary["rounds"]][1] == "aborted: pool_exhausted"
    assert (played.summary["status"], played.summary["cause"]) == ("settled", None)


def test_a_settled_round_does_not_make_a_task_settled_that_ended_early(tmp_path: Path) -> None:
    def alter(cast: Cast) -> None:
        for number in (1, 2, 3):
            faults.silent(
                cast.node(f"aggregator-{number}"), lambda trail: trail.round > 1 and not trail.over
            )

    played = play(tmp_path / "run", plan(schedule=schedule(4), economics=economics(4)), alter)
    outcomes = [row["outcome"] for row in played.summary["rounds"]]
    assert outcomes == ["settled", *["aborted: pool_exhausted"] * 2]
    assert (played.summary["status"], played.summary["cause"]) == ("ended", "two_aborts")


BAD_PLANS: list[tuple[dict[str, Any], type[SheafError], str]] = [
    ({"model_entry": "task:nothing"}, InvalidModel, "task:nothing: found a str; accepted: a torch"),
    ({"model_entry": "task:absent"}, InvalidConfiguration, "found no function 'absent'"),
    ({"schedule": schedule(0)}, InvalidDocument, "task.rounds: found 0; accepted: 1 to 65535"),
    ({"fraction_bits": 30}, InvalidModel, "weight: found 30 fraction bits, accepted: 8 to 24"),
]


@pytest.mark.parametrize(("changes", "kind", "line"), BAD_PLANS, ids=lambda v: str(v)[:30])
def test_a_plan_that_no_task_can_have_is_refused(
    changes: dict[str, Any], kind: type[SheafError], line: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        assemble(plan(**changes), tmp_path)
    assert line in caught.value.message
    assert caught.value.exit_code == 3


def test_a_sponsor_without_held_out_data_reports_nothing(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"evaluation": Evaluation("", ()), "schedule": schedule(1)}
    played = play(tmp_path / "run", plan(participants=2, **changes))
    assert (played.summary["metrics"], played.summary["initial_metrics"]) == ({}, {})
    assert [row["metrics"] for row in played.watcher.rows] == [{}]


def test_a_broken_evaluation_hook_stops_the_run_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        play(tmp_path / "run", plan(evaluation=Evaluation("task:broken", ("auc",))))
    told = "evaluation.entry task:broken: found the signature (index: 'int'"
    assert caught.value.message.startswith(told)


def test_a_metric_that_does_not_fit_names_the_key(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"model_entry": "task:three", "algorithm": classifying()}
    with pytest.raises(InvalidData) as caught:
        play(tmp_path / "run", plan(evaluation=Evaluation("task:classes", ("auc",)), **changes))
    assert caught.value.message == (
        "evaluation.entry task:classes: found 3 classes, accepted: 2, for a metric over pairs"
    )


def classifying() -> Algorithm:
    """Training with whole numbers as classes."""
    return replace(plan().algorithm, loss="CrossEntropyLoss")


def stalling(fraction_bits: int) -> Plan:
    """One round with so many fraction bits."""
    return plan(fraction_bits=fraction_bits, schedule=schedule(1), economics=economics(1))


def barely_moving(cast: Cast) -> None:
    """Participant 2 alone moves, by one unit in every coordinate; a quarter of it rounds to 0."""
    for number in range(1, 5):
        cast.node(f"participant-{number}").equip({e.Train: faults.moving_by(int(number == 2))})


@pytest.mark.parametrize(
    ("bits", "advice"),
    [
        (16, "fraction_bits = 16 is coarse, try 20"),
        (20, "fraction_bits = 20 is fine: try a larger learning rate or more epochs a round"),
    ],
)
def test_a_round_that_stands_still_is_told_with_what_to_do(
    tmp_path: Path, bits: int, advice: str
) -> None:
    played = play(tmp_path / "run", stalling(bits), barely_moving)
    told = "round 1: 5 of 5 coordinates stand still though some update moves them; "
    assert played.watcher.warnings == [told + advice]
    assert played.summary["rounds"][0]["stalled"] == 5
    verify(played.directory)


def test_a_round_that_moves_is_not_warned_of(honest: Played) -> None:
    assert all(2 * row["stalled"] <= 5 for row in honest.summary["rounds"])
    assert honest.watcher.warnings == []
