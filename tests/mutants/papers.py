"""Mutants of the papers of a task: its document, layout and bounds, its terms, and content ids."""

from __future__ import annotations

from dataclasses import replace

from tests.mutants.table import Mutant

CONTENT, DOCUMENTS, LAYOUT = "content.py", "documents.py", "layout.py"
BOUNDS, TASK, TERMS = "bounds.py", "task.py", "terms.py"

IDS = (
    Mutant("a second text for an id", CONTENT, "if str(found) != text:", "if False:"),
    Mutant(
        "a tree of any code",
        CONTENT,
        "TREE <= self.code <= TREE + MAX_CHUNK_LOG2",
        "TREE <= self.code",
    ),
    Mutant("a tree of documents", CONTENT, "tree = self.codec == RAW and TREE", "tree = TREE"),
    Mutant(
        "a digest of any length",
        CONTENT,
        "if len(self.digest) != _DIGEST_BYTES:",
        "if not self.digest:",
    ),
    Mutant(
        "a chunk twice as large",
        CONTENT,
        "chunk_bytes.bit_length() - 1, root",
        "chunk_bytes.bit_length(), root",
    ),
    Mutant(
        "a chunk of three bytes",
        CONTENT,
        "chunk_bytes < 1 or chunk_bytes & (chunk_bytes - 1)",
        "chunk_bytes < 1",
    ),
    Mutant(
        "a document is a file", CONTENT, "ContentId(DAG_CBOR, SHA2_256", "ContentId(RAW, SHA2_256"
    ),
    Mutant(
        "a tree of any bytes",
        CONTENT,
        "return tree_root(data, self.chunk_bytes) == self.digest",
        "return True",
    ),
    Mutant(
        "a file of any bytes",
        CONTENT,
        "return hashlib.sha256(data).digest() == self.digest",
        "return True",
    ),
    Mutant(
        "a file of its last part", CONTENT, "plain.update(part)", "plain = hashlib.sha256(part)"
    ),
    Mutant(
        "a tree of its first part",
        CONTENT,
        "            tree.update(part)\n",
        "            tree.update(part)\n            break\n",
    ),
    Mutant("text not cut short", CONTENT, "text if len(text) <= 80 else", "text if text else"),
)

CODEC = (
    Mutant("unknown fields pass", DOCUMENTS, "    if unknown:", "    if False:"),
    Mutant("missing fields crash", DOCUMENTS, "    if absent:", "    if False:"),
    Mutant(
        "a second encoding",
        DOCUMENTS,
        "if encode(document) != data:",
        "if False:",
        argued="The codec refuses other encodings by itself: this is a second look at what it let "
        "pass, for a version of it that would not.",
    ),
    Mutant(
        "true is one",
        DOCUMENTS,
        "if isinstance(value, bool) or not isinstance(value, kind):",
        "if not isinstance(value, kind):",
    ),
    Mutant(
        "a pair of one",
        DOCUMENTS,
        "if inner[-1] is not Ellipsis and len(value) != len(inner):",
        "if False:",
    ),
    Mutant(
        "items of any type",
        DOCUMENTS,
        "_typed(item, inner[0], f",
        "(lambda item, _, where: item)(item, inner[0], f",
    ),
    Mutant("amounts with a leading zero", DOCUMENTS, "0|[1-9][0-9]{0,77}", "[0-9]{1,78}"),
    Mutant("amounts in any script", DOCUMENTS, "0|[1-9][0-9]{0,77}", r"0|[1-9]\d{0,77}|\d"),
    Mutant("amounts of any length", DOCUMENTS, "[0-9]{0,77}", "[0-9]*"),
    Mutant(
        "options of floats", DOCUMENTS, "        _require(value, int | str, where)", "        pass"
    ),
    Mutant(
        "lists of floats",
        DOCUMENTS,
        '[_option(item, f"{where}[{i}]") for i, item in enumerate(value)]',
        "value",
    ),
    Mutant(
        "an error of the codec",
        DOCUMENTS,
        "except Exception as error:  #",
        "except KeyError as error:  #",
    ),
)

