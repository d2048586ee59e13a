"""The watchtower: a challenger as a process of its own, on a chain that it does not operate.

At every look it folds what is final, notes what became of its transactions, decides as the
challenger of a run would, does the work and hands in what it wants to send; it waits for nothing.
Its state is folded from the ledger again when it starts. What the ledger does not tell, its own
transactions on their way and the refused ones, stands in its `moves`.

A store that is down is not an update that is withheld: while one is silent, work that lacks bytes
is tried again later, until so much of the window is over that demanding them cannot wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sheaf.ledger.client import Head
from sheaf.ledger.endpoints import Endpoints
from sheaf.ledger.errors import Misreported, Unfunded
from sheaf.ledger.federation import FederationClient
from sheaf.ledger.patient import PatientClient
from sheaf.nodes import challenger, chronicle, court, outsider
from sheaf.nodes import effects as e
from sheaf.nodes.acts import vouch
from sheaf.nodes.moves import Ended, Signed
from sheaf.nodes.purse import Means, Purse
from sheaf.nodes.seat import PASSING
from sheaf.nodes.trail import Trail
from sheaf.nodes.workshop import Workshop
from sheaf.protocol.actions import Action
from sheaf.protocol.errors import (
    BlobCorrupt,
    BlobMissing,
    LedgerUnavailable,
    Rejected,
    StoreUnavailable,
    TaskEnded,
)
from sheaf.protocol.events import Phase
from sheaf.store.several import ASKED_NO_MORE, SeveralStores

PAGE_BLOCKS = 500
"""Blocks whose events are read at once."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""After the first failure in a row, and after many."""


class Listener(Protocol):
    """Told what happens; never asked."""

    def looked(self, head: Head, trail: Trail) -> None:
        """There was a new block, and all that it gave rise to is done or on its way."""

    def moved(self, line: str, means: Means | None) -> None:
        """A transaction was handed in, or ended; what the account has now, where that changed."""

    def judged(self, round: int, attempt: int, line: str) -> None:
        """A claim was recomputed, and found right or wrong; once for each."""

    def disputed(self, round: int, line: str) -> None:
        """Something happened in court."""

    def warned(self, line: str) -> None:
        """Something a person should know."""


@dataclass(frozen=True)
class Patience:
    """How it waits: seconds between two looks, and after how much silence of all endpoints it
    gives up."""

    sleep: Callable[[float], object]
    poll_s: float = 2.0
    silence_s: float = 900.0


