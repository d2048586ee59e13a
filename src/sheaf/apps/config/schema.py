"""The sections of `sheaf.toml`: keys, types and defaults.

What a value may be stands in the protocol, not here: this module knows types alone, and every bound
that the protocol has is asked of the protocol (`planning`). A field's description is what a message
says is accepted. Token amounts are whole tokens, as text such as "12.5" or an integer; shares and
rates are decimals or exact ratios [numerator, denominator], and never become floats.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from sheaf.learning.hyperparameters import ratio
from sheaf.ledger import finality
from sheaf.protocol.arithmetic import WEIGHT_LIMIT
from sheaf.protocol.errors import InvalidConfiguration

Ratio = tuple[int, int]
INTEGER_LIMIT = 2**63
"""Integers of a task document lie below this: dag-cbor ends there, and so does TOML."""

MOST_DIGITS = 19
"""Of such an integer."""

AMOUNT = 'whole tokens, as an integer or text such as "12.5"'
SHARE = "a decimal number or a ratio [n, d]"
RANGE = "a ratio of two integers below 2^63, so about 1e-18 to 9e18 in size, or 0"
INITIAL = "a finished run's id, a prefix of it or its path, or a safetensors file's path"
POLICY = "a file's path"
OPTION = "an integer, true or false, text, a decimal number, a ratio [n, d] or a list of these"
_AMOUNT = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")


def _refuse(accepted: str) -> PydanticCustomError:
    return PydanticCustomError("accepted", "{accepted}", {"accepted": accepted})


def _amount(value: object) -> Decimal:
    """Whole tokens. A float of TOML is refused: the file should show what will be paid."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise _refuse(AMOUNT)
    return Decimal(text)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [int, int]


def _ratio(value: object) -> Ratio:
    if isinstance(value, list) and _is_pair(value) and value[1] > 0:
        return value[0], value[1]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        # Before it is written out: 1e-9999999 is a ratio of numbers of ten million digits.
        if isinstance(value, Decimal) and value and abs(value.adjusted()) > MOST_DIGITS:
            raise _refuse(RANGE)
        try:
            numerator, denominator = ratio(value)
        except InvalidConfiguration:
            raise _refuse(SHARE) from None
        if max(abs(numerator), denominator) >= INTEGER_LIMIT:
            raise _refuse(RANGE)
        return numerator, denominator
    raise _refuse(SHARE)


def _option(value: object) -> object:
    """An option of an optimiser as a task document holds it: ratios are lists of two integers."""
    if isinstance(value, bool | int | str):
        return value
    if _is_pair(value):
        return list(_ratio(value))
    if isinstance(value, list) and value:
        return [list(_ratio(item)) for item in value]
    if isinstance(value, Decimal):
        return list(_ratio(value))
    raise _refuse(OPTION)


def _finality(value: object) -> str:
    """The rule's text, once it is one."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            finality.Finality.parse(value)
        except InvalidConfiguration:
            raise _refuse(finality.ACCEPTED) from None
        return str(value)
    raise _refuse(finality.ACCEPTED)


Share = Annotated[Ratio, PlainValidator(_ratio)]
Amount = Annotated[Decimal, PlainValidator(_amount)]
Option = Annotated[Any, PlainValidator(_option)]
Finality = Annotated[str, PlainValidator(_finality)]
Decimals = Annotated[int, Field(ge=0, le=255, description="0 to 255")]


class Section(BaseModel):
    """A table of the file: no key but these, no type but these."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TaskSection(Section):
    """`[task]`: what it is called, who may read updates, under which licence the model comes."""

    name: str = Field(description="the task's name")
    license: str = "Apache-2.0"
    visibility: str = "public"


class ModelSection(Section):
    """`[model]`: the factory of the module that is trained, how its numbers are kept, and from
    where the initial weights are, if not from the factory: paths are relative to this file."""

    entry: str = Field(description='a factory in the project, such as "task:model"')
    fraction_bits: int = 16
    chunk_bytes: int = 4096
    initial: str = Field("", description=f"text: {INITIAL}")


class FeatureSection(Section):
    """`[[data.features]]`: one input or label of the data hook, per sample."""

    name: str = Field(description="a name")
    dtype: str = Field(description='a type of numbers, such as "float32"')
    shape: list[Annotated[int, Field(ge=1, description="an integer of at least 1")]] = Field(
        description="the shape of one sample, [] for a number"
    )


class DataSection(Section):
    """`[data]`: the hook that returns one participant's data, what it must return, and the policy
    that the data are under, a file relative to this one whose SHA-256 is in every participant's
    receipts."""

    entry: str = Field(description='a function in the project, such as "task:data"')
    minimum_samples: int = 1
    policy: str = Field("", description=f"text: {POLICY}")
    features: list[FeatureSection] = []