SHAPES = (
    Mutant("a tensor without a name", LAYOUT, "if not self.name:", "if False:"),
    Mutant(
        "a tensor of nothing",
        LAYOUT,
        "_is_integer(size) and size > 0",
        "_is_integer(size) and size >= 0",
    ),
    Mutant("a tensor of any kind", LAYOUT, "if self.kind not in KINDS:", "if False:"),
    Mutant(
        "a bit too many",
        LAYOUT,
        "<= self.frac_bits <= FRAC_BITS_MAX",
        "<= self.frac_bits <= FRAC_BITS_MAX + 1",
    ),
    Mutant("a bit too few", LAYOUT, "FRAC_BITS_MIN <= self", "FRAC_BITS_MIN - 1 <= self"),
    Mutant("nothing to train", LAYOUT, 'if "trainable" not in kinds:', "if not kinds:"),
    Mutant(
        "statistics come first", LAYOUT, "if kinds != sorted(kinds, key=KINDS.index):", "if False:"
    ),
    Mutant("a tensor twice", LAYOUT, "if tensor.name in seen:", "if False:"),
    Mutant(
        "weights of several bits",
        LAYOUT,
        'if tensor.kind == "trainable" and tensor.frac_bits',
        'if tensor.kind == "" and tensor.frac_bits',
    ),
    Mutant("true is a size", LAYOUT, " and not isinstance(value, bool)", ""),
    Mutant("a size is a sum", LAYOUT, "return math.prod(self.shape)", "return sum(self.shape)"),
)

ACCEPTED = (
    Mutant("a long title", BOUNDS, "1 <= len(text) <= 100", "1 <= len(text) <= 101"),
    Mutant("a title that moves the cursor", BOUNDS, " and text.isprintable()", ""),
    Mutant("another schema", BOUNDS, "task.schema == SCHEMA", "task.schema >= SCHEMA"),
    Mutant("a digest that is none", BOUNDS, "len(m.bundle) == 32", "len(m.bundle) <= 32"),
    Mutant("a root that is none", BOUNDS, "len(m.initial) == 32", "len(m.initial) <= 32"),
    Mutant(
        "a chunk of any size",
        BOUNDS,
        "m.chunk_bytes & (m.chunk_bytes - 1) == 0",
        "m.chunk_bytes > 1",
    ),
    Mutant("a layout of other bits", BOUNDS, "own = all(", "own = True or all("),
    Mutant(
        "statistics of the model's bits",
        BOUNDS,
        ' for t in m.layout if t.kind == "trainable")',
        " for t in m.layout)",
    ),
    Mutant("a proximal term for all", BOUNDS, "plain and ratio", "ratio"),
    Mutant(
        "a thread too many", BOUNDS, "a.threads <= MAX_THREADS,", "a.threads <= MAX_THREADS + 1,"
    ),
    Mutant("a seed of 64 bits", BOUNDS, "a.seed < 2**63", "a.seed <= 2**63"),
    Mutant("data without labels", BOUNDS, "count in (0, 2)", "count <= 2"),
    Mutant("features of any type", BOUNDS, "feature.dtype in DTYPES", "bool(feature.dtype)"),
    Mutant("features of no size", BOUNDS, "1 <= size <= MAX_SIZE for", "0 <= size <= MAX_SIZE for"),
    Mutant("more samples than count", BOUNDS, "1 <= least <= cap,", "1 <= least,"),
    Mutant(
        "a metric twice",
        BOUNDS,
        "named = all(map(NAME.fullmatch, e.metrics)) and",
        "named = True or",
    ),
    Mutant(
        "twice finality",
        BOUNDS,
        "least = FINALITIES * s.finality_s",
        "least = (FINALITIES - 1) * s.finality_s",
    ),
    Mutant(
        "a trim for a mean",
        BOUNDS,
        'plain = task.rule.name == "trimmed_mean" or',
        "plain = True or",
    ),
    Mutant("a committee of two", BOUNDS, "c.seats == 1 or 3 <= c.seats", "1 <= c.seats"),
    Mutant("a pool below its seats", BOUNDS, "fits = c.seats <= c.pool", "fits = 1 <= c.pool"),
    Mutant("everybody is adverse", BOUNDS, "0 <= num < den", "0 <= num <= den"),
    Mutant("odds that flatter", BOUNDS, "c.capture_ppb == expected", "c.capture_ppb <= expected"),
    Mutant("a token of any length", BOUNDS, "len(token) == 20", "len(token) <= 20"),
    Mutant(
        "an amount of 2**96",
        BOUNDS,
        "0 <= value <= terms.MAX_AMOUNT",
        "0 <= value <= terms.MAX_AMOUNT + 1",
    ),
    Mutant("an escrow of one round", BOUNDS, "escrow = task.schedule.rounds * (", "escrow = 1 * ("),
    Mutant("any visibility", BOUNDS, 'task.visibility == "public"', "bool(task.visibility)"),
    Mutant(
        "any licence",
        BOUNDS,
        're.fullmatch(r"[A-Za-z0-9.+-]{1,64}", task.license)',
        're.match(r"[A-Za-z0-9.+-]{1,64}", task.license)',
    ),
)

