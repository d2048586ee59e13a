"""Every bound of the task document violated once: the exact line that names it."""

from __future__ import annotations

import re

import pytest

from sheaf.protocol import task as t
from sheaf.protocol.bounds import BOUNDS, bounds_of
from sheaf.protocol.errors import InvalidDocument
from tests.example_task import TASK, changed, edited, refusal

SEATS, POOL = "committee.seats", "committee.pool"
STAKE = "rounds x the largest participant slash, and the nonce slash"
AGGREGATOR_STAKE = "rounds x the largest aggregator slash, and the nonce slash"
MEAN_DIVISOR = "k from 1 to 2^24 - 1 in 1 - 1/k; 0 without a server optimiser"
SQUARE_DIVISOR = "k from 2 to 2^24 - 1 in 1 - 1/k; 0 unless fedadam or fedyogi"
RATE = "2^-24 to below 2^7 (fedavgm: times k), at 24 bits; 0 without a server optimiser"
FLOOR = "2^-14 to below 2^7, at 24 bits; 0 unless fedadagrad, fedadam or fedyogi"
DTYPES = "bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64"
ESCROW = "rounds x (reward + fee) of at most 2^96 - 1"
TITLE = "1 to 100 printable characters"
AMOUNTS = (
    *("round_reward", "committee_fee", "participant_stake", "aggregator_stake", "court_bond"),
    *(f"slashes.{name}" for name in t.Slashes.__dataclass_fields__),
)


def pair(name: str = "x", dtype: str = "float32", size: int = 4) -> tuple[t.Feature, ...]:
    """Features of a data hook, the second of which is as wanted."""
    return t.Feature("X", "float32", (4,)), t.Feature(name, dtype, (4, size))