@dataclass
class Watchtower:
    """One task, watched by one account. `first` is the block that its history begins in; `judged`
    holds what each claim that it recomputed was, by round and attempt."""

    chain: Endpoints
    purse: Purse
    state: challenger.State
    workshop: Workshop
    stores: SeveralStores
    first: int
    listener: Listener
    patience: Patience
    judged: dict[tuple[int, int], str] = field(default_factory=dict, init=False)
    _told: set[str] = field(default_factory=set)
    _seen: int = -1
    _idle_at: bytes = b""
    _block: int = field(init=False)
    is_done: bool = field(default=False, init=False)
    _of_use: bool = False

    def __post_init__(self) -> None:
        self._block = self.first - 1

    def run(self) -> None:
        """Until the task has ended and nothing more is owed.

        Raises `LedgerUnavailable` where no endpoint answers for long, `TaskEnded` where it was over
        before and nothing is owed, and `Unfunded` where there is no ether to take out at the end
        what is owed.
        """
        pause_s, silent_s = FIRST_PAUSE_S, 0.0
        while True:
            try:
                busy = self.look()
                pause_s, silent_s = FIRST_PAUSE_S, 0.0
                if self.is_done:
                    return
                if not busy:
                    self.patience.sleep(self.patience.poll_s)
            except (LedgerUnavailable, Misreported) as error:
                if silent_s >= self.patience.silence_s:
                    raise LedgerUnavailable(
                        f"{error.message}; for {silent_s:.0f} s no endpoint was of use",
                        hint="the same command goes on",
                    ) from error
                self.listener.warned(f"{error.message}; tried again in {pause_s:.0f} s")
                self.chain.leave()
                self.patience.sleep(pause_s)
                silent_s += pause_s
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def look(self) -> bool:
        """One look; whether there is more to do at once. Raises what endpoints raise."""
        client = self.chain.client()
        latest = client.latest()
        if latest.hash == self._idle_at:
            return False
        for signed, ended in self.purse.settle(client):
            self._tell_end(client, signed, ended)
        self._follow(client)
        wanted = self._wanted(client, latest)
        sends = [effect.action for effect in wanted if isinstance(effect, e.Send)]
        self._send(client, [a for a in sends if not self.purse.moves.is_live(a)])
        work = [effect for effect in wanted if not isinstance(effect, e.Send)]
        # One piece at a time: while it was done, the chain went on.
        busy = any(self._perform(effect, latest.timestamp) for effect in work)
        # Where nothing waits but for a block, nothing changes before the next one.
        self._idle_at = b"" if work else latest.hash
        self.is_done = self.state.trail.over and not (wanted or self.purse.moves.live)
        self._require_use()
        if latest.number > self._seen and not busy:
            self._seen = latest.number
            self.listener.looked(latest, self.state.trail)
        return busy

    def _wanted(self, client: PatientClient, latest: Head) -> list[e.Effect]:
        """What is wanted by the time of the next block, as far from the newest as that is from the
        one before; where nothing is, what could still be in time if it came at once."""
        gap_s = 1
        if latest.number:
            gap_s = latest.timestamp - client.time_of(latest.number - 1)
        soon = outsider.decide(self.state, latest.timestamp + max(1, gap_s))
        return soon or outsider.decide(self.state, latest.timestamp + 1)

    def _require_use(self) -> None:
        """Raise `TaskEnded` for a task that was over before it was watched, and owes nothing."""
        self._of_use |= not self.is_done or bool(self.purse.moves.ended)
        if not self._of_use:
            found = f"task 0x{self.state.trail.task.hex()}: found it over"
            raise TaskEnded(f"{found} ({self.state.trail.phase.name}), and nothing is owed")

    # What is final

    def _follow(self, client: PatientClient) -> None:
        """Fold the events of final blocks, a page at a time, and between them the refusals of its
        own that stand in its moves."""
        head = client.head().number
        while self._block < head:
            last = min(self._block + PAGE_BLOCKS, head)
            failed = self.purse.moves.failures(self._block + 1, last)
            if failed:
                last = failed[0][1].block
            for event in FederationClient(client, self.purse.book).events(self._block + 1, last):
                self._fold(event)
            for signed, ended in failed:
                if ended.block == last and signed.action is not None:
                    self._fold(e.Refused(signed.action, ended.failure))
            self._block = last
            (self.chain.known,) = client.headers(last, last)

    def _fold(self, event: object) -> None:
        self.state = challenger.fold(self.state, event)
        trail = self.state.trail
        line = chronicle.line(event, trail, {self.purse.account: "this challenger"})
        if line:
            self.listener.disputed(trail.round, line)

    # What is to be done

    def _perform(self, effect: e.Effect, now: int) -> bool:
        """Do a piece of work and take its answer in; False where it has to wait."""
        found = len(self.state.findings)
        self.stores.silent.clear()
        try:
            answer = self.workshop.perform(effect, self.state.trail)
        except (BlobMissing, BlobCorrupt, StoreUnavailable) as error:
            self._tell_once(error.message)
            return False
        if self.stores.silent and _lacks(answer, effect) and self._can_wait(effect, now):
            for trouble in self.stores.troubles:
                told = trouble.removesuffix(ASKED_NO_MORE)
                self._tell_once(f"{told}; it is asked again at the next look")
            return False
        self.state = challenger.fold(self.state, answer)
        for finding in self.state.findings[found:]:
            self.listener.warned(str(finding))
        if isinstance(answer, e.Aggregated):
            self._judge(answer)
        return True

    def _judge(self, replay: e.Aggregated) -> None:
        """Tell what a claim is by its replay, which says it for good."""
        place = (replay.round, replay.attempt)
        wrong = any(
            (f.round, f.attempt) == place and f.recomputed is not None for f in self.state.findings
        )
        if place not in self.judged:
            self.judged[place] = "wrong" if wrong else "right"
            self.listener.judged(*place, f"recomputed, {self.judged[place]}")

    def _can_wait(self, effect: e.Effect, now: int) -> bool:
        """Whether bytes that are missing may still come from a store that is down now. What is
        answered in court can wait to the end of the move."""
        trail = self.state.trail
        if isinstance(effect, e.Compare | e.Produce):
            return True
        return trail.phase == Phase.CHALLENGE and now < court.late_in_window(trail)

    def _send(self, client: PatientClient, actions: Sequence[Action]) -> None:
        """Hand in what the contracts would take; nothing is kept back silently."""
        acting, account, sound = FederationClient(client, self.purse.book), self.purse.account, []
        for action in actions:
            refusal = acting.refusal(account, action)
            # What reverts outside of the protocol is the token, whose approval comes first.
            if isinstance(refusal, Rejected) and str(refusal) in PASSING:
                continue  # the next block, or the one after, takes it
            if isinstance(refusal, Rejected):
                self._tell_once(f"{_named(action)} is not sent: the ledger would say {refusal}")
            else:
                sound.append(action)
        if not sound:
            return
        try:
            notes = [vouch(self.workshop, self.state, action) for action in sound]
            refused = self.purse.send(client, sound, notes)
        except Unfunded as error:
            if self.state.trail.over:
                raise
            self._tell_once(f"cannot move: {error.message}")
            return
        for told in refused:
            self.listener.warned(f"the node refused a transaction: {told}")
        names = ", ".join(map(_named, sound))
        self.listener.moved(f"sends {names}", self.purse.means(client))

    def _tell_end(self, client: PatientClient, signed: Signed, ended: Ended) -> None:
        name = _named(signed.action) if signed.action else signed.told
        how = f"fails: {ended.failure}" if ended.failure else "is in"
        line = f"{name} {how} block {ended.block}, {ended.gas:,} gas"
        self.listener.moved(line, self.purse.means(client))

    def _tell_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self.listener.warned(line)


def _named(action: Action | None) -> str:
    """An action in a word, with the number of its dispute where it has one."""
    number = getattr(action, "number", 0)
    return type(action).__name__ + (f" of dispute {number}" if number else "")


def _lacks(answer: e.LocalEvent, effect: e.Effect) -> bool:
    """Whether an answer says that bytes were not to be had."""
    match answer:
        case e.ChunkMissing() | e.ClaimMissing():
            return True
        case e.Collected():
            assert isinstance(effect, e.Collect)
            return answer.bitmap != sum(1 << position for position, _ in effect.wanted)
        case e.Compared():
            return bool(answer.untested)
        case e.Produced():
            return not answer.hashes and answer.opening is None
    return False
