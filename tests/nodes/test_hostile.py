"""Endpoints that want a stranger to believe something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sheaf.nodes.ledgers import Ledger, LedgerInFile
from sheaf.nodes.stranger import examine_task
from sheaf.nodes.summary import read_book
from sheaf.nodes.verification import CODE, verify
from sheaf.protocol.errors import LedgerUnavailable
from sheaf.store import Store
from tests.ledger.node import Answer, Twist
from tests.nodes.endpoints import details, honestly, light, nodes, refused, refusing
from tests.nodes.stage import Played

# Code


def test_the_contracts_code_is_proved(
    honest: Played, task: bytes, file: LedgerInFile, store: Store
) -> None:
    end = honest.summary["blocks"]
    with nodes(file, one=honestly) as made:
        node, ledger = made["one"]
        _, report = examine_task(light(task), [ledger], store)
        assert details(report)["code"] == (
            f"runtime code equal to the shipped artefacts, proved by the state root of block {end}"
        )
        assert CODE not in report.limits
        assert node.seen.count("eth_getProof") == 3
        # Where the contracts are wired to is read out of that code, and not asked.
        assert node.seen.count("eth_call") == 4


def test_an_endpoint_without_proofs_is_believed_and_the_report_says_so(
    task: bytes, file: LedgerInFile, store: Store
) -> None:
    with nodes(file, one=refusing, two=honestly) as made:
        one, two = made["one"][1], made["two"][1]
        _, report = examine_task(light(task), [one, two], store)
        assert details(report)["code"] == (
            "runtime code equal to the shipped artefacts, by the endpoint's word: it serves no "
            "proof (the method does not exist)"
        )
        assert CODE in report.limits
        _, report = examine_task(light(task), [two, one], store)
        assert "proved by the state root" in details(report)["code"]
        assert f"{CODE} (one)" in report.limits


def cut(proof: list[str]) -> list[str]:
    return proof[:-1]


def flipped(proof: list[str]) -> list[str]:
    return [*proof[:-1], proof[-1][:-1] + ("0" if proof[-1][-1] != "0" else "1")]


def doubled(proof: list[str]) -> list[str]:
    return [*proof, proof[-1]]


@pytest.mark.parametrize("forge", [cut, flipped, doubled])
def test_a_proof_that_does_not_hold_is_a_lie(
    task: bytes, file: LedgerInFile, store: Store, forge: Callable[[list[str]], list[str]]
) -> None:
    def twist(method: str, params: Any, answer: Answer) -> Answer:
        if method == "eth_getProof":
            proof = {**answer["result"], "accountProof": forge(answer["result"]["accountProof"])}
            return {"result": proof}
        return answer

    with nodes(file, liar=twist) as made:
        liar = made["liar"][1]
        choices: list[list[Ledger]] = [[liar], [liar, file], [file, liar]]
        for ledgers in choices:
            message = refused(task, ledgers, store)
            assert message.startswith("liar: ledger: the endpoint contradicts itself in block ")
            assert ": the account 0x" in message
            assert "found no proof (" in message


def test_a_proof_of_another_account_is_a_lie(
    honest: Played, task: bytes, file: LedgerInFile, store: Store
) -> None:
    vault = read_book(honest.directory / "ledger.json")[0].vault

    with nodes(file, liar=honestly) as made:
        node, ledger = made["liar"]

        def twist(method: Any, params: Any, answer: Answer) -> Answer:
            if method == "eth_getProof":
                other = ["0x" + vault.hex(), *params[1:]]
                if params[0] != other[0]:
                    return {"result": node._provider.make_request(method, other)["result"]}
            return answer

        node.twist = twist
        assert ": found no proof (found node " in refused(task, [ledger], store)


def test_code_that_is_not_what_was_proved_is_a_lie(
    task: bytes, file: LedgerInFile, store: Store
) -> None:
    def twist(method: str, params: Any, answer: Answer) -> Answer:
        if method == "eth_getCode" and params[1] != "latest":
            return {"result": answer["result"] + "00"}
        return answer

    with nodes(file, liar=twist) as made:
        message = refused(task, [made["liar"][1]], store)
    assert message.startswith("liar: ledger: the endpoint contradicts itself in block ")
    assert ": the code of 0x" in message


def test_a_federation_of_other_wiring_is_refused_by_its_code(
    honest: Played, task: bytes, file: LedgerInFile, store: Store
) -> None:
    """The right code but for who is written into it."""
    book = read_book(honest.directory / "ledger.json")[0]
    elsewhere = "11" * 20

    def rewired(contract: bytes, inner: bytes) -> Twist:
        def twist(method: str, params: Any, answer: Answer) -> Answer:
            if method == "eth_getCode" and params[0] == "0x" + contract.hex():
                return {"result": answer["result"].replace(inner.hex(), elsewhere)}
            return refusing(method, params, answer)

        return twist

    with nodes(
        file, court=rewired(book.federation, book.court), owner=rewired(book.vault, book.federation)
    ) as made:
        message = refused(task, [file, made["court"][1]], store)
        assert message == (
            f"court: code: the federation's court is {elsewhere}, ledger.json says otherwise"
        )
        message = refused(task, [made["owner"][1]], store)
        assert message == (
            f"owner: code: the vault's federation is {elsewhere}, ledger.json says otherwise"
        )


# What a call returns is the endpoint's word, and anything can be in it


@pytest.mark.parametrize(
    "returned", ["0x", "0x01", "0x" + "ff" * 96, "0x" + "00" * 31 + "20" + "ff" * 32]
)
def test_a_token_that_says_nonsense_is_told_in_one_line(
    task: bytes, file: LedgerInFile, store: Store, returned: str
) -> None:
    def twist(method: str, params: Any, answer: Answer) -> Answer:
        return {"result": returned} if method == "eth_call" else answer

    with nodes(file, liar=twist) as made:
        with pytest.raises(LedgerUnavailable) as caught:
            examine_task(light(task), [made["liar"][1]], store)
        assert caught.value.message.startswith("liar: token 0x")
        assert ": found no symbol, accepted: an ERC-20 that tells symbol" in caught.value.message


def test_a_token_s_nonsense_is_its_endpoint_s_word(
    honest: Played, file: LedgerInFile, tmp_path: Path
) -> None:
    """Of a run, too, whose endpoint has no name but its address."""

    def twist(method: str, params: Any, answer: Answer) -> Answer:
        return {"result": "0x01"} if method == "eth_call" else answer

    with nodes(file, liar=twist) as made:
        node, ledger = made["liar"]
        with pytest.raises(LedgerUnavailable) as caught:
            verify(honest.copy(tmp_path / "run"), source=ledger.source)
        assert caught.value.message.startswith(f"{node.url}: token 0x")
        assert ": found no symbol, accepted: an ERC-20" in caught.value.message


def test_a_token_of_a_very_long_name_is_refused(
    task: bytes, file: LedgerInFile, store: Store
) -> None:
    text = (32).to_bytes(32) + (65).to_bytes(32) + b"x" * 65 + bytes(31)

    def twist(method: str, params: Any, answer: Answer) -> Answer:
        return {"result": f"0x{text.hex()}"} if method == "eth_call" else answer

    told = "found a symbol of 65 characters, accepted:"
    with nodes(file, liar=twist) as made, pytest.raises(LedgerUnavailable, match=told):
        examine_task(light(task), [made["liar"][1]], store)


def test_a_call_that_reverts_is_told_in_one_line(
    task: bytes, file: LedgerInFile, store: Store
) -> None:
    def twist(method: str, params: Any, answer: Answer) -> Answer:
        revert = {"error": {"code": 3, "message": "execution reverted", "data": "0xzz"}}
        return revert if method == "eth_call" else answer

    told = r"liar: token 0x.*: found no symbol"
    with nodes(file, liar=twist) as made, pytest.raises(LedgerUnavailable, match=told):
        examine_task(light(task), [made["liar"][1]], store)


def test_a_publication_that_anybody_made_up_is_passed_over(
    task: bytes, file: LedgerInFile, store: Store
) -> None:
    """Where the contracts are is a hint, and logs like the federation's can be anybody's."""

    def twist(method: str, params: Any, answer: Answer) -> Answer:
        if method != "eth_getLogs":
            return answer
        (log,) = answer["result"]
        made_up = [
            {**log, "topics": log["topics"][:2]},
            {**log, "data": "0x"},
            {**log, "data": "0x" + "ff" * 640},
            {**log, "address": "0x" + "11" * 20},
        ]
        return {"result": [*made_up, log]}

    with nodes(file, one=twist) as made:
        _, report = examine_task(light(task), [made["one"][1]], store)
    assert "proved by the state root" in details(report)["code"]


def test_an_endpoint_that_changes_its_mind_is_named(
    task: bytes, file: LedgerInFile, store: Store
) -> None:
    """A block that was one thing as a header is another with its transactions."""

    def twist(method: str, params: Any, answer: Answer) -> Answer:
        if method == "eth_getBlockByNumber" and params[1] and params[0] == "0xc":
            found = json.loads(json.dumps(answer["result"]))
            found["extraData"] = "0x01"
            return {"result": found}
        return answer

    with nodes(file, liar=twist) as made:
        message = refused(task, [made["liar"][1]], store)
    assert message.startswith("liar: ledger: the endpoint contradicts itself in block 12: hash: ")
