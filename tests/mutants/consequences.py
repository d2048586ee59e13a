"""Mutants of the court's specification: what is withheld, and what follows in a round."""

from __future__ import annotations

from tests.mutants.table import Mutant

WITHHOLDING, RESTITUTION, STATE = "withholding.py", "restitution.py", "state.py"
SETTLEMENT, ATTEMPTS, ROUNDS = "settlement.py", "attempts.py", "rounds.py"

CONSEQUENCES = (
    Mutant("seven levels at once", WITHHOLDING, "STEP_LEVELS = 6", "STEP_LEVELS = 7"),
    Mutant("a descent at any time", WITHHOLDING, "    expect_window(task, env)\n", ""),
    Mutant(
        "a descent of any claim",
        WITHHOLDING,
        "    expect_claim(federation, task, action.matter, action.roots)\n",
        "",
    ),
    Mutant(
        "a descent for nothing",
        WITHHOLDING,
        "    lock(federation, task, env, action.bond, bonds=1)\n",
        "",
    ),
    Mutant(
        "every descent is of the model",
        WITHHOLDING,
        "action.roots.model if matter == Matter.MODEL else action.roots.state",
        "action.roots.model",
    ),
    Mutant("hashes below a chunk", WITHHOLDING, "    if dispute.level == 0:\n", "    if False:\n"),
    Mutant(
        "hashes below a full node", WITHHOLDING, "min(width, there - dispute.at * width)", "width"
    ),
    Mutant(
        "any hashes",
        WITHHOLDING,
        "if merkle.root_of(action.hashes) != dispute.evidence:",
        "if False:",
    ),
    Mutant(
        "who unfolds is forgotten",
        WITHHOLDING,
        "Standing.UNFOLDED, env.sender",
        "Standing.UNFOLDED, dispute.answerer",
    ),
    Mutant("anybody chooses", WITHHOLDING, "if dispute.opener != env.sender:", "if False:"),
    Mutant(
        "a child of other hashes",
        WITHHOLDING,
        "if _digest(action.hashes) != dispute.evidence or action",
        "if action",
    ),
    Mutant(
        "a child beside",
        WITHHOLDING,
        "action.child >= len(action.hashes)",
        "action.child > len(action.hashes)",
    ),
    Mutant(
        "a child of the first node",
        WITHHOLDING,
        "(dispute.at << dispute.level - below) + action.child",
        "action.child",
    ),
    Mutant(
        "demands of drawn rounds",
        WITHHOLDING,
        "if env.now >= (attempt.window or task.deadline):",
        "if env.now >= task.deadline:",
    ),
    Mutant(
        "a demand a second late",
        WITHHOLDING,
        "if env.now >= (attempt.window or",
        "if env.now > (attempt.window or",
    ),
    Mutant(
        "a demand in any phase",
        WITHHOLDING,
        "if task.phase not in DISPUTED:",
        "if not task.current.attempts:",
    ),
    Mutant("outsiders demand", WITHHOLDING, "    expect_admitted(task, env.sender)\n", ""),
    Mutant(
        "the dropped are demanded",
        WITHHOLDING,
        "(task.current.counted & ~task.current.dropped) >>",
        "task.current.counted >>",
    ),
    Mutant(
        "a chunk and one more",
        WITHHOLDING,
        "action.chunk >= task.terms.model.leaves",
        "action.chunk > task.terms.model.leaves",
    ),
    Mutant("demands cost the same", WITHHOLDING, "bonds = len(demanded) + 1", "bonds = 1"),
    Mutant(
        "rising is forgotten",
        WITHHOLDING,
        "    attempt.demands[action.position] = demanded | {action.chunk}\n",
        "",
    ),
    Mutant(
        "a chunk is demanded over and over",
        WITHHOLDING,
        "if action.chunk in demanded:",
        "if False:",
    ),
    Mutant("a chunk in the middle", WITHHOLDING, "    if dispute.level != 0:\n", "    if False:\n"),
    Mutant("any chunk", WITHHOLDING, "if not _is_due(task, dispute, action.opening):", "if False:"),
    Mutant("who supplies is forgotten", WITHHOLDING, "    dispute.answerer = env.sender\n", ""),
    Mutant(
        "a served descent is over",
        WITHHOLDING,
        "Standing.DISMISSED if answered else Standing.SERVED",
        "Standing.DISMISSED",
    ),
    Mutant(
        "a served descent keeps its deadline",
        WITHHOLDING,
        "dispute.deadline if answered else deadline\n    where",
        "dispute.deadline\n    where",
    ),
    Mutant(
        "descents extend the window",
        WITHHOLDING,
        "if answered and task.phase == Phase.CHALLENGE",
        "if task.phase == Phase.CHALLENGE",
    ),
    Mutant(
        "answers extend every phase",
        WITHHOLDING,
        "if answered and task.phase == Phase.CHALLENGE and",
        "if answered and",
    ),
    Mutant(
        "an answer in the window's first second",
        WITHHOLDING,
        "deadline > task.deadline:",
        "deadline >= task.deadline:",
        argued="An answer in the very second in which the window began ends its move where the "
        "window ends anyway; the tests' clock moves with every action.",
    ),
    Mutant("answers extend nothing", WITHHOLDING, "    task.deadline = deadline\n", ""),
    Mutant(
        "the first end moves",
        WITHHOLDING,
        "attempt.window = attempt.window or task.deadline",
        "attempt.window = task.deadline",
    ),
    Mutant(
        "a path at a descent's end",
        WITHHOLDING,
        "shape.chunk_size(dispute.at) and not opening.path",
        "shape.chunk_size(dispute.at)",
    ),
    Mutant(
        "a chunk of any length",
        WITHHOLDING,
        "whole = len(opening.chunk) == shape.chunk_size(dispute.at) and",
        "whole =",
    ),
    Mutant(
        "odd levels lose a node",
        WITHHOLDING,
        "return -(-leaves >> level)",
        "return leaves >> level",
    ),
    Mutant("a whole bond for a refutation", RESTITUTION, "else bonds // 2", "else bonds"),
    Mutant(
        "half a bond for a posting",
        RESTITUTION,
        "bonds if dispute.is_demand else bonds // 2",
        "bonds // 2",
    ),
    Mutant("all of the withheld is earned", RESTITUTION, "earned = taken // 2", "earned = taken"),
    Mutant(
        "the withheld is not burned",
        RESTITUTION,
        "        task.burned_stake += taken - earned\n",
        "",
    ),
    Mutant(
        "every bond is withdrawn", RESTITUTION, "if dispute.matter == Matter.MISSING:", "if False:"
    ),
    Mutant(
        "a Missing dissents",
        RESTITUTION,
        "attempt.opened & ~attempt.missing & ~attempt.agreed",
        "attempt.opened & ~attempt.agreed",
    ),
    Mutant(
        "who agreed dissents",
        RESTITUTION,
        "attempt.opened & ~attempt.missing & ~attempt.agreed",
        "attempt.opened & ~attempt.missing",
    ),
    Mutant(
        "a slash for every dissent",
        RESTITUTION,
        "slash_overturned // committee, pot",
        "slash_overturned, pot",
    ),
    Mutant("all of an overturn is paid", RESTITUTION, "committee, pot // 2", "committee, pot"),
    Mutant("dissent from nothing", RESTITUTION, "paid = min(fee, left)", "paid = fee"),
    Mutant(
        "the rest is burned",
        RESTITUTION,
        "dispute.opener, attempt.overturned, (0, left), due=left)",
        "dispute.opener, attempt.overturned, (0, 0), due=0)",
    ),
    Mutant("bonds of nothing are told", RESTITUTION, "    if bonds:\n", "    if True:\n"),
    Mutant("payments of nothing are told", RESTITUTION, "    if any(amounts):\n", "    if True:\n"),
    Mutant("a seat that just covers", RESTITUTION, "seat.stake < amount:", "seat.stake <= amount:"),
    Mutant(
        "the lost bond returns",
        RESTITUTION,
        "    if dispute.standing == Standing.DISMISSED:\n",
        "    if False:\n",
    ),
    Mutant(
        "moot demands slash",
        RESTITUTION,
        "dispute.is_demand and dispute.standing == Standing.UPHELD",
        "dispute.is_demand and dispute.standing >= Standing.UPHELD",
    ),
    Mutant(
        "settled while a dispute is open",
        SETTLEMENT,
        "    if task.open_disputes:\n        raise Rejected(Reason.DISPUTE_OPEN)\n",
        "",
    ),
    Mutant("a void attempt settles", SETTLEMENT, " or task.current.void:\n", ":\n"),
    Mutant(
        "bonds are not moved",
        SETTLEMENT,
        "end = 2 * task.cohort + len(task.current.disputes)",
        "end = 2 * task.cohort",
    ),
    Mutant(
        "samples of the dropped",
        SETTLEMENT,
        "owed = current.owed & ~current.dropped",
        "owed = current.owed",
    ),
    Mutant(
        "the dropped are paid",
        SETTLEMENT,
        "if current.owed & ~current.dropped & 1 << position:",
        "if current.owed & 1 << position:",
    ),
    Mutant(
        "an overturn costs nothing",
        SETTLEMENT,
        "if attempt.agreed & bit and attempt.overturned:",
        "if False:",
    ),
    Mutant("a void attempt earns", SETTLEMENT, "claimed and number == task.attempt)", "claimed)"),
    Mutant(
        "verdicts close over a demand",
        ATTEMPTS,
        "    if task.open_disputes:\n        raise Rejected(Reason.DISPUTE_OPEN)\n",
        "",
    ),
    Mutant("no room for a Missing", ATTEMPTS, "    expect_room(task)\n", ""),
    Mutant(
        "the dropped count",
        ATTEMPTS,
        "current.counted = counted & ~current.dropped",
        "current.counted = counted",
    ),
    Mutant(
        "a Missing of any chunk",
        ATTEMPTS,
        "if action.chunk >= task.terms.model.leaves:",
        "if action.chunk > task.terms.model.leaves:",
    ),
    Mutant(
        "a Missing is named only",
        ATTEMPTS,
        "    enter_demand(federation, task, env, Matter.MISSING, place, bonds=1)\n",
        "",
    ),
    Mutant(
        "a second attempt begins void",
        ROUNDS,
        "    task.current.void = False\n    task.current.attempts",
        "    task.current.attempts",
    ),
    Mutant(
        "an aborted round is void",
        ROUNDS,
        "    task.current.void = False\n    federation.emit(RoundAborted",
        "    federation.emit(RoundAborted",
    ),
    Mutant("a failed claim is kept", ROUNDS, "    task.current.claim = ZERO\n", ""),
    Mutant(
        "attempts share disputes", ROUNDS, "Attempt(first=len(task.current.disputes))", "Attempt()"
    ),
    Mutant(
        "disputes block an abort",
        STATE,
        "if not current.attempts or self.phase not in DISPUTED:",
        "if not current.attempts:",
    ),
    Mutant(
        "a served descent is decided",
        STATE,
        "self.standing <= Standing.SERVED",
        "self.standing < Standing.SERVED",
    ),
    Mutant(
        "a Missing is no demand",
        STATE,
        "self.matter >= Matter.UPDATE",
        "self.matter == Matter.UPDATE",
    ),
    Mutant(
        "the last bonds stay",
        STATE,
        "        if self.phase in (Phase.DONE, Phase.ENDED):\n            return 0  # the last",
        "        if False:\n            return 0  # the last",
    ),
    Mutant(
        "a window of no length",
        "terms.py",
        '"challenge_s", 1 <= s.challenge_s',
        '"challenge_s", 0 <= s.challenge_s',
    ),
    Mutant(
        "a bond beyond a round's stake",
        "terms.py",
        "e.court_bond <= e.aggregator_round_stake",
        "e.court_bond <= e.aggregator_stake",
    ),
    Mutant(
        "nothing ends a void attempt",
        "machine.py",
        "task.phase == Phase.CHALLENGE and not task.current.void",
        "task.phase == Phase.CHALLENGE",
    ),
    Mutant(
        "an advance ends a claim",
        "machine.py",
        "task.phase == Phase.CHALLENGE and not task.current.void",
        "False",
    ),
)
