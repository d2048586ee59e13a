"""Mutants of what the specification computes: arithmetic, rules, server optimisers, trees, odds."""

from __future__ import annotations

from dataclasses import replace

from tests.mutants.table import Mutant

ARITHMETIC, COLUMNS, OPTIMISERS = "arithmetic.py", "columns.py", "optimisers.py"
MERKLE, DRAWS = "merkle.py", "draws.py"
TESTS = "tests/protocol/test_"
OF_ARITHMETIC, OF_COLUMNS = f"{TESTS}arithmetic.py", f"{TESTS}columns.py"
OF_OPTIMISERS, OF_MERKLE, OF_DRAWS = (
    f"{TESTS}{name}.py" for name in ("optimisers", "merkle", "draws")
)

ROUNDING = (
    Mutant("a range of one more", ARITHMETIC, "max(-LIMIT, min(", "max(-LIMIT - 1, min("),
    Mutant("no upper end", ARITHMETIC, "max(-LIMIT, min(LIMIT, x))", "max(-LIMIT, x)"),
    Mutant("an entry of -2**31 stays", ARITHMETIC, "return max(-LIMIT, q)", "return q"),
    Mutant("an entry of 2**31", ARITHMETIC, "<= q <= LIMIT:", "<= q <= LIMIT + 1:"),
    Mutant("halves to zero", ARITHMETIC, "abs(a) + b // 2", "abs(a) + (b - 1) // 2"),
    Mutant(
        "halves up", ARITHMETIC, "magnitude = (abs(a) + b // 2) // b", "return (a + b // 2) // b"
    ),
    Mutant("quotients lose their sign", ARITHMETIC, "return -magnitude if a < 0", "return a if 0"),
    Mutant("a divisor of zero", ARITHMETIC, "if b <= 0:", "if b < 0:"),
    Mutant("a root in floats", ARITHMETIC, "return math.isqrt(v)", "return int(math.sqrt(v))"),
    Mutant("weights up to 2**32", ARITHMETIC, "cap < WEIGHT_SUM_LIMIT", "cap <= WEIGHT_SUM_LIMIT"),
    Mutant("a weight of 2**16", ARITHMETIC, "<= WEIGHT_LIMIT and", "<= WEIGHT_LIMIT + 1 and"),
)

RULES = (
    Mutant("a mean without weights", COLUMNS, "sum(weights))", "len(weights))"),
    Mutant("a negative weight", COLUMNS, "if any(weight < 0 for", "if all(weight < 0 for"),
    Mutant("a median of what came", COLUMNS, "sorted(_read(column))", "_read(column)"),
    Mutant("a median too high", COLUMNS, "max(0, count - 1) // 2", "max(0, count - 1) // 2 + 1"),
    Mutant("the lower middle", COLUMNS, "max(0, count - 1) // 2", "max(0, count - 2) // 2"),
    Mutant(
        "a trim of a half",
        COLUMNS,
        "if not 0 <= 2 * numerator < denominator:",
        "if not 0 <= 2 * numerator <= denominator:",
    ),
    Mutant(
        "a trim by floats",
        COLUMNS,
        "count * numerator // denominator",
        "int(numerator / denominator * count)",
    ),
    Mutant("a trim of one end alone", COLUMNS, "[dropped : len(column) - dropped]", "[dropped:]"),
    Mutant(
        "a middle rounded down",
        COLUMNS,
        "return rdiv(sum(middle), len(middle))",
        "return sum(middle) // len(middle)",
    ),
)

