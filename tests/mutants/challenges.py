"""Mutants of the court's specification: challenges, the docket, openings."""

from __future__ import annotations

from tests.mutants.table import Mutant

DISPUTE, DOCKET, OPENING = "dispute.py", "docket.py", "opening.py"

CHALLENGES = (
    Mutant(
        "a challenge at any time",
        DISPUTE,
        "        expect_window(task, env)\n    expect_claim",
        "        pass\n    expect_claim",
    ),
    Mutant(
        "a challenge of any claim",
        DISPUTE,
        "    expect_claim(federation, task, action.matter, action.roots)\n",
        "",
    ),
    Mutant(
        "a coordinate and one more",
        DISPUTE,
        "action.coordinate < shape.elements",
        "action.coordinate <= shape.elements",
    ),
    Mutant(
        "a served chunk is forgotten",
        DISPUTE,
        "(served and action.coordinate // shape.per_chunk != served.at)",
        "False",
    ),
    Mutant("any past", DISPUTE, "if not _are_old(task, action.roots):", "if False:"),
    Mutant(
        "any past state",
        DISPUTE,
        "return (model, state_header(task, roots.old_state)) == (task.model_root, task.state_root)",
        "return model == task.model_root",
    ),
    Mutant(
        "a longer column",
        DISPUTE,
        "if len(action.column) != ELEMENT_BYTES",
        "if len(action.column) < ELEMENT_BYTES",
    ),
    Mutant("right claims are challenged", DISPUTE, "if _is_true(task, action):", "if False:"),
    Mutant(
        "a served challenge costs a bond",
        DISPUTE,
        "    if served is None:\n        lock(federation, task, env, action.bond, bonds=1)\n",
        "    lock(federation, task, env, action.bond, bonds=1)\n    if served is None:\n",
    ),
    Mutant(
        "a served challenge keeps its chunk",
        DISPUTE,
        "served.at, served.evidence = action.coordinate, evidence",
        "served.evidence = evidence",
    ),
    Mutant(
        "a served challenge keeps its deadline",
        DISPUTE,
        "served.standing, served.deadline = Standing.FILED, deadline",
        "served.standing = Standing.FILED",
    ),
    Mutant(
        "any column is refuted",
        DISPUTE,
        "if hashlib.sha256(action.column).digest() != dispute.evidence:",
        "if False:",
    ),
    Mutant(
        "an uncounted entry is refuted",
        DISPUTE,
        "if not counted >> action.position & 1:",
        "if False:",
    ),
    Mutant(
        "a position is a rank",
        DISPUTE,
        "rank = (counted & (1 << action.position) - 1).bit_count()",
        "rank = action.position",
    ),
    Mutant(
        "a true entry is refuted",
        DISPUTE,
        "if lattice_entry(found) == entries(action.column)[rank]:",
        "if False:",
    ),
    Mutant(
        "an entry is refuted to the bit",
        DISPUTE,
        "if lattice_entry(found) == entries",
        "if integer(found) == entries",
    ),
    Mutant(
        "who refutes is forgotten",
        DISPUTE,
        "Standing.DISMISSED, env.sender",
        "Standing.DISMISSED, dispute.answerer",
    ),
    Mutant(
        "a refutation at any time",
        DISPUTE,
        "    expect_move(dispute, Standing.FILED, env.now)\n",
        "",
    ),
    Mutant(
        "a state beside statistics",
        DISPUTE,
        "m.server.element_bytes, m.trainable, 1",
        "m.server.element_bytes, m.coordinates, 1",
    ),
    Mutant(
        "entries beyond the lattice",
        DISPUTE,
        "return [lattice_entry(column[i : i + size])",
        "return [integer(column[i : i + size])",
    ),
    Mutant("a median is a mean", DISPUTE, "if m.rule == RuleKind.COORDINATE_MEDIAN:", "if False:"),
    Mutant("a trimmed mean is a mean", DISPUTE, "if m.rule == RuleKind.TRIMMED_MEAN:", "if False:"),
    Mutant(
        "weights of the revealed",
        DISPUTE,
        "if current.counted >> i & 1)",
        "if current.revealed >> i & 1)",
    ),
    Mutant("anybody goes on", DISPUTE, "if dispute.opener != env.sender:", "if False:"),
    Mutant(
        "a descent changes its matter", DISPUTE, "if dispute.matter != action.matter:", "if False:"
    ),
    Mutant(
        "a served challenge at any time",
        DISPUTE,
        "    expect_move(dispute, Standing.SERVED, env.now)\n",
        "",
    ),
    Mutant(
        "a model beyond its range",
        DISPUTE,
        "(sat(old + aggregate),)",
        "(old + aggregate,)",
    ),
    Mutant(
        "a claim of -2^31",
        DISPUTE,
        "old, claimed = lattice_entry(opened[0]), integer(opened[1])",
        "old, claimed = lattice_entry(opened[0]), lattice_entry(opened[1])",
    ),
    Mutant(
        "an old value of -2^31",
        DISPUTE,
        "old, claimed = lattice_entry(opened[0]), integer(opened[1])",
        "old, claimed = integer(opened[0]), integer(opened[1])",
    ),
    Mutant(
        "a moved claim of -2^31",
        DISPUTE,
        "lattice_entry(opened[0]), integer(opened[1]), moments(opened[2])",
        "lattice_entry(opened[0]), lattice_entry(opened[1]), moments(opened[2])",
    ),
    Mutant(
        "the first statistic is trained",
        DISPUTE,
        "if action.coordinate >= m.trainable or",
        "if action.coordinate > m.trainable or",
    ),
    Mutant(
        "fewer openings than wanted",
        DISPUTE,
        "if len(action.openings) != len(wanted):",
        "if len(action.openings) > len(wanted):",
    ),
    Mutant(
        "a mean alone is a state",
        DISPUTE,
        "return Weighed(before, (), aggregate, computed, after)",
        "return Weighed(before, (), aggregate, computed[:1], after[:1])",
    ),
    Mutant(
        "a square is not read",
        DISPUTE,
        "return integer(element[:MOMENT_BYTES]), integer(element[MOMENT_BYTES:])",
        "return integer(element[:MOMENT_BYTES]), 0",
    ),
    Mutant(
        "the statistics' optimiser", DISPUTE, "or m.optimiser == OptimiserKind.PLAIN:", "or False:"
    ),
    Mutant(
        "a decision a second early",
        DOCKET,
        "if env.now < dispute.deadline:",
        "if env.now + 1 < dispute.deadline:",
    ),
    Mutant(
        "a move at its deadline",
        DOCKET,
        "if now >= dispute.deadline:",
        "if now > dispute.deadline:",
    ),
    Mutant("a move out of turn", DOCKET, "if dispute.standing != standing:", "if False:"),
    Mutant("nothing is dropped", DOCKET, "task.current.dropped |= 1 << dispute.position", "pass"),
    Mutant("nothing is void", DOCKET, "task.current.void = True", "pass"),
    Mutant(
        "the first dispute overturned",
        DOCKET,
        "attempts[-1].overturned = action.number",
        "attempts[-1].overturned = 1",
    ),
    Mutant("a withheld update overturns", DOCKET, "    if dispute.is_demand:\n", "    if False:\n"),
    Mutant(
        "a void attempt ends at once",
        DOCKET,
        "    if task.open_disputes:\n        raise Rejected(Reason.DISPUTE_OPEN)\n",
        "",
    ),
    Mutant(
        "disputes outlive their attempt",
        DOCKET,
        "task.phase in DISPUTED and number > current.attempts[-1].first",
        "task.phase in DISPUTED",
    ),
    Mutant(
        "disputes outlive their phase",
        DOCKET,
        "running = task.phase in DISPUTED and",
        "running = True and",
    ),
    Mutant(
        "decided disputes go on",
        DOCKET,
        "if not running or not dispute.pending:",
        "if not running:",
    ),
    Mutant("dispute zero", DOCKET, "if not 1 <= number <=", "if not 0 <= number <="),
    Mutant(
        "a window and a second",
        DOCKET,
        "if env.now >= task.deadline:",
        "if env.now > task.deadline:",
    ),
    Mutant(
        "outsiders judge",
        DOCKET,
        "    expect_admitted(task, env.sender)\n",
        "    expect_room(task)\n",
    ),
    Mutant(
        "the drawn of all rounds judge",
        DOCKET,
        "if place >= task.attempt * task.terms.cohort.committee:",
        "if False:",
    ),
    Mutant(
        "the first committee judges",
        DOCKET,
        "if place >= task.attempt * task.terms",
        "if place >= task.terms",
    ),
    Mutant(
        "hidden updates are public", DOCKET, "== Visibility.COMMITTEE:", "== Visibility.PUBLIC:"
    ),
    Mutant("one dispute more", DOCKET, "== MAX_DISPUTES:", "> MAX_DISPUTES:"),
    Mutant(
        "a plain task's state",
        DOCKET,
        "(matter != Matter.STATE or plain)",
        "matter != Matter.STATE",
    ),
    Mutant(
        "a plain task's root of a state", DOCKET, "return ZERO if plain else task", "return task"
    ),
    Mutant("a bond less a unit", DOCKET, "if received < due:", "if received < due - 1:"),
    Mutant(
        "what is too much is lost", DOCKET, "    books.credit(env.sender, received - due)\n", ""
    ),
    Mutant(
        "every bond is one bond",
        DOCKET,
        "bonds * task.terms.economics.court_bond\n    if",
        "task.terms.economics.court_bond\n    if",
    ),
    Mutant(
        "a move and a second",
        DOCKET,
        "return now + task.terms.schedule.challenge_s",
        "return now + task.terms.schedule.challenge_s + 1",
    ),
    Mutant(
        "a challenger need not choose",
        DOCKET,
        "(Standing.UNFOLDED, Standing.SERVED)",
        "(Standing.SERVED,)",
    ),
    Mutant(
        "a challenger need not go on",
        DOCKET,
        "(Standing.UNFOLDED, Standing.SERVED)",
        "(Standing.UNFOLDED,)",
    ),
    Mutant(
        "an update is dropped twice",
        DOCKET,
        "if dispute.is_demand and task.current",
        "if False and task.current",
    ),
    Mutant(
        "a chunk of another length",
        OPENING,
        "len(opening.chunk) != self.chunk_size(index)",
        "False",
    ),
    Mutant(
        "the last chunk is full",
        OPENING,
        "min(self.chunk_bytes, self.element_bytes * self.elements - index * self.chunk_bytes)",
        "self.chunk_bytes",
    ),
    Mutant(
        "the next element",
        OPENING,
        "chunk, place = divmod(index, self.per_chunk)",
        "chunk, place = index // self.per_chunk, 0",
    ),
    Mutant("entries read to the bit", OPENING, "max(-LIMIT, integer(element))", "integer(element)"),
    Mutant("a state's bytes are unsigned", OPENING, '"little", signed=True)', '"little")'),
)
