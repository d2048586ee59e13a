"""A model file against a header: what holds passes, and every link that does not is named."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rlp
from eth_utils.crypto import keccak
from safetensors.numpy import load, save

from sheaf.audit.provenance import attestation, checking
from sheaf.audit.provenance.checking import check
from sheaf.ledger import federation, inclusion
from sheaf.ledger.archive import FileArchive
from sheaf.ledger.artifacts import Artifact, artifact
from sheaf.ledger.engine import Header, decode_header
from sheaf.ledger.inclusion import receipt_proof
from sheaf.nodes import verification
from sheaf.nodes.model_file import write_model
from sheaf.protocol.errors import VerificationFailed
from sheaf.protocol.task import Task
from tests.audit.provenance.scene import Scene
from tests.nodes.plans import plan, schedule
from tests.nodes.stage import play

UNIT = 2.0**-16


def failure(model: bytes, plain: Any, head: Header, anchor: bytes | None = None) -> str:
    """The one line that a check ends with."""
    data = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    with pytest.raises(VerificationFailed) as caught:
        check(BytesIO(model), data, head, anchor)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_the_settled_model_is_recognised(honest: Scene) -> None:
    proven = check(honest.file, honest.statement, honest.head)
    assert proven.root.hex() == honest.played.summary["model"]["root"]
    assert proven.task.hex() == honest.played.summary["task_id"]
    assert (proven.round, proven.head.hash.hex()) == (2, honest.played.summary["head"])
    names = ["model", "task", "settled", "headers", "code", "stands"]
    assert [each.name for each in proven.checks] == names
    assert [*proven.limits] == [checking.ANCHOR, checking.HONEST, checking.SIGNED]


def test_a_head_from_elsewhere_anchors_it(honest: Scene) -> None:
    head = bytes.fromhex(honest.played.summary["head"])
    proven = check(honest.file, honest.statement, honest.head, head)
    assert proven.anchored
    assert checking.ANCHOR not in proven.limits
    message = failure(honest.model, honest.statement, honest.head, bytes(32))
    assert message.startswith(
        f"header: found block {honest.head.number} {head.hex()}, accepted: 00"
    )


def test_weights_that_float32_does_not_hold_are_recognised(rough: Scene) -> None:
    corrections = rough.plain()["predicate"]["model"]["corrections"]
    assert corrections
    assert all(0 < abs(by) <= 2 for _, by in corrections)
    proven = check(rough.file, rough.statement, rough.head)
    assert proven.root.hex() == rough.played.summary["model"]["root"]
    assert proven.round == 3


# The file


def with_weight(model: bytes, change: Callable[[np.ndarray[Any, Any]], object]) -> bytes:
    arrays = {name: array.copy() for name, array in load(model).items()}
    change(arrays["weight"])
    return save(arrays)


def test_a_weight_of_another_lattice_unit_is_another_model(honest: Scene) -> None:
    def add(weight: np.ndarray[Any, Any]) -> None:
        weight[0, 0] += UNIT

    message = failure(with_weight(honest.model, add), honest.statement, honest.head)
    assert message.startswith("model: the file gives model root ")
    root = honest.played.summary["model"]["root"]
    block = honest.plain()["predicate"]["settlement"]["block"]
    assert message.endswith(f", block {block} settled {root}")


def test_half_a_unit_is_no_lattice_float(honest: Scene) -> None:
    def add(weight: np.ndarray[Any, Any]) -> None:
        weight[0, 2] += UNIT / 4

    message = failure(with_weight(honest.model, add), honest.statement, honest.head)
    assert message.startswith("model: weight[0, 2]: found ")
    assert message.endswith(", which is not the float of a lattice integer")


class Written(io.FileIO):
    """A model's file that becomes the one it should be between its two readings."""

    def __init__(self, path: Path, later: bytes) -> None:
        super().__init__(path)
        self._path, self._later, self._begun = path, later, 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._begun += (offset, whence) == (0, os.SEEK_SET)
        if self._begun == 2:
            self._path.write_bytes(self._later)
            os.utime(self._path, (0, 0))
        return super().seek(offset, whence)


@pytest.mark.parametrize("blank", [b"", b" " * 8])
def test_a_file_is_not_written_to_while_it_is_read(
    honest: Scene, tmp_path: Path, blank: bytes
) -> None:
    """The weights of one file, of the same size or not, and the SHA-256 of another."""
    length = int.from_bytes(honest.model[:8], "little")
    names = json.loads(honest.model[8 : 8 + length])
    assert len(names) > 1
    turned = json.dumps(dict(reversed(names.items())), separators=(",", ":")).encode()
    text = turned.ljust(length) + blank
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + honest.model[8 + length :])
    assert path.read_bytes() != honest.model
    with Written(path, honest.model) as file, pytest.raises(VerificationFailed) as caught:
        check(file, honest.statement, honest.head)
    told = "model: found a file that is written to while it is read, accepted: one that is not"
    assert caught.value.message == told