STEPS = (
    Mutant("no reach", OPTIMISERS, "max(-reach, min(reach, mean)) << shift", "mean << shift"),
    Mutant(
        "a reach of one more", OPTIMISERS, "reach = LIMIT >> shift", "reach = (LIMIT >> shift) + 1"
    ),
    Mutant("a mean beyond its range", OPTIMISERS, "M, V = sat(moments[0])", "M, V = moments[0]"),
    Mutant("a square beyond its range", OPTIMISERS, "min(SQUARE_LIMIT, moments[1])", "moments[1]"),
    Mutant("a negative square", OPTIMISERS, "max(0, min(SQUARE_LIMIT", "max(-1, min(SQUARE_LIMIT"),
    Mutant("a mean that grows", OPTIMISERS, "rdiv(change - M,", "rdiv(change,"),
    Mutant(
        "a mean rounded down",
        OPTIMISERS,
        "rdiv(change - M, self.constants.mean_divisor)",
        "(change - M) // self.constants.mean_divisor",
    ),
    Mutant("momentum at 24 bits", OPTIMISERS, "1 << MOMENT_BITS + shift", "1 << MOMENT_BITS"),
    Mutant(
        "a floor below the root",
        OPTIMISERS,
        "isqrt(V) + self",
        "isqrt(V + self.constants.floor**2) + 0 * self",
    ),
    Mutant("no floor", OPTIMISERS, "isqrt(V) + self.constants.floor", "max(1, isqrt(V))"),
    Mutant(
        "a move the other way",
        OPTIMISERS,
        "sat(value + rdiv(M * self.constants.rate, d",
        "sat(value - rdiv(M * self.constants.rate, d",
    ),
    Mutant(
        "a move beyond the range",
        OPTIMISERS,
        "sat(value + rdiv(M * self.constants.rate, d",
        "(value + rdiv(M * self.constants.rate, d",
    ),
    Mutant("a plain step beyond the range", OPTIMISERS, "sat(value + mean)", "value + mean"),
    Mutant(
        "a square of the old mean",
        OPTIMISERS,
        "self._square(V, change**2)",
        "self._square(V, M**2)",
    ),
    Mutant("Adagrad without end", OPTIMISERS, "min(V + square, ADAGRAD_LIMIT)", "V + square"),
    Mutant("Adam as Adagrad", OPTIMISERS, "V + rdiv(square - V,", "V + rdiv(square,"),
    Mutant("Yogi as Adam", OPTIMISERS, "sign * rdiv(square,", "rdiv(square - V,"),
    Mutant(
        "Yogi moves at rest",
        OPTIMISERS,
        "(square > V) - (square < V)",
        "(square >= V) - (square < V)",
    ),
    Mutant("a start at nothing", OPTIMISERS, "self.constants.floor**2", "0"),
    Mutant("a start at the floor", OPTIMISERS, "self.constants.floor**2", "self.constants.floor"),
    Mutant("a state three moments wide", OPTIMISERS, "min(self.kind, 2)", "min(self.kind, 3)"),
    Mutant("a state without its last chunk", OPTIMISERS, "* bool(rest)", "* 0"),
    Mutant(
        "a first state where none is kept", OPTIMISERS, "return ZERO", "return merkle.root_of(())"
    ),
    Mutant(
        "a constant nobody uses",
        OPTIMISERS,
        "<= most if used else value == 0",
        "<= most if used else True",
    ),
    Mutant(
        "a floor for momentum",
        OPTIMISERS,
        "kind >= OptimiserKind.ADAGRAD",
        "kind >= OptimiserKind.MOMENTUM",
    ),
    Mutant(
        "no decay of squares", OPTIMISERS, "c.square_divisor, 2, MAX", "c.square_divisor, 1, MAX"
    ),
    Mutant("a floor too low", OPTIMISERS, "c.floor, LEAST_FLOOR, MAX", "c.floor, 1, MAX"),
)