# (field replaced, its value, the line after "task."), each violating exactly one bound.
VIOLATIONS: tuple[tuple[str, object, str], ...] = (
    ("schema", 2, "schema: found 2; accepted: 1"),
    ("name", "", f"name: found ''; accepted: {TITLE}"),
    ("name", "n" * 101, f"name: found '{'n' * 101}'; accepted: {TITLE}"),
    ("name", "a\nb", f"name: found 'a\\nb'; accepted: {TITLE}"),
    ("name", "a\x1b[2J", f"name: found 'a\\x1b[2J'; accepted: {TITLE}"),
    ("model.entry", "no colon", "model.entry: found 'no colon'; accepted: module:function"),
    ("model.bundle", b"\x01", "model.bundle: found '01'; accepted: a SHA-256 digest"),
    ("model.initial", b"", "model.initial: found ''; accepted: a tree root of 32 bytes"),
    (
        "model.chunk_bytes",
        3000,
        "model.chunk_bytes: found 3000; accepted: a power of two from 16 to 4096",
    ),
    (
        "model.chunk_bytes",
        0,
        "model.chunk_bytes: found 0; accepted: a power of two from 16 to 4096",
    ),
    (
        "model.fraction_bits",
        17,
        "model.layout: found 'another frac_bits'; accepted: fraction_bits (17)",
    ),
    (
        "data.features",
        (t.Feature("x", "float32", (4,)),),
        "data.features: found 1; accepted: none, or two: the features, the labels",
    ),
    ("data.features", pair(name=""), f"data.features[1].name: found ''; accepted: {TITLE}"),
    ("data.features", pair("a\tb"), f"data.features[1].name: found 'a\\tb'; accepted: {TITLE}"),
    (
        "data.features",
        pair(dtype="banana"),
        f"data.features[1].dtype: found 'banana'; accepted: {DTYPES}",
    ),
    *(
        (
            "data.features",
            pair(size=size),
            f"data.features[1].shape: found (4, {size}); accepted: sizes from 1 to 2^31 - 1",
        )
        for size in (-1, 0, 2**31)
    ),
    (
        "algorithm.name",
        "sgd",
        "algorithm.name: found 'sgd'; accepted: fedavg, fedprox, fedavgm, fedadagrad, fedadam, "
        "fedyogi",
    ),
    (
        "algorithm.proximal",
        (1, 10),
        "algorithm.proximal: found (1, 10); accepted: a ratio [n, d]; [0, 1] unless fedprox",
    ),
    ("algorithm.loss", "1x", "algorithm.loss: found '1x'; accepted: a name"),
    ("algorithm.optimizer", "", "algorithm.optimizer: found ''; accepted: a name"),
    ("algorithm.epochs", 0, "algorithm.epochs: found 0; accepted: 1 to 2^31 - 1"),
    (
        "algorithm.batch_size",
        2**31,
        f"algorithm.batch_size: found {2**31}; accepted: 1 to 2^31 - 1",
    ),
    ("algorithm.threads", 0, "algorithm.threads: found 0; accepted: 1 to 1024"),
    ("algorithm.threads", 1025, "algorithm.threads: found 1025; accepted: 1 to 1024"),
    ("algorithm.seed", -1, "algorithm.seed: found -1; accepted: 0 to 2^63 - 1"),
    ("algorithm.seed", 2**63, f"algorithm.seed: found {2**63}; accepted: 0 to 2^63 - 1"),
    (
        "data.minimum_samples",
        0,
        "data.minimum_samples: found 0; accepted: 1 to weight_cap (1000)",
    ),
    (
        "data.minimum_samples",
        1001,
        "data.minimum_samples: found 1001; accepted: 1 to weight_cap (1000)",
    ),
    ("evaluation.entry", "x", "evaluation.entry: found 'x'; accepted: module:function, or \"\""),
    *(
        (
            "evaluation.metrics",
            metrics,
            f"evaluation.metrics: found {metrics}; accepted: names, each once",
        )
        for metrics in (("",), ("auc", "a metric"), ("auc", "auc"))
    ),
    *(
        (f"resources.{n}", amount, f"resources.{n}: found {amount}; accepted: 0 to 2^31 - 1")
        for n in ("cpu_cores", "gpus", "ram_mib", "bandwidth_kbps")
        for amount in (-1, 2**31)
    ),
    ("schedule.finality_s", -1, "schedule.finality_s: found -1; accepted: at least 0"),
    (
        "schedule.reveal_s",
        35,
        "schedule.reveal_s: found 35; accepted: at least three times finality_s (36)",
    ),
    (
        "schedule.challenge_s",
        35,
        "schedule.challenge_s: found 35; accepted: at least three times finality_s (36)",
    ),
    (
        "rule.name",
        "mean",
        "rule.name: found 'mean'; accepted: weighted_mean, coordinate_median, trimmed_mean",
    ),
    ("rule.trim", (1, 10), "rule.trim: found (1, 10); accepted: [0, 1] unless trimmed_mean"),
    (SEATS, 2, "committee.seats: found 2; accepted: 1, or 3 to 31"),
    (SEATS, 32, "committee.seats: found 32; accepted: 1, or 3 to 31"),
    (POOL, 2, "committee.pool: found 2; accepted: the committee's seats to 16777215"),
    (
        "committee.adversary",
        (1, 1),
        "committee.adversary: found (1, 1); accepted: a share [n, d] below one",
    ),
    (
        "committee.capture_ppb",
        399_999_999,
        "committee.capture_ppb: found 399999999; accepted: 400000000",
    ),
    (
        "economics.reward_token",
        b"\x03",
        "economics.reward_token: found '03'; accepted: an address of 20 bytes",
    ),
    ("visibility", "committee", "visibility: found 'committee'; accepted: public"),
    ("license", "all rights", "license: found 'all rights'; accepted: an SPDX identifier"),
    # From here on the terms' own bounds.
    ("schedule.rounds", 0, "rounds: found 0; accepted: 1 to 65535"),
    *(
        (f"schedule.{n}", 0, f"{n}: found 0; accepted: 1 to 2^32 - 1 seconds")
        for n in ("register_s", "open_s", "commit_s", "hold_s")
    ),
    ("schedule.reveal_s", 2**32, f"reveal_s: found {2**32}; accepted: 1 to 2^32 - 1 seconds"),
    (
        "schedule.verdict_commit_s",
        0,
        "verdict_commit_s: found 0; accepted: 1 to 2^32 - 1 seconds",
    ),
    (
        "schedule.verdict_reveal_s",
        2**32,
        f"verdict_reveal_s: found {2**32}; accepted: 1 to 2^32 - 1 seconds",
    ),
    (
        "schedule.challenge_s",
        2**32,
        f"challenge_s: found {2**32}; accepted: 1 to 2^32 - 1 seconds",
    ),
    ("cohort.minimum", 0, "minimum: found 0; accepted: 1 to goal"),
    ("cohort.minimum", 6, "minimum: found 6; accepted: 1 to goal"),
    ("cohort.goal", 257, "cohort.goal: found 257; accepted: minimum to 256"),
    ("cohort.goal", 0, "cohort.goal: found 0; accepted: minimum to 256"),
    (
        "cohort.weight_cap",
        65_536,
        "weight_cap: found 65536; accepted: 1 to 65535, and goal x weight_cap below 2^32",
    ),
    (
        "economics.reward_token",
        bytes(20),
        f"reward_token: found {'00' * 20}; accepted: a token's address, not zero",
    ),
    *(
        (f"economics.{n}", 2**96, f"economics.{n}: found {2**96}; accepted: 0 to 2^96 - 1")
        for n in AMOUNTS
    ),
    (
        "economics.committee_fee",
        2**96 - 1,
        f"economics.escrow: found {10 * (10**6 + 2**96 - 1)}; accepted: {ESCROW}",
    ),
    ("economics.participant_stake", 399, f"participant_stake: found 399; accepted: {STAKE}"),
    (
        "economics.aggregator_stake",
        599,
        f"aggregator_stake: found 599; accepted: {AGGREGATOR_STAKE}",
    ),
    (
        "economics.court_bond",
        61,
        "court_bond: found 61; accepted: at most the largest aggregator slash",
    ),
    (
        "model.chunk_bytes",
        8,
        "chunk_log2: found a value out of bounds; accepted: chunks of 16 to 4096 bytes",
    ),
    (
        "model.chunk_bytes",
        8192,
        "chunk_log2: found a value out of bounds; accepted: chunks of 16 to 4096 bytes",
    ),
    (
        "rule",
        t.RuleChoice("trimmed_mean", (1, 2)),
        "trim: found (1, 2); accepted: a ratio [n, d], 2n < d < 65536",
    ),
    ("algorithm.name", "fedavgm", f"mean_divisor: found 0; accepted: {MEAN_DIVISOR}"),
    ("algorithm.server.mean_divisor", 10, f"mean_divisor: found 10; accepted: {MEAN_DIVISOR}"),
    ("algorithm.server.square_divisor", 9, f"square_divisor: found 9; accepted: {SQUARE_DIVISOR}"),
    ("algorithm.server.rate", -1, f"rate: found -1; accepted: {RATE}"),
    ("algorithm.server.floor", 1024, f"floor: found 1024; accepted: {FLOOR}"),
)


