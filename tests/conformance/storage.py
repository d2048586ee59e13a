"""The contracts' storage read field by field, and what the specification says it must hold.

The layout is the one drawn in `contracts/src/federation/State.sol`, restated here, so that a field
that moves is seen. What storage keeps of earlier rounds and attempts is masked as the contract
masks it: by `revealed`, `held` and `committed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

from eth_utils.crypto import keccak

from sheaf.protocol.state import Attempt, Dispute, Federation, Role, Seat, Task
from sheaf.protocol.terms import Terms

Load = Callable[[int], int]
"""A slot of one contract as an integer."""

State = dict[str, int]


@dataclass(frozen=True)
class Packed:
    """One slot of a struct: fields with their widths in bytes, the leftmost lowest."""

    slot: int
    fields: tuple[tuple[str, int], ...]

    def shift(self, name: str) -> int:
        """By how many bits a field is shifted in its word."""
        names = [field for field, _ in self.fields]
        return 8 * sum(width for _, width in self.fields[: names.index(name)])

    def read(self, load: Load, base: int, prefix: str) -> State:
        """Field values under `prefix`."""
        word, found = load(base + self.slot), {}
        for name, width in self.fields:
            found[prefix + name] = word & (1 << 8 * width) - 1
            word >>= 8 * width
        assert word == 0, f"{prefix} slot {self.slot} holds more than its fields"
        return found


def packed(slot: int, text: str) -> Packed:
    """A slot written as `name:width name:width`."""
    pairs = (field.split(":") for field in text.split())
    return Packed(slot, tuple((name, int(width)) for name, width in pairs))


CORE = packed(
    0,
    "phase:1 attempt:1 aborts:1 round:2 deadline:5 participants:3 aggregators:3 committed:2 "
    "rounds:2 minimum:2 goal:2 committee:1 weight_cap:2 visibility:1 disputes:2 open:2",
)
WHOLE = {
    "seed": 1,
    "cohort_key": 2,
    "committee_key": 3,
    "revealed": 4,
    "salts": 5,
    "counted": 6,
    "owed": 7,
    "duplicates": 8,
    "named": 9,
    "dropped": 10,
    "claim": 11,
    "document": 26,
    "model_root": 27,
    "state_root": 28,
    "nonces": 29,
}
ATTEMPT_SLOT = 12
COURT = "first", "overturned"
MASKS = "held:4 committed:4 opened:4 missing:4 silent:4 agreed:4 first:2 overturned:2"
SETTLEMENT = packed(14, "step:2 samples:3 pool:13 bonus:13 progress:1")
MONEY = (packed(15, "escrow:12 dust:12"), packed(16, "burned:16 burned_stake:16"))
TERMS = (
    packed(
        17,
        "coordinates:5 trainable:5 fraction_bits:1 chunk_log2:1 rule:1 trim_numerator:2 "
        "trim_denominator:2 optimiser:1 mean_divisor:3 square_divisor:3 rate:4 floor:4",
    ),
    packed(
        18,
        "register_s:4 open_s:4 commit_s:4 reveal_s:4 hold_s:4 verdict_commit_s:4 "
        "verdict_reveal_s:4 challenge_s:4",
    ),
    packed(19, "reward_token:20 round_reward:12"),
    packed(20, "committee_fee:12 slash_nonce:12"),
    packed(21, "slash_commit:12 slash_reveal:12"),
    packed(22, "slash_silent:12 slash_overturned:12"),
    packed(23, "court_bond:12 slash_withheld:12"),
    packed(24, "participant_stake:12 aggregator_stake:12"),
)
IDENTITY = packed(25, "sponsor:20 registered_participants:3 registered_aggregators:3")
SAMPLES_SLOT, BITMAPS_SLOT, WORDS_SLOT, ACCOUNTS_SLOT, SEATS_SLOT = 30, 46, 77, 108, 109
DISPUTES_SLOT, DEMANDS_SLOT, WINDOWS_SLOT = 110, 111, 112
SEAT = packed(0, "stake:12 credit:12 standing:1 index:3 committed_round:2 sequence:1 position:1")
DISPUTE = (
    packed(0, "opener:20 deadline:5 at:5 standing:1 matter:1"),
    packed(1, "evidence:32"),
    packed(2, "answerer:20 level:1 position:1 more:2"),
)
TASKS_SLOT = 0
WITHDRAWABLE_SLOT = 0
BALANCES_SLOT, ALLOWANCES_SLOT = 0, 1


@cache
def entry(mapping_slot: int, key: bytes) -> int:
    """The slot of a mapping's value."""
    return int.from_bytes(keccak(key.rjust(32, b"\0") + mapping_slot.to_bytes(32, "big")))


