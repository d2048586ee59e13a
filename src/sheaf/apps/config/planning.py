"""From settings to a plan: defaults that depend on other settings, units, bounds.

The bounds are the protocol's own: a stand-in task with these settings and a model of one number is
checked by `task.Task`, and what it objects to is said in the words of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from sheaf.apps import runs
from sheaf.apps.config.refusals import refusal
from sheaf.apps.config.schema import INITIAL, POLICY, Ratio, Settings
from sheaf.apps.config.server import server_constants
from sheaf.apps.config.sources import Sources
from sheaf.learning.evaluation import METRICS
from sheaf.nodes.plan import LedgerPlan, Plan, TokenPlan
from sheaf.protocol import bounds, draws, terms
from sheaf.protocol import task as protocol
from sheaf.protocol.documents import Amount, Options
from sheaf.protocol.errors import InvalidConfiguration, InvalidDocument, RunNotFound
from sheaf.protocol.layout import FRAC_BITS_MAX, FRAC_BITS_MIN, Tensor
from sheaf.store.files import exists, is_file, is_folder, reachable

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "algorithm.proximal": "algorithm.mu",
        "aggregator_stake": "stake.aggregator",
        "chunk_log2": "model.chunk_bytes",
        "cohort.goal": "round.goal",
        "committee": "round.committee",
        "committee.adversary": "round.adversary",
        "committee.pool": "round.aggregators",
        "committee.seats": "round.committee",
        "court_bond": "stake.court_bond",
        "floor": "algorithm.tau",
        "economics.aggregator_stake": "stake.aggregator",
        "economics.escrow": "reward.round",
        "economics.participant_stake": "stake.participant",
        "goal": "round.goal",
        "license": "task.license",
        "mean_divisor": "algorithm.beta1",
        "minimum": "round.minimum",
        "name": "task.name",
        "participant_stake": "stake.participant",
        "rate": "algorithm.server_rate",
        "rounds": "schedule.rounds",
        "square_divisor": "algorithm.beta2",
        "trim": "rule.trim",
        "visibility": "task.visibility",
        "weight_cap": "round.weight_cap",
        **{
            name: f"schedule.{name}" for name in terms.Schedule.__dataclass_fields__ if "_s" in name
        },
    }
)
"""What the protocol calls a setting, where the file calls it something else."""

SHORTEST_S = 2
"""Of a phase on the embedded ledger: a block is a second after its parent, so that one of a second
is over before a block can lie in it."""

NONE: Ratio = (0, 1)
SOME_ADDRESS = b"\x01" * 20


def plan(folder: Path, settings: Settings, sources: Sources) -> Plan:
    """The plan, every bound checked. Raises `InvalidConfiguration` for the first that fails."""
    _check_combinations(settings, sources)
    t, m, a, e = settings.task, settings.model, settings.algorithm, settings.evaluation
    cohort, committee = _sizes(settings)
    features = (protocol.Feature(f.name, f.dtype, tuple(f.shape)) for f in settings.data.features)
    found = Plan(
        folder=folder.resolve(),  # a run names it, and is read from elsewhere
        name=t.name,
        model_entry=m.entry,
        fraction_bits=m.fraction_bits,
        chunk_bytes=m.chunk_bytes,
        data_entry=settings.data.entry,
        algorithm=protocol.Algorithm(
            name=a.name,
            proximal=a.mu or NONE,
            loss=a.loss,
            optimizer=a.optimizer,
            options=Options(a.options),
            epochs=a.epochs,
            batch_size=a.batch_size,
            seed=a.seed,
            threads=a.threads,
            server=server_constants(settings, sources),
        ),
        data=protocol.DataRequirements(tuple(features), settings.data.minimum_samples),
        resources=protocol.Resources(**settings.resources.model_dump()),
        evaluation=protocol.Evaluation(e.entry, tuple(e.metrics)),
        schedule=protocol.Schedule(**settings.schedule.model_dump()),
        cohort=cohort,
        committee=committee,
        rule=protocol.RuleChoice(settings.rule.name, settings.rule.trim or NONE),
        economics=_economics(settings, sources),
        visibility=t.visibility,
        license=t.license,
        participants=settings.round.participants,
        ledger=_ledger(folder, settings, sources),
        initial=_initial(folder, settings, sources),
        data_policy=_policy(folder, settings, sources),
    )
    _check_bounds(found, sources)
    return found


def _check_combinations(settings: Settings, sources: Sources) -> None:
    """What concerns two settings of the file, or none of the protocol's."""
    participants = settings.round.participants
    if not 1 <= participants <= terms.MAX_SEATS:
        raise refusal(sources, ("round", "participants"), f"1 to {terms.MAX_SEATS}")
    metrics, known = settings.evaluation.metrics, ", ".join(METRICS)
    bits = settings.model.fraction_bits
    if not FRAC_BITS_MIN <= bits <= FRAC_BITS_MAX:
        raise refusal(sources, ("model", "fraction_bits"), f"{FRAC_BITS_MIN} to {FRAC_BITS_MAX}")
    # Stakes follow from these, so they are looked at before the protocol looks at all.
    if not 1 <= settings.schedule.rounds < 2**16:
        raise refusal(sources, ("schedule", "rounds"), bounds.BOUNDS["rounds"])
    _check_durations(settings, sources)
    if not bounds.ENTRY.fullmatch(settings.data.entry):
        raise refusal(sources, ("data", "entry"), "module:function")
    if settings.algorithm.name == "fedprox" and settings.algorithm.mu is None:
        raise refusal(sources, ("algorithm", "mu"), "a decimal number of at least 0, for fedprox")
    if settings.rule.name == "trimmed_mean" and settings.rule.trim is None:
        raise refusal(sources, ("rule", "trim"), "a share below 1/2, for trimmed_mean")
    if not set(metrics) <= set(METRICS) or len(set(metrics)) < len(metrics):
        raise refusal(sources, ("evaluation", "metrics"), f"each once of {known}")
    if settings.evaluation.entry and not metrics:
        raise refusal(sources, ("evaluation", "metrics"), f"one or more of {known}")
    if metrics and not settings.evaluation.entry:
        raise refusal(sources, ("evaluation", "entry"), "module:function, where there are metrics")