class AlgorithmSection(Section):
    """`[algorithm]`: how a participant trains and the server steps; `mu` is FedProx's, and
    `server_rate`, `beta1`, `beta2` and `tau` are those of FedAvgM, FedAdagrad, FedAdam and FedYogi,
    the last three with their papers' defaults."""

    name: str = "fedavg"
    mu: Share | None = None
    server_rate: Share | None = None
    beta1: Share | None = None
    beta2: Share | None = None
    tau: Share | None = None
    loss: str = Field(description='a loss of torch.nn, such as "CrossEntropyLoss"')
    optimizer: str = "SGD"
    options: dict[str, Option] = {}
    epochs: int = 1
    batch_size: int = 32
    seed: int = 1
    threads: int = 1


class RoundSection(Section):
    """`[round]`: who takes part. `goal` defaults to all participants and `minimum` to two thirds of
    the goal, so that a task outlives a participant that fails; `aggregators` to two committees,
    the second for a second attempt."""

    participants: int = Field(description="how many take part")
    minimum: int | None = None
    goal: int | None = None
    weight_cap: int = WEIGHT_LIMIT
    committee: int = 3
    aggregators: int | None = None
    adversary: Share = (1, 4)


class ScheduleSection(Section):
    """`[schedule]`: rounds, and seconds of ledger time. On the embedded ledger they cost nothing:
    its clock jumps to the next deadline once nobody has anything left to do."""

    rounds: int = Field(description="how many rounds")
    register_s: int = 600
    open_s: int = 600
    commit_s: int = 3600
    reveal_s: int = 600
    hold_s: int = 600
    verdict_commit_s: int = 600
    verdict_reveal_s: int = 600
    challenge_s: int = 600
    finality_s: int = 12


class RuleSection(Section):
    """`[rule]`: how updates become one; `trim` is the trimmed mean's share per side."""

    name: str = "weighted_mean"
    trim: Share | None = None


class SlashSection(Section):
    """`[stake.slash]`: what is lost for what, in stake tokens."""

    nonce: Amount = Decimal(1)
    commit: Amount = Decimal(1)
    reveal: Amount = Decimal(2)
    withheld: Amount = Decimal(2)
    silent: Amount = Decimal(1)
    overturned: Amount = Decimal(5)


class StakeSection(Section):
    """`[stake]`: the stake token, and what each role stakes. Stakes default to the most a seat can
    lose in all rounds, the bond to one token or the most an aggregator can lose in a round."""

    token: str = "Sheaf Stake"
    symbol: str = "STAKE"
    decimals: Decimals = 18
    participant: Amount | None = None
    aggregator: Amount | None = None
    court_bond: Amount | None = None
    slash: SlashSection = SlashSection()


class RewardSection(Section):
    """`[reward]`: the reward token, and what each round pays to participants and committee."""

    token: str = "Sheaf Reward"
    symbol: str = "REWARD"
    decimals: Decimals = 6
    round: Amount = Decimal(100)
    committee: Amount = Decimal(10)


class ResourcesSection(Section):
    """`[resources]`: what a participant's machine must have."""

    cpu_cores: int = 1
    gpus: int = 0
    ram_mib: int = 0
    bandwidth_kbps: int = 0


class EvaluationSection(Section):
    """`[evaluation]`: the sponsor's hook for held-out data, and the metrics it reports."""

    entry: str = ""
    metrics: list[str] = []


class LedgerSection(Section):
    """`[ledger]`: the embedded ledger, or a chain behind an endpoint (`host = "rpc"`).

    The embedded ledger's first block has a fixed time (seconds since 1970), so that a repeated run
    gives the same history. An endpoint's `url` may name environment variables as `${NAME}`: write
    the secret part of it so, since the text is kept with the run. `contracts` is an address book of
    `sheaf ledger deploy`, relative to this file; without one a run creates its own.
    """

    host: Literal["embedded", "rpc"] = Field("embedded", description='"embedded" or "rpc"')
    chain_id: int = Field(31337, ge=1, lt=INTEGER_LIMIT, description="1 to 2^63 - 1")
    genesis_time: int = Field(1_767_225_600, ge=0, lt=2**40, description="0 to 2^40 - 1")
    url: str = ""
    finality: Finality = "latest"
    contracts: str = ""


class Settings(Section):
    """A whole `sheaf.toml`."""

    task: TaskSection
    model: ModelSection
    data: DataSection
    algorithm: AlgorithmSection
    round: RoundSection
    schedule: ScheduleSection
    rule: RuleSection
    stake: StakeSection
    reward: RewardSection
    resources: ResourcesSection
    evaluation: EvaluationSection
    ledger: LedgerSection


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type)
}
"""The tables of the file by name."""