def task_slot(task: bytes) -> int:
    """Where a task begins."""
    return entry(TASKS_SLOT, task)


def seat_slot(task: bytes, account: bytes) -> int:
    """Where a seat begins."""
    return entry(task_slot(task) + SEATS_SLOT, account)


def stored(load: Load, task: Task) -> State:
    """What the contract holds of a task, by the names of `expected`."""
    base = task_slot(task.id)
    found = CORE.read(load, base, "")
    found |= {name: load(base + slot) for name, slot in WHOLE.items()}
    for number in (1, 2):
        masks = packed(ATTEMPT_SLOT + number - 1, MASKS)
        found |= masks.read(load, base, f"attempt {number} ")
    for part in (SETTLEMENT, *MONEY, IDENTITY, *TERMS):
        found |= part.read(load, base, "")
    for position in task.current.samples:
        lanes = load(base + SAMPLES_SLOT + position // 16)
        found[f"samples {position}"] = lanes >> 16 * (position % 16) & 0xFFFF
    running = task.current.attempts[-1] if task.current.attempts else Attempt()
    for slot in running.bitmaps:
        found[f"bitmap {slot}"] = load(base + BITMAPS_SLOT + slot)
    for slot in running.words:
        found[f"word {slot}"] = load(base + WORDS_SLOT + slot)
    for role, accounts in pools(task):
        by_index = entry(base + ACCOUNTS_SLOT, bytes([role]))
        for index in range(len(accounts) + 1):
            slot = entry(by_index, index.to_bytes(32, "big"))
            found[f"{role.name} {index}"] = load(slot)
    for account in task.seats:
        slot, prefix = seat_slot(task.id, account), f"seat {account.hex()} "
        found |= SEAT.read(load, slot, prefix)
        found[prefix + "word"] = load(slot + 1)
    for number in range(1, len(task.current.disputes) + 1):
        place = task.round << 16 | number
        slot = entry(base + DISPUTES_SLOT, place.to_bytes(32))
        for part in DISPUTE:
            found |= part.read(load, slot, f"dispute {number} ")
    for place in _attempts(task):
        found[f"window {place}"] = load(entry(base + WINDOWS_SLOT, place.to_bytes(32)))
    for place, position, page in _demand_pages(task):
        key = (place << 8 | position) << 32 | page
        slot = entry(base + DEMANDS_SLOT, key.to_bytes(32))
        found[f"demands {place} {position} {page}"] = load(slot)
    return found


def _demand_pages(task: Task) -> Iterator[tuple[int, int, int]]:
    """The round's attempts, positions and pages: of page 0 a number, of the others a bit for each
    chunk of an update."""
    pages = range(1 - (-task.terms.model.leaves // 256))
    return product(_attempts(task), range(task.cohort), pages)


def _attempts(task: Task) -> list[int]:
    """The round's attempts, as the keys of what is counted in each."""
    return [task.round << 8 | attempt for attempt in range(1, task.attempt + 1)]


def pools(task: Task) -> tuple[tuple[Role, list[bytes]], ...]:
    """Opened seats by role, in order of their index."""
    return (Role.PARTICIPANT, task.participants), (Role.AGGREGATOR, task.aggregators)


def expected(task: Task) -> State:
    """What the specification says the contract must hold of a task."""
    current, settled = task.current, task.current.settled
    running = current.attempts[-1] if current.attempts else Attempt()
    found: State = dict(_terms(task.terms)) | {
        "phase": task.phase,
        "attempt": task.attempt,
        "aborts": task.aborts,
        "round": task.round,
        "deadline": task.deadline,
        "participants": len(task.participants),
        "aggregators": len(task.aggregators),
        "committed": current.committed,
        "step": settled.step if settled else 0,
        "samples": settled.samples if settled else 0,
        "pool": settled.pool if settled else 0,
        "bonus": settled.bonus if settled else 0,
        "progress": 2 if current.void else int(settled is not None),
        "disputes": len(current.disputes),
        "open": task.open_disputes,
        "registered_participants": task.registered[Role.PARTICIPANT],
        "registered_aggregators": task.registered[Role.AGGREGATOR],
    }
    for name in ("seed", "cohort_key", "committee_key", "document", "model_root", "state_root"):
        found[name] = number(getattr(task, name))
    for name in ("nonces", "sponsor", "escrow", "dust", "burned", "burned_stake"):
        found[name] = number(getattr(task, name))
    for name in ("revealed", "salts", "counted", "owed", "duplicates", "named", "dropped", "claim"):
        found[name] = number(getattr(current, name))
    for index in (1, 2):
        attempt = current.attempts[index - 1] if index <= task.attempt else Attempt()
        for name in ("held", "committed", "opened", "missing", "silent", "agreed", *COURT):
            found[f"attempt {index} {name}"] = getattr(attempt, name)
    found |= {f"samples {i}": samples for i, samples in current.samples.items()}
    found |= {f"bitmap {slot}": bitmap for slot, bitmap in running.bitmaps.items()}
    found |= {f"word {slot}": number(word) for slot, word in running.words.items()}
    for role, accounts in pools(task):
        found[f"{role.name} {len(accounts)}"] = 0
        found |= {f"{role.name} {i}": number(account) for i, account in enumerate(accounts)}
    for account, seat in task.seats.items():
        found |= {f"seat {account.hex()} {name}": value for name, value in _seat(seat)}
    for index, dispute in enumerate(current.disputes, 1):
        found |= {f"dispute {index} {name}": value for name, value in _dispute(dispute)}
    attempts = dict(zip(_attempts(task), current.attempts, strict=True))
    found |= {f"window {place}": attempt.window for place, attempt in attempts.items()}
    for place, position, page in _demand_pages(task):
        chunks = attempts[place].demands.get(position, set())
        found[f"demands {place} {position} {page}"] = _demands(chunks, page)
    return found


def _demands(chunks: set[int], page: int) -> int:
    if page == 0:
        return len(chunks)
    return sum(1 << chunk % 256 for chunk in chunks if chunk // 256 == page - 1)


def number(value: int | bytes) -> int:
    """Bytes as the integer a slot holds."""
    return value if isinstance(value, int) else int.from_bytes(value)


def _terms(terms: Terms) -> Iterator[tuple[str, int]]:
    names = [name for part in TERMS for name, _ in part.fields]
    names += ["rounds", "minimum", "goal", "committee", "weight_cap", "visibility"]
    for part in (terms.model, terms.schedule, terms.cohort, terms.economics):
        for name in names:
            if hasattr(part, name):
                yield name, number(getattr(part, name))


def _dispute(dispute: Dispute) -> Iterator[tuple[str, int]]:
    names = [name for part in DISPUTE for name, _ in part.fields if name != "more"]
    for name in names:
        yield name, number(getattr(dispute, name))
    yield "more", dispute.bonds - 1


def _seat(seat: Seat) -> Iterator[tuple[str, int]]:
    yield "standing", int(seat.role) + 2 * seat.opened
    for name in ("stake", "credit", "index", "committed_round", "sequence", "position", "word"):
        yield name, number(getattr(seat, name))


def assert_books(load: Load, balance: Callable[[bytes], int], federation: Federation) -> None:
    """What the vault holds and owes of every token is what the specification's books say, which
    forget whom nothing is owed any more: so everybody is asked for."""
    tasks = federation.tasks.values()
    everybody = {account for task in tasks for account in (task.sponsor, *task.seats)}
    for token, books in federation.vault.items():
        assert balance(token) == books.deposits - books.withdrawals
        for account in everybody | books.withdrawable.keys():
            owed = load(entry(entry(WITHDRAWABLE_SLOT, token), account))
            assert owed == books.withdrawable.get(account, 0)
