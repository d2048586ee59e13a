"""A plan: what somebody wants to run, before there is a ledger, a model or a task document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sheaf.protocol import bounds, task
from sheaf.protocol.layout import Tensor


@dataclass(frozen=True)
class TokenPlan:
    """A token the embedded ledger is to have."""

    name: str
    symbol: str
    decimals: int


@dataclass(frozen=True)
class LedgerPlan:
    """The ledger: its chain id, the tokens to create, and where it is.

    `host` is `embedded`, with the time of the first block (seconds since 1970; a constant, so that
    a repeated run gives the same history), or `rpc`, with an endpoint's `url` (which may name
    environment variables as `${NAME}`), a `finality` rule, and an address book of `contracts`, if
    the run is not to create its own.
    """

    chain_id: int
    genesis_time: int
    stake_token: TokenPlan
    reward_token: TokenPlan
    host: str = "embedded"
    url: str = ""
    finality: str = "latest"
    contracts: Path | None = None


@dataclass(frozen=True)
class Plan:
    """A task to be, and who takes part.

    `folder` is the project's folder: its Python files are the code bundle that the task document
    pins. Entries are `module:function` inside it. `economics.reward_token` is the zero address
    until the ledger names one. `initial` is where the initial weights come from: a finished run's
    folder, or a safetensors file; None means the model factory's own. `data_policy` is the SHA-256
    of the policy that participants say their data are under, None where there is none.
    """

    folder: Path
    name: str
    model_entry: str
    fraction_bits: int
    chunk_bytes: int
    data_entry: str
    algorithm: task.Algorithm
    data: task.DataRequirements
    resources: task.Resources
    evaluation: task.Evaluation
    schedule: task.Schedule
    cohort: task.CohortSize
    committee: task.Committee
    rule: task.RuleChoice
    economics: task.Economics
    visibility: str
    license: str
    participants: int
    ledger: LedgerPlan
    initial: Path | None = None
    data_policy: bytes | None = None

    @property
    def aggregators(self) -> int:
        """Aggregators to run: the committee's pool."""
        return self.committee.pool

    def task(
        self, layout: tuple[Tensor, ...], bundle: bytes, initial: bytes, reward_token: bytes
    ) -> task.Task:
        """The task document of this plan, unchecked: for a model of this layout whose initial
        weights have this tree root, code of this digest, and a reward token's address."""
        return task.Task(
            schema=bounds.SCHEMA,
            name=self.name,
            model=task.ModelDefinition(
                entry=self.model_entry,
                bundle=bundle,
                layout=layout,
                fraction_bits=self.fraction_bits,
                chunk_bytes=self.chunk_bytes,
                initial=initial,
            ),
            algorithm=self.algorithm,
            data=self.data,
            resources=self.resources,
            evaluation=self.evaluation,
            schedule=self.schedule,
            cohort=self.cohort,
            committee=self.committee,
            rule=self.rule,
            economics=replace(self.economics, reward_token=reward_token),
            visibility=self.visibility,
            license=self.license,
        )
