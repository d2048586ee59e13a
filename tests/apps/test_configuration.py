"""What `sheaf.toml` may say, what it comes to, and one line for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sheaf.apps.config import load
from sheaf.apps.config.schema import SECTIONS
from sheaf.nodes.plan import Plan
from sheaf.protocol.bounds import ALGORITHMS
from sheaf.protocol.errors import InvalidConfiguration
from tests.apps.projects import SMALLEST, write

AMOUNT = 'whole tokens, as an integer or text such as "12.5"'
SHARE = "a decimal number or a ratio [n, d]"
RANGE = "a ratio of two integers below 2^63, so about 1e-18 to 9e18 in size, or 0"
BLOCK = "2 to 2^32 - 1 seconds: a block takes one at least"
OPTION = "an integer, true or false, text, a decimal number, a ratio [n, d] or a list of these"
METRICS = "accuracy, auc, loss, mse"
ROUND = "adversary, aggregators, committee, goal, minimum, participants, weight_cap"
PHASES = ("register", "open", "commit", "reveal", "hold", "verdict_commit", "verdict_reveal")
BIG = str(2**96 - 1)


def plan_of(folder: Path, settings: dict[str, str | None] | None = None) -> Plan:
    return load(write(folder, settings or {}), {}, {})


def refused(
    folder: Path,
    settings: dict[str, str | None],
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> InvalidConfiguration:
    with pytest.raises(InvalidConfiguration) as caught:
        load(write(folder, settings), flags or {}, environment or {})
    assert caught.value.exit_code == 3
    assert "\n" not in caught.value.message
    return caught.value


BAD: list[tuple[str, str | None, str]] = [
    ("round.goal", "300", "found 300, accepted: minimum to 256"),
    ("round.goal", "0", "found 0, accepted: minimum to 256"),
    ("round.goal", '"5"', "found '5', accepted: an integer"),
    ("round.goal", "5.0", "found 5.0, accepted: an integer"),
    ("round.participants", "true", "found true, accepted: an integer"),
    ("round.participants", "0", "found 0, accepted: 1 to 16777215"),
    ("round.participants", None, "found nothing, accepted: how many take part"),
    ("round.minimum", "6", "found 6, accepted: 1 to goal"),
    ("round.minimum", "0", "found 0, accepted: 1 to goal"),
    ("round.committee", "2", "found 2, accepted: 1, or 3 to 31"),
    ("round.committee", "0", "found 0, accepted: 1, or 3 to 31"),
    ("round.committee", "33", "found 33, accepted: 1, or 3 to 31"),
    ("round.aggregators", "2", "found 2, accepted: the committee's seats to 16777215"),
    ("round.adversary", "[1, 1]", "found [1, 1], accepted: a share [n, d] below one"),
    ("round.adversary", "[1, 0]", f"found [1, 0], accepted: {SHARE}"),
    ("round.adversary", "nan", f"found NaN, accepted: {SHARE}"),
    ("round.adversary", "1e-30", f"found 1E-30, accepted: {RANGE}"),
    (
        "round.weight_cap",
        "65536",
        "found 65536, accepted: 1 to 65535, and goal x weight_cap below 2^32",
    ),
    (
        "rule.name",
        '"krum"',
        "found 'krum', accepted: weighted_mean, coordinate_median, trimmed_mean",
    ),
    ("rule.name", "1", "found 1, accepted: text"),
    ("rule.trim", "0.2", "found 0.2, accepted: [0, 1] unless trimmed_mean"),
    ("algorithm.name", '"fedsgd"', f"found 'fedsgd', accepted: {', '.join(ALGORITHMS)}"),
    ("algorithm.mu", "0.1", "found 0.1, accepted: a ratio [n, d]; [0, 1] unless fedprox"),
    (
        "algorithm.loss",
        None,
        'found nothing, accepted: a loss of torch.nn, such as "CrossEntropyLoss"',
    ),
    ("algorithm.loss", '"a loss"', "found 'a loss', accepted: a name"),
    ("algorithm.epochs", "0", "found 0, accepted: 1 to 2^31 - 1"),
    ("algorithm.seed", "-1", "found -1, accepted: 0 to 2^63 - 1"),
    ("algorithm.seed", "9" * 20, f"found {'9' * 20}, accepted: integers of 64 bits"),
    ("algorithm.options", "3", "found 3, accepted: a table"),
    ("algorithm.options.lr", "1979-05-27", f"found 1979-05-27, accepted: {OPTION}"),
    ("algorithm.options.lr", "[1, 0]", f"found [1, 0], accepted: {SHARE}"),
    ("algorithm.options.lr", "[1, -1]", f"found [1, -1], accepted: {SHARE}"),
    ("algorithm.options.lr", "1e-9999999", f"found 1E-9999999, accepted: {RANGE}"),
    ("algorithm.options.betas", "[[9, 10], [1, 0]]", f"found [[9, 10], [1, 0]], accepted: {SHARE}"),
    ("algorithm.options.lr", "1e30", f"found 1E+30, accepted: {RANGE}"),
    ("algorithm.options.lr", "inf", f"found Infinity, accepted: {SHARE}"),
    ("data.entry", '"task"', "found 'task', accepted: module:function"),
    ("data.minimum_samples", "0", "found 0, accepted: 1 to weight_cap (65535)"),
    ("model.entry", '"task.model"', "found 'task.model', accepted: module:function"),
    ("model.fraction_bits", "25", "found 25, accepted: 8 to 24"),
    ("model.chunk_bytes", "100", "found 100, accepted: a power of two from 16 to 4096"),
    ("model.chunk_bytes", "8192", "found 8192, accepted: chunks of 16 to 4096 bytes"),
    ("schedule.rounds", "0", "found 0, accepted: 1 to 65535"),
    ("schedule.rounds", "99999999999", "found 99999999999, accepted: 1 to 65535"),
    ("schedule.hold_s", "0", f"found 0, accepted: {BLOCK}"),
    *((f"schedule.{phase}_s", "1", f"found 1, accepted: {BLOCK}") for phase in PHASES),
    ("schedule.challenge_s", "1", f"found 1, accepted: {BLOCK}"),
    ("schedule.challenge_s", "-1", f"found -1, accepted: {BLOCK}"),
    ("schedule.reveal_s", "35", "found 35, accepted: at least three times finality_s (36)"),
    ("schedule.challenge_s", "35", "found 35, accepted: at least three times finality_s (36)"),
    ("reward.round", "12.5", f"found 12.5, accepted: {AMOUNT}"),
    ("reward.round", '"-1"', f"found '-1', accepted: {AMOUNT}"),
    ("reward.round", '"1e3"', f"found '1e3', accepted: {AMOUNT}"),
    (
        "reward.round",
        '"0.1234567"',
        "found '0.1234567', accepted: at most 6 decimals, which is what the token has",
    ),
    (
        "reward.round",
        f'"{BIG}"',
        f"found '{BIG}', accepted: at most 2^96 - 1 of the token's own unit",
    ),
    ("reward.decimals", "256", "found 256, accepted: 0 to 255"),
    (
        "stake.participant",
        '"19.9"',
        "found '19.9', accepted: rounds x the largest participant slash, and the nonce slash",
    ),
    (
        "stake.aggregator",
        "49",
        "found 49, accepted: rounds x the largest aggregator slash, and the nonce slash",
    ),
    ("stake.court_bond", "6", "found 6, accepted: at most the largest aggregator slash"),
    ("stake.slash.reveal", "true", f"found true, accepted: {AMOUNT}"),
    ("evaluation.metrics", '["auk"]', f"found ['auk'], accepted: each once of {METRICS}"),
    ("task.visibility", '"committee"', "found 'committee', accepted: public"),
    ("task.license", '"my own"', "found 'my own', accepted: an SPDX identifier"),
    ("task.name", '""', "found '', accepted: 1 to 100 printable characters"),
    ("task.name", '"a\\nb"', "found 'a\\nb', accepted: 1 to 100 printable characters"),
    ("resources.gpus", "-1", "found -1, accepted: 0 to 2^31 - 1"),
    ("resources.ram_mib", "2147483648", "found 2147483648, accepted: 0 to 2^31 - 1"),
    ("algorithm.threads", "1025", "found 1025, accepted: 1 to 1024"),
    ("ledger.chain_id", "0", "found 0, accepted: 1 to 2^63 - 1"),
]


@pytest.mark.parametrize(("key", "value", "line"), BAD, ids=lambda part: str(part)[:30])
def test_a_bad_value_is_one_line(tmp_path: Path, key: str, value: str | None, line: str) -> None:
    assert refused(tmp_path, {key: value}).message == f"sheaf.toml: {key}: {line}"


def test_phases_may_be_as_short_as_two_blocks(tmp_path: Path) -> None:
    short: dict[str, str | None] = {f"schedule.{phase}_s": "2" for phase in PHASES}
    found = plan_of(tmp_path, short | {"schedule.challenge_s": "2", "schedule.finality_s": "0"})
    assert (found.schedule.hold_s, found.schedule.challenge_s) == (2, 2)


def test_participants_are_at_least_the_minimum(tmp_path: Path) -> None:
    error = refused(tmp_path, {"round.participants": "2", "round.goal": "5", "round.minimum": "3"})
    expected = "round.participants: found 2, accepted: at least round.minimum, which is 3"
    assert error.message == f"sheaf.toml: {expected}"


def test_a_reward_of_all_rounds_fits(tmp_path: Path) -> None:
    tokens = 79228162514264337593543  # of a million units each: just below 2^96 units
    error = refused(tmp_path, {"reward.round": f'"{tokens}"'})
    units = 10 * (tokens + 10) * 10**6  # ten rounds, each with 10 tokens for the committee
    assert error.message == (
        f"sheaf.toml: reward.round: found '{tokens}', accepted: rounds x (reward + fee) of at most "
        f"2^96 - 1 in the token's own unit; they come to {units}"
    )


def test_a_stake_that_follows_from_slashes_fits(tmp_path: Path) -> None:
    error = refused(tmp_path, {"stake.slash.reveal": '"10000000000"'})
    assert error.message == (
        f"sheaf.toml: stake.participant: found {10**11 * 10**18}, accepted: 0 to 2^96 - 1"
    )


def test_a_feature_out_of_bounds_is_named_by_its_place(tmp_path: Path) -> None:
    feature = '{ name = "X", dtype = "float", shape = [4] }'
    features = f"[{feature}, {feature}]"
    error = refused(tmp_path, {}, environment={"SHEAF_DATA__FEATURES": features})
    assert error.message == (
        "SHEAF_DATA__FEATURES: data.features[0].dtype: found 'float', accepted: bool, uint8, int8, "
        "int16, int32, int64, float16, bfloat16, float32, float64"
    )


@pytest.mark.parametrize(
    ("settings", "key", "accepted"),
    [
        ({"rule.name": '"trimmed_mean"'}, "rule.trim", "a share below 1/2, for trimmed_mean"),
        (
            {"algorithm.name": '"fedprox"'},
            "algorithm.mu",
            "a decimal number of at least 0, for fedprox",
        ),
        (
            {"evaluation.entry": '"task:held_out"'},
            "evaluation.metrics",
            f"one or more of {METRICS}",
        ),
        (
            {"evaluation.metrics": '["auc"]'},
            "evaluation.entry",
            "module:function, where there are metrics",
        ),
    ],
)
def test_what_another_setting_needs_is_named(
    tmp_path: Path, settings: dict[str, str | None], key: str, accepted: str
) -> None:
    message = refused(tmp_path, settings).message
    assert message == f"sheaf.toml: {key}: found nothing, accepted: {accepted}"


@pytest.mark.parametrize("trim", ["0.5", "[1, 2]", "-0.1"])
def test_a_trim_leaves_something(tmp_path: Path, trim: str) -> None:
    error = refused(tmp_path, {"rule.name": '"trimmed_mean"', "rule.trim": trim})
    assert (
        error.message
        == f"sheaf.toml: rule.trim: found {trim}, accepted: a ratio [n, d], 2n < d < 65536"
    )


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        ("round.gaol", f"an unknown key, accepted: {ROUND}", "round.goal"),
        ("round.rounds", f"an unknown key, accepted: {ROUND}", "schedule.rounds"),
        ("round.xyzzy", f"an unknown key, accepted: {ROUND}", ""),
        ("roundd", f"an unknown section, accepted: {', '.join(sorted(SECTIONS))}", "round"),
        (
            "stake.slash.nonse",
            "an unknown key, accepted: commit, nonce, overturned, reveal, silent, withheld",
            "stake.slash.nonce",
        ),
    ],
)
def test_an_unknown_key_names_the_nearest(
    tmp_path: Path, key: str, message: str, hint: str
) -> None:
    error = refused(tmp_path, {key: "3"})
    assert error.message == f"sheaf.toml: {key}: found {message}"
    assert error.hint == (f"did you mean {hint}?" if hint else "")


def test_what_is_unknown_is_told_before_what_is_missing(tmp_path: Path) -> None:
    text = "[tasks]\nname = 'x'\n[rounds]\nparticipants = 2\n"
    (tmp_path / "sheaf.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidConfiguration) as caught:
        load(tmp_path, {}, {})
    assert caught.value.message.startswith("sheaf.toml: tasks: found an unknown section, accepted:")
    assert caught.value.hint == "did you mean task?"
    error = refused(tmp_path, {"data.entry": None, "data.entri": '"task:data"'})
    assert error.message.startswith("sheaf.toml: data.entri: found an unknown key, accepted:")
    error = refused(tmp_path, {"data.entri": '"task:data"', "rounds.goal": "1"})
    assert error.message.startswith("sheaf.toml: rounds: found an unknown section, accepted:")
    assert error.hint == "did you mean round?"


def test_a_section_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "sheaf.toml").write_text("task = 5\n", encoding="utf-8")
    with pytest.raises(
        InvalidConfiguration, match=r"^sheaf\.toml: task: found 5, accepted: a table"
    ):
        load(tmp_path, {}, {})


def test_a_feature_is_named_by_its_place(tmp_path: Path) -> None:
    features = '[{ name = "X", dtype = "float32", shape = [4] }, { name = "y", dtype = "int64" }]'
    error = refused(tmp_path, {"data.features": features})
    assert error.message.startswith("sheaf.toml: data.features[1].shape: found nothing, accepted:")


def test_an_empty_project_is_told_what_it_needs(tmp_path: Path) -> None:
    error = refused(tmp_path, dict.fromkeys(SMALLEST))
    assert error.message == "sheaf.toml: task.name: found nothing, accepted: the task's name"


def test_defaults_follow_from_what_is_given(tmp_path: Path) -> None:
    found = plan_of(tmp_path)
    assert (found.cohort.minimum, found.cohort.goal) == (4, 5)  # two thirds of five, upwards
    assert (found.committee.seats, found.aggregators) == (3, 6)  # two attempts' worth
    e = found.economics
    assert e.participant_stake == 10 * max(e.slashes.commit, e.slashes.reveal, e.slashes.withheld)
    assert e.aggregator_stake == 10 * max(e.slashes.silent, e.slashes.overturned)
    assert e.participant_stake == 20 * 10**18
    assert e.court_bond == 10**18
    assert e.reward_token == bytes(20)
    assert found.folder == tmp_path


def test_without_slashes_nothing_need_be_staked(tmp_path: Path) -> None:
    kinds = ("nonce", "commit", "reveal", "withheld", "silent", "overturned")
    e = plan_of(tmp_path, {f"stake.slash.{kind}": "0" for kind in kinds}).economics
    assert (e.participant_stake, e.aggregator_stake, e.court_bond) == (0, 0, 0)


def test_amounts_are_exact(tmp_path: Path) -> None:
    settings: dict[str, str | None] = {
        "reward.round": '"123456789012345678.000001"',  # a float loses digits
        "stake.participant": '"79228162513.264337593543950335"',
    }
    e = plan_of(tmp_path, settings).economics
    assert e.round_reward == 123456789012345678_000001
    assert e.participant_stake == 79228162513_264337593543950335


def test_rates_are_exact_ratios(tmp_path: Path) -> None:
    settings: dict[str, str | None] = {
        "algorithm.name": '"fedprox"',
        "algorithm.mu": "0.29",
        "algorithm.options": "{ lr = 0.1, betas = [0.9, 0.999], eps = [1, 100], amsgrad = true }",
        "rule.name": '"trimmed_mean"',
        "rule.trim": "0.29",
    }
    found = plan_of(tmp_path, settings)
    assert found.algorithm.proximal == (29, 100)
    assert found.rule.trim == (29, 100)
    assert found.algorithm.options == {
        "lr": [1, 10],
        "betas": [[9, 10], [999, 1000]],
        "eps": [1, 100],
        "amsgrad": True,
    }


def test_capture_odds_are_the_hypergeometric_ones(tmp_path: Path) -> None:
    settings: dict[str, str | None] = {"round.adversary": "[1, 3]"}
    found = plan_of(tmp_path, settings)
    # Two bad of six, three drawn: 4 of 20 draws hold both; one opening of five doubles the odds.
    assert found.committee.capture_ppb == 2 * 4 * 10**9 // 20