@pytest.mark.parametrize(("path", "value", "line"), VIOLATIONS)
def test_a_violated_bound_is_one_exact_line(path: str, value: object, line: str) -> None:
    wrong = changed(path, value)
    with pytest.raises(InvalidDocument) as error:
        wrong.check()
    assert error.value.message == f"task.{line}"
    with pytest.raises(InvalidDocument) as error:
        t.Task.decode(wrong.encode())
    assert error.value.message == f"task.{line}"


def test_every_bound_has_a_violation() -> None:
    def plain(field: str) -> str:
        return re.sub(r"\[\d\]", "", field.removeprefix("schedule."))

    tried = {plain(line.partition(":")[0]) for _, _, line in VIOLATIONS}
    named = {plain(field) for field, *_ in bounds_of(TASK)} | set(BOUNDS)
    # What the document cannot even say: layouts decide coordinates, algorithms name optimisers.
    unreachable = {"coordinates", "trainable", "fraction_bits", "rule", "optimiser"}
    # Their stricter bounds in the document come first, or they are covered under its name.
    stricter = {"goal", "committee", "amounts"}
    assert named - tried - unreachable - stricter == set()


LAYOUTS: tuple[tuple[list[dict[str, object]], str], ...] = (
    ([], "task.model.layout: found no trainable tensor, accepted: at least one"),
    (
        [{"name": "", "shape": [], "kind": "trainable", "frac_bits": 16}],
        "Task.model.layout[0]: found tensor name '', accepted: a non-empty string",
    ),
    (
        [{"name": "w", "shape": [0], "kind": "trainable", "frac_bits": 16}],
        "Task.model.layout[0]: w: found shape (0,), accepted: sizes of at least 1",
    ),
    (
        [{"name": "w", "shape": [], "kind": "frozen", "frac_bits": 16}],
        "Task.model.layout[0]: w: found kind 'frozen', accepted: ('trainable', 'statistic')",
    ),
    (
        [{"name": "w", "shape": [], "kind": "trainable", "frac_bits": 25}],
        "Task.model.layout[0]: w: found 25 fraction bits, accepted: 8 to 24",
    ),
    (
        [{"name": "w", "shape": [], "kind": "trainable", "frac_bits": 7}],
        "Task.model.layout[0]: w: found 7 fraction bits, accepted: 8 to 24",
    ),
    (
        [{"name": "w", "shape": [], "kind": "statistic", "frac_bits": 16}],
        "task.model.layout: found no trainable tensor, accepted: at least one",
    ),
    (
        [{"name": "w", "shape": [], "kind": "trainable", "frac_bits": 16}] * 2,
        "task.model.layout: w: found twice, accepted: each tensor once",
    ),
)


@pytest.mark.parametrize(("layout", "line"), LAYOUTS)
def test_a_wrong_layout_is_one_exact_line(layout: list[dict[str, object]], line: str) -> None:
    assert refusal(edited("model", "layout", layout)) == line