def test_minus_zero_is_another_file(honest: Scene) -> None:
    def negate(weight: np.ndarray[Any, Any]) -> None:
        weight[0, 1] = -0.0

    message = failure(with_weight(honest.model, negate), honest.statement, honest.head)
    assert message.startswith("model: weight[0, 1]: found -0.0, which is not")


def other_tensors(model: bytes) -> dict[str, bytes]:
    arrays = load(model)
    wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    renamed = {f"{name}_": array for name, array in arrays.items()}
    flat = {name: array.reshape(-1) for name, array in arrays.items()}
    holed = {name: np.full_like(array, np.nan) for name, array in arrays.items()}
    return {
        "found 'F64', accepted: 'F32'": save(wide),
        "found no such tensor": save(renamed),
        "found shape [4]": save(flat),
        "found nan": save(holed),
        "found 19 bytes, accepted: 5 float32": model[:19],
        "accepted: a safetensors file of the task's tensors": model[:-1],
    }


@pytest.mark.parametrize("place", range(6))
def test_a_file_of_other_tensors_is_refused(honest: Scene, place: int) -> None:
    told, model = list(other_tensors(honest.model).items())[place]
    message = failure(model, honest.statement, honest.head)
    assert message.startswith("model: ")
    assert told in message


def test_metadata_in_the_file_is_another_file(honest: Scene) -> None:
    """The weights are the same; the attestation is of this file's bytes."""
    model = save(load(honest.model), {"note": "trust me"})
    message = failure(model, honest.statement, honest.head)
    assert message.startswith("attestation: subject.0.digest.sha256 is not what follows")


# The attestation


def document_of(plain: Any, **changes: Any) -> None:
    task = plain["predicate"]["task"]
    other = replace(Task.decode(base64.b64decode(task["bytes"])), **changes)
    task["bytes"] = base64.b64encode(other.encode()).decode()


def drop_header(plain: Any) -> None:
    del plain["predicate"]["settlement"]["headers"][1]


def flip_proof(plain: Any) -> None:
    proof = plain["predicate"]["settlement"]["proof"]
    proof[-1] = proof[-1][:-2] + ("00" if proof[-1][-2:] != "00" else "01")


def put(path: str, value: Any) -> Callable[[Any], None]:
    """A change of one field, by its path in the predicate."""

    def change(plain: Any) -> None:
        *way, last = path.split(".")
        for name in way:
            plain = plain[int(name) if isinstance(plain, list) else name]
        plain[int(last) if isinstance(plain, list) else last] = value

    return change


ELSEWHERE = "0x" + "11" * 20
CHANGES: list[tuple[Callable[[Any], None], str]] = [
    (lambda plain: document_of(plain, name="another"), "settlement: block "),
    (put("predicate.task.sponsor", ELSEWHERE), "settlement: block "),
    (put("predicate.contracts.chain_id", 1), "settlement: block "),
    (put("predicate.model.round", 1), "settlement: block "),
    (put("predicate.contracts.federation", ELSEWHERE), "settlement: block "),
    (put("predicate.settlement.log", 0), "settlement: block "),
    (put("predicate.settlement.log", 999), "settlement: block "),
    (put("predicate.settlement.receipt", 9), "settlement: block "),
    (put("predicate.settlement.proof", []), "settlement: block "),
    (flip_proof, "settlement: block "),
    (put("predicate.settlement.headers", []), "settlement: block "),
    (put("predicate.settlement.headers.0", "c0"), "headers: not a header"),
    (drop_header, "headers: block "),
    (put("predicate.contracts.stake_token", ELSEWHERE), "code: the Federation is not"),
    (put("predicate.contracts.vault", ELSEWHERE), "code: the Federation is not"),
    (put("predicate.contracts.court", ELSEWHERE), "state: block "),
    (put("predicate.state.federation", []), "state: block "),
    (put("predicate.state.model_root", []), "state: block "),
    (put("predicate.model.corrections", [[0, 1]]), "model: weight[0, 0]: found "),
    (put("predicate.model.corrections", [[5, 1]]), "attestation: found coordinate 5"),
    (put("predicate.model.corrections", [[0, 2**32 - 1]]), "attestation: found corrections"),
    (put("predicate.task.name", "another"), "attestation: predicate.task.name is not"),
    (put("predicate.task.id", "00" * 32), "attestation: predicate.task.id is not"),
    (put("predicate.model.root", "00" * 32), "attestation: predicate.model.root is not"),
    (put("predicate.head.timestamp", 1), "attestation: predicate.head.timestamp is not"),
    (put("predicate.head.block", True), "attestation: predicate.head.block is not"),
    (put("predicate.software.bundle", ""), "attestation: predicate.software.bundle is not"),
    (put("predicate.settlement.block", 0), "attestation: predicate.settlement.block is not"),
    (put("predicate.more", None), "attestation: predicate.more is not what follows"),
    (put("subject.1.name", "b"), "attestation: subject.1.name is not"),
    (put("subject.0.name", "b"), "attestation: subject.0.name is not"),
]


