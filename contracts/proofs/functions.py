"""Proofs of functions as they stand in their files, and of each with a mistake in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import z3
from claim import Claim, error_after
from reading import Node, Reader, Term, Unread, Way, dotted, function, statements
from specified import result as specification

ARITHMETIC, SETTLING = "src/libraries/Arithmetic.sol", "src/federation/Settling.sol"
RESTITUTION = "src/federation/Restitution.sol"
MATH = "node_modules/@openzeppelin/contracts/utils/math/Math.sol"
Mistake = tuple[str, str] | None
Holds = Callable[[Way], Term]
Made = tuple[Sequence[Term], Sequence[Way], Holds]
"""What is given, the ways through the code, and what is to hold on each."""


def claims() -> Iterator[Claim]:
    """All of them."""
    yield from rounding()
    yield from square_root()
    yield from money()


def refuted(given: Sequence[Term], ways: Sequence[Way], holds: Holds) -> z3.BoolRef:
    """What a counterexample to `holds`, or to all staying inside its type, on any way would be."""
    return z3.Or(
        *(
            z3.And(*given, *way.decided, *way.known, z3.Not(z3.And(holds(way), *way.inside)))
            for way in ways
        )
    )


def proved(
    name: str,
    made: Callable[[Mistake], Made],
    mistake: tuple[str, str],
) -> Claim:
    """A claim about code, and about the same code with a mistake in it."""
    return Claim(name, refuted(*made(None)), refuted(*made(mistake)))


def rounding() -> Iterator[Claim]:
    """`Arithmetic.rdiv`."""
    a, b = z3.Ints("a b")
    given = [b > 0, b < 2**255, z3.If(a < 0, -a, a) + b / 2 < 2**255]

    def about(holds: Callable[[Term], Term]) -> Callable[[Mistake], Made]:
        def made(mistake: Mistake) -> Made:
            body = statements(function(ARITHMETIC, "rdiv", mistake=mistake))
            ways = Reader(frozenset({"a", "b"})).run(body, Way({"a": a, "b": b}))
            return given, ways, lambda way: holds(way.result)

        return made

    def outwards(q: Term) -> Term:
        rest = 2 * (a - q * b)
        return z3.And(z3.Implies(rest == b, a < 0), z3.Implies(rest == -b, a > 0))

    nearest = about(lambda q: z3.And(-b <= 2 * (a - q * b), 2 * (a - q * b) <= b))
    half = "int256 half = b / 2;"
    yield proved("rdiv is nearest and fits", nearest, (half, "int256 half = b / 2 - 1;"))
    less = "int256 half = (b - 1) / 2;"
    yield proved("rdiv sends halves outwards", about(outwards), (half, less))

    def same(mistake: Mistake) -> Made:
        _, ways, _ = about(lambda q: q)(mistake)
        known: list[Term] = []
        specified = specification("arithmetic.py", "rdiv", {"a": a, "b": b}, known)
        return [*given, *known], ways, lambda way: way.result == specified

    yield proved("rdiv is what the specification's rdiv is", same, (half, less))


def square_root() -> Iterator[Claim]:
    """`Math.sqrt`, part by part: the first estimate on each of its ways, a step, their number, the
    last correction. `s` is the root that is to be found."""
    a, s, x = z3.Ints("a s x")
    root = [s >= 1, s * s <= a, a < (s + 1) * (s + 1), a < 2**256, x >= 1, x < 2**130]
    # As the first estimate has it and, since no step falls below the root, all after it.
    root.append(4 * x >= 3 * s)
    parts = _Root.read(None)
    yield Claim(
        "sqrt's first estimate is three halves of a power of two below the root",
        _first(parts),
        _first(_Root.read(("if (aa >= (1 << 8)) {", "if (aa >= (1 << 9)) {"))),
    )

    def step(parts: _Root) -> z3.BoolRef:
        found = [Reader().run([each], Way({"xn": x, "a": a})) for each in parts.steps]
        ways = [way for each in found for way in each]
        error = (x - s) * (x - s) + 2 * s

        def holds(way: Way) -> Term:
            y = way.values["xn"]
            return z3.And(y >= s, 2 * x * y <= 2 * s * x + error)

        return refuted(root, ways, holds)

    wrong = parts.without_halving()
    yield Claim("each of sqrt's steps halves and squares the error", step(parts), step(wrong))
    enough, few = (_converges(parts.powers, count) for count in (len(parts.steps), 2))
    yield Claim("sqrt takes steps enough", z3.BoolVal(not enough), z3.BoolVal(not few))

    def last(parts: _Root) -> z3.BoolRef:
        ways = Reader().run([parts.last], Way({"xn": x, "a": a}))
        close = z3.Or(x == s, x == s + 1)
        return refuted([*root, close], ways, lambda way: way.result == s)

    mistaken = _Root.read(("SafeCast.toUint(xn > a / xn)", "SafeCast.toUint(xn >= a / xn)"))
    yield Claim("sqrt's last correction gives the floor", last(parts), last(mistaken))


class _Root:
    """The parts of `Math.sqrt`."""

    def __init__(self, body: list[Node]) -> None:
        *rest, self.last = body
        first = next(i for i in range(len(rest), 0, -1) if rest[i - 1]["nodeType"] == "IfStatement")
        self.before, (self.estimate, *self.steps) = rest[:first], rest[first:]
        for each in (self.estimate, *self.steps):
            if dotted(each["expression"]["leftHandSide"]) != "xn":
                raise Unread("a step of sqrt that is none")
        self.powers: list[int] = []

    @classmethod
    def read(cls, mistake: Mistake) -> _Root:
        return cls(statements(function(MATH, "sqrt", mistake=mistake, arity=1)))

    def without_halving(self) -> _Root:
        """The same with steps that do not halve."""
        found = _Root([*self.before, self.estimate, *self.steps, self.last])
        inner = self.steps[0]["expression"]["rightHandSide"]["leftExpression"]
        whole = {**self.steps[0]["expression"], "rightHandSide": inner}
        found.steps = [{**self.steps[0], "expression": whole}]
        return found


def _first(parts: _Root) -> z3.BoolRef:
    """A counterexample to: on every way the estimate is 3 * 2^(e-2), rounded down, of the power of
    two 2^(e-1) that is at most the root and more than half of it."""
    a = z3.Int("a")
    wrong = []
    for way in Reader().run(parts.before, Way({"a": a})):
        if way.ended:
            wrong.append(z3.And(*way.decided, a >= 0, way.result != a))
            continue
        power = way.values["xn"]
        (estimated,) = Reader().run([parts.estimate], way)
        parts.powers.append(power)
        estimate = estimated.values["xn"]
        if estimate != 3 * power // 2 or 4 * estimate < 3 * (2 * power - 1):
            raise Unread("an estimate that is not three halves of a power")
        fits = z3.And(power * power <= a, a < 4 * power * power)
        wrong.append(z3.And(a >= 2, a < 2**256, *way.decided, z3.Not(fits)))
    # Without a way that returns at once, zero would be divided by.
    return z3.Or(*wrong)


def _converges(powers: Sequence[int], steps: int) -> bool:
    """Whether from the estimate of every power the error ends at 1 or less."""
    return all(error_after(power.bit_length(), steps) <= 1 for power in powers)


def money() -> Iterator[Claim]:
    """What settlement divides."""
    yield proved(
        "shared slashes: nothing is lost, at most half is paid",
        _shared,
        ("page.pool / 2 / sharers", "(page.pool / 2 + 1) / sharers"),
    )
    yield proved(
        "rewards by samples stay below the reward of the samples seen",
        _rewarded,
        (
            "_samplesAt(state, position) / page.samples",
            "(_samplesAt(state, position) + 1) / page.samples",
        ),
    )
    yield proved(
        "an overturned pot: half is burned, fees never exceed the rest",
        _overturned,
        ("fee < left ? fee : left", "fee"),
    )
    yield proved(
        "a dispute's bond or slash: what is not earned is burned, no more than half but for an "
        "answer",
        _disputed,
        ("earned = lost / 2;", "earned = lost;"),
    )


def _shared(mistake: Mistake) -> Made:
    pool, burned = z3.Ints("pool burned")
    body = statements(function(SETTLING, "_shareSlashes", mistake=mistake))
    start = {"page.pool": pool, "page.burnedStake": burned, "page.bonus": 0}
    ways = Reader().run(body, Way(start))

    def holds(way: Way) -> Term:
        left, lost = way.values["page.pool"], way.values["page.burnedStake"]
        sharers = way.values["page.revealed.count()"]
        whole = way.values["page.bonus"] * sharers == left
        return z3.And(whole, 2 * left <= pool, left + lost == pool + burned)

    return [pool >= 0, burned >= 0, pool < 2**96, burned < 2**128], ways, holds


def _rewarded(mistake: Mistake) -> Made:
    paid, seen = z3.Ints("paid seen")
    share = _declared(function(SETTLING, "_pay", mistake=mistake), "share")
    (way,) = Reader().run([share], Way({}))
    reward, samples = way.values["page.reward"], way.values["page.samples"]
    own = way.values["_samplesAt()"]
    given = [paid >= 0, seen >= 0, samples >= 1, paid * samples <= reward * seen]
    given += [reward < 2**96, own < 2**16]

    def holds(way: Way) -> Term:
        return (paid + way.values["share"]) * samples <= reward * (seen + own)

    return given, [way], holds


def _overturned(mistake: Mistake) -> Made:
    """The pot is halved; then, after any number of dissenters, one more."""
    pot, burned, given_out, rest = z3.Ints("pot burned given_out rest")
    found = function(RESTITUTION, "_shareOverturned", mistake=mistake)
    reader, body = Reader(), statements(found)
    halving = [
        _declared(found, "left"),
        *(
            s
            for s in body
            if s["nodeType"] == "ExpressionStatement"
            and s["expression"]["nodeType"] == "Assignment"
        ),
    ]
    (halved,) = reader.run(halving, Way({"pot": pot, "page.burnedStake": burned}))
    (loop,) = (s for s in body if s["nodeType"] == "ForStatement")
    inner = [s for s in loop["body"]["statements"] if s["nodeType"] != "IfStatement"]
    (way,) = reader.run(inner, replace(halved, values={**halved.values, "left": rest}))

    def holds(way: Way) -> Term:
        lost = way.values["page.burnedStake"] - burned
        half, left, paid = halved.values["left"], way.values["left"], way.values["paid"]
        shares = z3.And(left >= 0, left + given_out + paid == half)
        return z3.And(shares, lost + half == pot, 2 * lost >= pot)

    given = [pot >= 0, pot < 2**128, burned >= 0, burned < 2**128]
    given += [rest >= 0, given_out >= 0, rest + given_out == halved.values["left"]]
    return given, [way], holds


def _disputed(mistake: Mistake) -> Made:
    burned = z3.Int("burned")
    found = function(RESTITUTION, "_settleDispute", mistake=mistake)
    body = statements(found)
    # From the bond on: what comes before finds the dispute, what comes after pays what is due.
    first = next(i for i, s in enumerate(body) if s is _declared(found, "returned"))
    last = next(i for i, s in enumerate(body) if s is _declared(found, "due"))
    ways = Reader().run(body[first : last + 1], Way({"page.burnedStake": burned}))

    def holds(way: Way) -> Term:
        values = way.values
        lost, earned = values["lost"], values["earned"]
        gone = values["page.burnedStake"] - burned
        answer = z3.And(
            values.get("stage", z3.Int("stage")) == z3.Int("Stage.Dismissed"),
            z3.Int("matter") >= z3.Int("Matter.Update"),
        )
        half = z3.Or(answer, 2 * gone >= lost)
        return z3.And(gone + earned == lost, half, values["due"] == values["returned"] + earned)

    return [burned >= 0, burned < 2**128, *_small("bonds", "_slashOwner()")], ways, holds


def _small(*names: str) -> list[Term]:
    """Amounts of a token, of which there is room for in a word by far."""
    return [z3.And(z3.Int(name) >= 0, z3.Int(name) < 2**128) for name in names]


def _declared(found: Node, name: str) -> Node:
    """The statement that declares a variable, however deep it stands."""
    waiting: list[object] = [found["body"]]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            if each.get("nodeType") == "VariableDeclarationStatement":
                (declared,) = each["declarations"]
                if declared["name"] == name:
                    return each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    raise Unread(f"no declaration of {name}")