TREES = (
    Mutant(
        "leaves without their prefix",
        MERKLE,
        '_LEAF = hashlib.sha256(b"\\x00")',
        "_LEAF = hashlib.sha256()",
    ),
    Mutant(
        "nodes with the leaves' prefix", MERKLE, '_NODE = hashlib.sha256(b"\\x01")', "_NODE = _LEAF"
    ),
    Mutant(
        "one leaf too many",
        MERKLE,
        "return -(-size_bytes // chunk_bytes)",
        "return size_bytes // chunk_bytes + 1",
    ),
    Mutant(
        "one leaf too few",
        MERKLE,
        "return -(-size_bytes // chunk_bytes)",
        "return size_bytes // chunk_bytes",
    ),
    Mutant(
        "the last node is paired with itself",
        MERKLE,
        "above.append(level[-1])",
        "above.append(node_hash(level[-1], level[-1]))",
    ),
    Mutant("the last node is lost", MERKLE, "if len(level) % 2:", "if False:"),
    Mutant(
        "children change places", MERKLE, "state.update(left + right)", "state.update(right + left)"
    ),
    Mutant("no bytes hash to zero", MERKLE, "return hashlib.sha256().digest()", "return bytes(32)"),
    Mutant("a rest is forgotten", MERKLE, "if self._rest:", "if False:"),
    Mutant(
        "a rest is hashed twice", MERKLE, "del self._rest[:whole]", "del self._rest[: whole - 1]"
    ),
    Mutant(
        "peaks from the left",
        MERKLE,
        "found = node_hash(roots.pop(), found)",
        "found = node_hash(found, roots.pop())",
    ),
    Mutant(
        "a path of the leaf itself",
        MERKLE,
        "path.append(hashes[index ^ 1])",
        "path.append(hashes[index])",
    ),
    Mutant(
        "a leaf after the last", MERKLE, "0 <= index < leaf_count or", "0 <= index <= leaf_count or"
    ),
    Mutant(
        "a seam between hashes",
        MERKLE,
        "any(len(part) != 32 for part in (leaf, *path))",
        "not leaf",
    ),
    Mutant(
        "a path above the root", MERKLE, "        if last == 0:\n            return False\n", ""
    ),
    Mutant(
        "a path too short", MERKLE, "return last == 0 and found == root", "return found == root"
    ),
    Mutant("any root", MERKLE, "return last == 0 and found == root", "return last == 0"),
    Mutant(
        "an edge does not rise", MERKLE, "while position % 2 == 0 and position:", "while False:"
    ),
    Mutant(
        "an edge is no right child",
        MERKLE,
        "if position % 2 or position == last:",
        "if position % 2:",
    ),
    Mutant("headers of any kind", MERKLE, "(word(kind),", "(word(0),"),
    Mutant(
        "headers of any length",
        MERKLE,
        "word(coordinates), word(leaves)",
        "word(leaves), word(leaves)",
    ),
    Mutant(
        "headers of any chunks",
        MERKLE,
        "word(coordinates), word(leaves)",
        "word(coordinates), word(0)",
    ),
    Mutant("headers of any width", MERKLE, "word(element_bytes),", "word(4),"),
    Mutant("headers like nodes", MERKLE, '_HEADER = b"\\x02"', '_HEADER = b"\\x01"'),
)

ODDS = (
    Mutant("a quorum rounded down", DRAWS, "return -(-2 * seats // 3)", "return 2 * seats // 3"),
    Mutant(
        "a quorum of more than needed",
        DRAWS,
        "return -(-2 * seats // 3)",
        "return 2 * seats // 3 + 1",
    ),
    Mutant("nobody withholds", DRAWS, "ways * 2**openings", "ways"),
    Mutant(
        "odds rounded down",
        DRAWS,
        "return -int(-odds * PARTS_PER_BILLION // 1)",
        "return int(odds * PARTS_PER_BILLION // 1)",
    ),
    Mutant(
        "an adversary with a seat fewer",
        DRAWS,
        "min(seats, adversaries) + 1)",
        "min(seats, adversaries))",
    ),
)


def _judged(mutants: tuple[Mutant, ...], test: str) -> tuple[Mutant, ...]:
    return tuple(replace(mutant, killer=test) for mutant in mutants)


NUMBERS = (
    *_judged(ROUNDING, OF_ARITHMETIC),
    *_judged(RULES, OF_COLUMNS),
    *_judged(STEPS, OF_OPTIMISERS),
    *_judged(TREES, OF_MERKLE),
    *_judged(ODDS, OF_DRAWS),
)