@pytest.mark.parametrize("place", range(len(CHANGES)))
def test_every_changed_field_is_named(honest: Scene, place: int) -> None:
    change, told = CHANGES[place]
    plain = honest.plain()
    change(plain)
    assert failure(honest.model, plain, honest.head).startswith(told)


def test_the_court_is_sheaf_s_too(tmp_path: Path) -> None:
    """A federation of the shipped code, whose court is another contract."""
    own = artifact("Court")
    code = own.bytecode[:-1] + bytes([own.bytecode[-1] ^ 1])
    assert own.bytecode.endswith(own.runtime)
    court = replace(own, bytecode=code, runtime=code[-len(own.runtime) :])

    def contracts(name: str) -> Artifact:
        return court if name == "Court" else artifact(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(federation, "artifact", contracts)
        patch.setattr(verification, "artifact", contracts)
        scene = Scene.of(play(tmp_path / "run", plan(schedule=schedule(1))))
        with FileArchive.opened(scene.ledger) as archive:
            collected, head = attestation.collect(scene.evidence, archive)
    digests = attestation.Digests(bytes(32), bytes(32), bytes(32))
    statement = attestation.statement_bytes(collected, digests, head)
    message = failure(scene.model, statement, head)
    assert message.startswith("code: the Court is not the one that Sheaf ships: found code hash ")
    assert keccak(court.runtime).hex() in message


def test_an_older_model_does_not_stand(honest: Scene, tmp_path: Path) -> None:
    """Round 1 settled it, as the log proves, and round 2 replaced it, as the state does."""
    evidence = honest.evidence
    trail = replace(evidence.trail, rounds={1: evidence.trail.rounds[1]}, round=1)
    older = replace(evidence, trail=trail)
    root = trail.model_after(1, evidence.task.model.initial)
    with FileArchive.opened(honest.ledger) as archive:
        collected, head = attestation.collect(older, archive)
    path = tmp_path / "model.safetensors"
    write_model(evidence.task, evidence.store, root, path)
    file = path.read_bytes()
    digests = attestation.Digests(bytes(32), root, trail.model_header(root))
    statement = attestation.statement_bytes(collected, digests, head)
    message = failure(file, statement, head)
    assert message.startswith(f"model: the file gives model root {digests.root.hex()}, the task ")
    known = honest.played.summary["model"]["root"]
    assert message.endswith(f"the task holds {known} after block {head.number}")


@pytest.mark.parametrize("forged", [True, False])
def test_another_contract_s_log_settles_nothing(honest: Scene, forged: bool) -> None:
    """Anybody's contract may write the very same log; the control has the federation's address."""
    collected, _ = attestation.parse(honest.statement)
    receipt = inclusion.proved_receipt(
        collected.settling(honest.head).receipts_root,
        collected.settlement.receipt,
        collected.settlement.proof,
    )
    body = rlp.decode(receipt[1:])
    log = body[3][collected.settlement.log]
    log[0] = b"\x11" * 20 if forged else log[0]
    body[3] = [log]
    receipts = [receipt[:1] + rlp.encode(body)]
    proof = receipt_proof(receipts, 0)
    fields = rlp.decode(honest.head.encoded)
    fields[5] = keccak(proof[0])  # the root of a trie of one
    head = decode_header(rlp.encode(fields))
    alone = replace(
        collected, ancestors=(), state=None, settlement=attestation.Settlement(0, 0, proof)
    )
    digests = attestation.Digests(
        hashlib.sha256(honest.model).digest(),
        bytes.fromhex(honest.lineage.final.tree_root),
        bytes.fromhex(honest.lineage.final.root),
    )
    statement = attestation.statement_bytes(alone, digests, head)
    if forged:
        message = failure(honest.model, statement, head)
        assert message.startswith(
            f"settlement: block {head.number}: the log is not RoundSettled of"
        )
    else:
        assert check(honest.file, statement, head).round == 2


def test_without_a_proof_of_state_the_answer_says_so(honest: Scene) -> None:
    plain = honest.plain()
    plain["predicate"]["state"] = None
    proven = check(honest.file, json.dumps(plain).encode(), honest.head)
    assert checking.STATELESS in proven.limits
    assert {each.name for each in proven.checks} == {"model", "task", "settled", "headers"}


def test_another_header_is_not_the_head(honest: Scene) -> None:
    with FileArchive.opened(honest.ledger) as archive:
        (parent,) = archive.headers(honest.head.number - 1, honest.head.number - 1)
    assert failure(honest.model, honest.statement, parent).startswith("headers: block ")


def test_a_settlement_of_another_task_s_block_is_no_settlement(honest: Scene) -> None:
    """A true proof, of another receipt of the same block."""
    plain = honest.plain()
    settlement = plain["predicate"]["settlement"]
    with FileArchive.opened(honest.ledger) as archive:
        receipts = archive.receipts(settlement["block"])
    index = (settlement["receipt"] + 1) % len(receipts)
    settlement["receipt"], settlement["log"] = index, 0
    settlement["proof"] = [node.hex() for node in receipt_proof(receipts, index)]
    assert failure(honest.model, plain, honest.head).startswith("settlement: block ")
