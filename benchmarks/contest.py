"""Gas of the court's moves, over a model of ten million coordinates in chunks of 4 KiB.

Content is random, so that hardly a byte of it is zero. Of each tree one chunk is known and the rest
are hashes; the column is a lie, which is filed like the truth and can be refuted.
"""

from __future__ import annotations

import random
from dataclasses import replace

from benchmarks.staging import (
    COMMITTEE,
    MEAN,
    PARTICIPANTS,
    PHASE_S,
    SLASH,
    Gas,
    Stage,
    begin,
    claim,
    reveal,
    word,
)
from sheaf.protocol import merkle
from sheaf.protocol.actions import (
    Challenge,
    CommitVerdict,
    Decide,
    Demand,
    Descend,
    Duplicate,
    Hold,
    Pick,
    Refute,
    RevealMissing,
    Roots,
    Settle,
    Supply,
    Unfold,
)
from sheaf.protocol.arithmetic import ELEMENT_BYTES
from sheaf.protocol.hashing import ZERO, Missing
from sheaf.protocol.opening import Opening, Shape
from sheaf.protocol.state import Matter
from sheaf.protocol.terms import Model, RuleKind

ADAM = replace(MEAN, optimiser=3, mean_divisor=10, square_divisor=1000, rate=2**20, floor=2**14)
MEDIAN = replace(MEAN, rule=RuleKind.COORDINATE_MEDIAN)
COORDINATE = 5_000_001
POSITION = 42
"""Of the update that is opened, in the cohort."""

LIMITS = {
    "challenge + refute, mean of 100": 550_000,
    "challenge, mean of 100": 400_000,
    "refute, of 100": 400_000,
    "challenge, Adam, mean of 100": 500_000,
    "challenge, median of 100": 900_000,
    "challenge, mean, one participant more": 1_000,
    "challenge, median, one participant more": 5_000,
}


class Tree:
    """A committed array of which one chunk is known."""

    def __init__(self, shape: Shape, name: str) -> None:
        self.index = COORDINATE // shape.per_chunk
        chunk = random.Random(name).randbytes(shape.chunk_size(self.index))
        self.leaves = [word(name, index) for index in range(shape.leaves)]
        self.leaves[self.index] = merkle.leaf_hash(chunk)
        self.opening = Opening(chunk, tuple(merkle.inclusion_path(self.leaves, self.index)))
        self.root = merkle.root_of(self.leaves)

    def below(self, level: int, first: int, count: int) -> tuple[bytes, ...]:
        """Nodes of a level, from the `first` on."""
        width = 1 << level
        runs = (self.leaves[i * width : (i + 1) * width] for i in range(first, first + count))
        return tuple(merkle.root_of(run) for run in runs if run)