WHOLE = (
    Mutant(
        "statistics are no coordinates",
        TASK,
        "return sum(t.size for t in self.layout)\n",
        "return self.trainable\n",
    ),
    Mutant("statistics are trained", TASK, ' if t.kind == "trainable")', ")"),
    Mutant(
        "odds of another cohort",
        TASK,
        "c.adversary, self.cohort.goal)",
        "c.adversary, self.cohort.minimum)",
    ),
    Mutant(
        "a trim for every rule",
        TASK,
        'self.rule.trim if self.rule.name == "trimmed_mean" else (0, 0)',
        "self.rule.trim",
    ),
    Mutant(
        "chunks of twice the size",
        TASK,
        "m.chunk_bytes.bit_length() - 1",
        "m.chunk_bytes.bit_length()",
    ),
    Mutant(
        "reward and fee change places",
        TASK,
        "(e.round_reward, e.committee_fee, e",
        "(e.committee_fee, e.round_reward, e",
    ),
    Mutant(
        "slashes change places",
        TASK,
        "(c.nonce, c.commit, c.reveal,",
        "(c.nonce, c.reveal, c.commit,",
    ),
    Mutant(
        "minimum and goal change places",
        TASK,
        "(self.cohort.minimum, self.cohort.goal,",
        "(self.cohort.goal, self.cohort.minimum,",
    ),
)

UNCHECKED = Mutant("a document is not checked", TASK, "        task.check()\n", "")

CONTRACTED = (
    Mutant(
        "a leaf is lost",
        TERMS,
        "return -(-self.coordinates * ELEMENT_BYTES >> self.chunk_log2)",
        "return self.coordinates * ELEMENT_BYTES >> self.chunk_log2",
    ),
    Mutant(
        "a leaf of a state is lost",
        TERMS,
        "return -(-self.trainable * self.server.element_bytes >> self.chunk_log2)",
        "return self.trainable * self.server.element_bytes >> self.chunk_log2",
    ),
    Mutant(
        "a state of all coordinates",
        TERMS,
        "initial_root(self.trainable,",
        "initial_root(self.coordinates,",
        killer="tests/protocol/test_optimisers.py",
    ),
    Mutant(
        "an escrow without fees",
        TERMS,
        "(self.economics.round_reward + self.economics.committee_fee)",
        "self.economics.round_reward",
    ),
    Mutant(
        "a withheld update costs no stake",
        TERMS,
        "max(self.slash_commit, self.slash_reveal, self.slash_withheld)",
        "max(self.slash_commit, self.slash_reveal)",
    ),
    Mutant(
        "a lie costs no stake",
        TERMS,
        "max(self.slash_silent, self.slash_overturned)",
        "self.slash_silent",
    ),
    Mutant(
        "an optimiser of nothing",
        TERMS,
        "least = int(m.optimiser != OptimiserKind.PLAIN)",
        "least = 0",
    ),
    Mutant(
        "more trained than there is",
        TERMS,
        "least <= m.trainable <= m.coordinates",
        "least <= m.trainable",
    ),
    Mutant(
        "a coordinate too many",
        TERMS,
        "<= m.coordinates <= MAX_COORDINATES",
        "<= m.coordinates <= MAX_COORDINATES + 1",
    ),
    Mutant(
        "half is trimmed",
        TERMS,
        "2 * m.trim_numerator < m.trim_denominator",
        "2 * m.trim_numerator <= m.trim_denominator",
    ),
    Mutant(
        "a bond above every slash",
        TERMS,
        "e.court_bond <= e.aggregator_round_stake",
        "e.court_bond <= MAX_AMOUNT",
    ),
)


def _judged(mutants: tuple[Mutant, ...], test: str, room: str = "protocol") -> tuple[Mutant, ...]:
    return tuple(replace(each, killer=f"tests/{room}/test_{test}.py") for each in mutants)


PAPERS = (
    *_judged(IDS, "content"),
    *_judged(CODEC, "task"),
    *_judged(SHAPES, "layout", "learning"),
    *_judged(ACCEPTED, "task_bounds"),
    *_judged(WHOLE, "task"),
    replace(UNCHECKED, killer="tests/protocol/test_task_bounds.py"),
    *CONTRACTED,
)