def _check_durations(settings: Settings, sources: Sources) -> None:
    for name, seconds in settings.schedule.model_dump(exclude={"rounds", "finality_s"}).items():
        if seconds < SHORTEST_S:
            accepted = f"{SHORTEST_S} to 2^32 - 1 seconds"
            raise refusal(sources, ("schedule", name), f"{accepted}: a block takes one at least")


def _sizes(settings: Settings) -> tuple[protocol.CohortSize, protocol.Committee]:
    r = settings.round
    goal = min(r.participants, terms.MAX_COHORT) if r.goal is None else r.goal
    minimum = -(-2 * goal // 3) if r.minimum is None else r.minimum
    pool = 2 * r.committee if r.aggregators is None else r.aggregators
    return (
        protocol.CohortSize(minimum, goal, r.weight_cap),
        protocol.Committee(
            r.committee, pool, r.adversary, _odds(r.committee, pool, r.adversary, goal)
        ),
    )


def _odds(seats: int, pool: int, adversary: Ratio, goal: int) -> int:
    """The capture odds; 0 for sizes that the protocol refuses, which then says why."""
    share = Fraction(*adversary)
    sized = 1 <= seats <= terms.MAX_COMMITTEE and seats <= pool <= terms.MAX_SEATS
    if sized and 0 <= share < 1 and 0 <= goal <= terms.MAX_COHORT:
        return draws.capture_ppb(seats, pool, adversary, goal)
    return 0


def _economics(settings: Settings, sources: Sources) -> protocol.Economics:
    stake, reward, rounds = settings.stake, settings.reward, settings.schedule.rounds

    def staked(key: str, tokens: Decimal) -> Amount:
        return _units(sources, ("stake", *key.split(".")), tokens, stake.decimals)

    def rewarded(key: str, tokens: Decimal) -> Amount:
        return _units(sources, ("reward", key), tokens, reward.decimals)

    def chosen(key: str, tokens: Decimal | None, derived: int) -> Amount:
        return Amount(derived) if tokens is None else staked(key, tokens)

    slash = stake.slash.model_dump()
    s = protocol.Slashes(**{k: staked(f"slash.{k}", tokens) for k, tokens in slash.items()})
    seat_loss, member_loss = max(s.commit, s.reveal, s.withheld), max(s.silent, s.overturned)
    return protocol.Economics(
        reward_token=bytes(20),
        round_reward=rewarded("round", reward.round),
        committee_fee=rewarded("committee", reward.committee),
        participant_stake=chosen(
            "participant", stake.participant, max(rounds * seat_loss, s.nonce)
        ),
        aggregator_stake=chosen("aggregator", stake.aggregator, max(rounds * member_loss, s.nonce)),
        court_bond=chosen("court_bond", stake.court_bond, min(10**stake.decimals, member_loss)),
        slashes=s,
    )


def _units(sources: Sources, keys: tuple[str, ...], tokens: Decimal, decimals: int) -> Amount:
    """Whole tokens in the token's own unit, exactly: as a fraction, since a decimal would round."""
    units = Fraction(tokens) * 10**decimals
    if units.denominator != 1:
        accepted = f"at most {decimals} decimals, which is what the token has"
        raise refusal(sources, keys, accepted, str(tokens))
    if units > terms.MAX_AMOUNT:
        raise refusal(sources, keys, "at most 2^96 - 1 of the token's own unit", str(tokens))
    return Amount(int(units))


def _ledger(folder: Path, settings: Settings, sources: Sources) -> LedgerPlan:
    stake, reward, ledger = settings.stake, settings.reward, settings.ledger
    if ledger.host == "rpc" and not ledger.url:
        raise refusal(sources, ("ledger", "url"), 'an endpoint\'s address, where host is "rpc"')
    return LedgerPlan(
        chain_id=ledger.chain_id,
        genesis_time=ledger.genesis_time,
        stake_token=TokenPlan(stake.token, stake.symbol, stake.decimals),
        reward_token=TokenPlan(reward.token, reward.symbol, reward.decimals),
        host=ledger.host,
        url=ledger.url,
        finality=ledger.finality,
        contracts=(folder / ledger.contracts).resolve() if ledger.contracts else None,
    )


def _initial(folder: Path, settings: Settings, sources: Sources) -> Path | None:
    """Where the initial weights lie: a file's or a finished run's place."""
    reference = settings.model.initial
    near = folder / reference
    if not reference or is_file(near):
        return near.resolve() if reference else None
    if exists(near) and not is_folder(near):
        raise refusal(sources, ("model", "initial"), INITIAL, "neither a file nor a folder")
    try:
        named = str(near) if is_folder(near) else reference
        run = runs.find(runs.home(Path.cwd()), named)
        run.finished()
    except (RunNotFound, InvalidDocument) as error:
        told = refusal(sources, ("model", "initial"), INITIAL)
        raise InvalidConfiguration(told.message, hint=error.message) from error
    return run.folder.resolve()


def _policy(folder: Path, settings: Settings, sources: Sources) -> bytes | None:
    """The SHA-256 of the data's policy; only that leaves this machine."""
    if not settings.data.policy:
        return None
    path = folder / settings.data.policy
    if not is_file(path):
        raise refusal(sources, ("data", "policy"), POLICY)
    with reachable(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _check_bounds(plan: Plan, sources: Sources) -> None:
    wrong = _stand_in(plan).violation()
    if wrong:
        key, accepted = KEYS.get(wrong.field, wrong.field), wrong.accepted
        if wrong.field == "economics.escrow":  # which is no key of the file
            accepted += f" in the token's own unit; they come to {wrong.found}"
        raise refusal(sources, key.split("."), accepted, wrong.found)
    least = plan.cohort.minimum
    if plan.participants < least:
        raise refusal(
            sources, ("round", "participants"), f"at least round.minimum, which is {least}"
        )


def _stand_in(plan: Plan) -> protocol.Task:
    """A task that differs from the planned one in the model's shape and the ledger's addresses."""
    tensor = Tensor("stand-in", (1,), "trainable", plan.fraction_bits)
    return plan.task((tensor,), bytes(32), bytes(32), SOME_ADDRESS)