class Contest:
    """A round with a claim in its window, and what can be opened of it."""

    def __init__(self, model: Model, counted: int, dissenters: int = 0) -> None:
        self.stage = Stage(same_token=True)
        whole = Shape(ELEMENT_BYTES, model.coordinates, 1 << model.chunk_log2)
        self.old, self.new, self.update = (Tree(whole, name) for name in ("old", "new", "update"))
        self.states, state = [], [ZERO, ZERO]
        if model.optimiser:
            moments = Shape(model.server.element_bytes, model.trainable, 1 << model.chunk_log2)
            self.states = [Tree(moments, "old state"), Tree(moments, "new state")]
            state = [tree.root for tree in self.states]
        self.task = begin(self.stage, model, (self.old.root, state[0]))
        owner = self.task.participant_at(POSITION)
        roots = [
            self.update.root if seat == owner else word("root", seat)
            for seat in self.stage.seats[:PARTICIPANTS]
        ]
        self.twins = self.stage.seats[1:3]
        roots[1:3] = [word("twins")] * 2
        if owner in self.twins:
            raise ValueError("the update that is opened is one of two that are equal")
        reveal(self.stage, self.task, roots)
        self.held, self.state = (1 << counted) - 1, state[1]
        claim(self.stage, self.task, self.held, self.new.root, self.state, dissenters)
        self.roots = Roots(self.new.root, state[1], self.old.root, state[0])
        self.column = random.Random(counted).randbytes(4 * counted)

    def challenge(self) -> int:
        """File the column; the gas."""
        openings = [self.old.opening, self.new.opening]
        openings += [tree.opening for tree in self.states[:1]]
        where = (self.task.id, 0, Matter.MODEL, COORDINATE)
        action = Challenge(*where, self.roots, tuple(openings), self.column, SLASH)
        return self.stage.act([(self.stage.auditor, action)])

    def refute(self) -> int:
        """Open what one participant committed to; the gas."""
        action = Refute(self.task.id, 1, POSITION, self.column, self.update.opening)
        return self.stage.act([(self.stage.sponsor, action)])

    def other_moves(self) -> Gas:
        """A demand that is answered, a descent as far as the chunk, a decision: their gas."""
        stage, task, where = self.stage, self.task, self.task.id
        stage.act([(stage.auditor, Demand(where, POSITION, self.update.index, SLASH))])
        stage.act([(stage.sponsor, Supply(where, 2, self.update.opening))])
        stage.act([(stage.auditor, Descend(where, Matter.MODEL, self.roots, SLASH))])
        dispute = task.current.disputes[2]
        while dispute.level:
            below = max(dispute.level - 6, 0)
            width = 1 << dispute.level - below
            hashes = self.new.below(below, dispute.at * width, width)
            stage.act([(stage.sponsor, Unfold(where, 3, hashes))])
            child = (self.new.index >> below) - dispute.at * width
            stage.act([(stage.auditor, Pick(where, 3, child, hashes))])
        chunk = Opening(self.new.opening.chunk, ())
        stage.act([(stage.sponsor, Supply(where, 3, chunk))])
        stage.now += PHASE_S
        stage.act([(stage.sponsor, Decide(where, 3))])
        names = ("Demand", "Supply", "Descend", "Unfold", "Pick", "Decide")
        return {name: stage.gas[name] for name in names}

    def position(self, seat: bytes) -> int:
        """Of a participant in the cohort."""
        cohort = range(PARTICIPANTS)
        return next(i for i in cohort if self.task.participant_at(i) == seat)

    def miss(self) -> Gas:
        """Two updates are told to be equal, the claim is overturned, and a member of the next
        committee opens that it lacks a chunk: the gas of the first and of the last."""
        stage, task = self.stage, self.task
        earlier, later = map(self.position, self.twins)
        stage.act([(stage.auditor, Duplicate(task.id, earlier, later))])
        stage.now += PHASE_S
        stage.act([(stage.sponsor, Decide(task.id, 1))])
        members = [task.member_at(task.attempt, slot) for slot in range(COMMITTEE)]
        stage.act((member, Hold(task.id, self.held)) for member in members)
        stage.pass_deadline(task)
        opened = Missing(POSITION, self.update.index, word("receipt"), word("salt"))
        where = (task.id, task.round, task.attempt, members[0])
        sealed = stage.spec.deployment.missing_commitment(*where, opened)
        stage.act([(members[0], CommitVerdict(task.id, sealed))])
        stage.pass_deadline(task)
        fields = (opened.position, opened.chunk, opened.receipt, opened.salt)
        stage.act([(members[0], RevealMissing(task.id, *fields))])
        return {name: stage.gas[name] for name in ("Duplicate", "RevealMissing")}

    def withhold(self) -> None:
        """Demand a chunk that nobody posts, and another one of the same update."""
        for bonds, chunk in ((1, self.update.index), (2, self.update.index + 1)):
            demand = Demand(self.task.id, POSITION, chunk, bonds * SLASH)
            self.stage.act([(self.stage.auditor, demand)])

    def overturn(self, *withheld: int) -> None:
        """Decide demands that were not answered, then the challenge that was not refuted; the next
        committee claims something else, which stands."""
        stage = self.stage
        stage.now += PHASE_S
        for number in (*withheld, 1):
            stage.act([(stage.sponsor, Decide(self.task.id, number))])
        claim(stage, self.task, self.held & ~self.task.current.dropped, word("right"), self.state)

    def settle(self) -> list[int]:
        """Settle the participants, then the disputes one by one, with the last of which the
        committees are: the gas of each page after the first."""
        stage, task = self.stage, self.task
        stage.now = max(stage.now, task.deadline)
        root = self.new.root if task.attempt == 1 else word("right")
        headers = (
            task.header(merkle.Kind.MODEL, root),
            task.header(merkle.Kind.OPTIMISER_STATE, self.state),
        )
        steps = [2 * PARTICIPANTS, *[1] * len(task.current.disputes)]
        pages = [Settle(task.id, count, ZERO, *headers) for count in steps]
        return [stage.act([(stage.sponsor, page)]) for page in pages][1:]


def settlements(mean: Contest, median: Contest, half_median: Contest) -> dict[str, int]:
    """Gas of settling what became of disputes, each a transaction of its own, after the moves of
    `figures`. Of an overturned claim that is the bond's return, and the slashes and shares of its
    committee, which the last page of the round moves."""
    refuted, answered, _ = mean.settle()
    median.withhold()
    median.overturn(2, 3)
    returned, withheld, all_voted = median.settle()
    half_median.overturn()
    (some_dissented,) = half_median.settle()
    return {
        "settle, refuted": refuted,
        "settle, demand answered": answered,
        "settle, overturned: the bond": returned,
        "settle, withheld": withheld,
        "settle, overturned: committees, all of 7 voted": all_voted,
        "settle, overturned: committees, 2 of 7 dissented": some_dissented,
    }


def figures() -> tuple[Gas, dict[str, int]]:
    """Gas of the other moves, and the promised figures."""
    mean, half = Contest(MEAN, PARTICIPANTS), Contest(MEAN, PARTICIPANTS // 2)
    challenge, refute = mean.challenge(), mean.refute()
    median, half_median = Contest(MEDIAN, PARTICIPANTS), Contest(MEDIAN, PARTICIPANTS // 2, 2)
    ordered = median.challenge()
    adam = Contest(ADAM, PARTICIPANTS)
    found = (
        challenge + refute,
        challenge,
        refute,
        adam.challenge(),
        ordered,
        -(-2 * (challenge - half.challenge()) // PARTICIPANTS),
        -(-2 * (ordered - half_median.challenge()) // PARTICIPANTS),
    )
    moves = mean.other_moves() | adam.miss()
    settled = settlements(mean, median, half_median)
    return moves | {name: [gas] for name, gas in settled.items()}, dict(
        zip(LIMITS, found, strict=True)
    )
