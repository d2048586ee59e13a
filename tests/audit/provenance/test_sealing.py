"""Who signed an attestation: others' software verifies it, and every lie about it is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as Message
from securesystemslib.dsse import Envelope as PublicEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from sheaf.audit.provenance import checking
from sheaf.audit.provenance.checking import check
from sheaf.audit.provenance.papers import papers
from sheaf.audit.provenance.sealing import Sealer, Signatory, opened
from sheaf.identity.envelope import Envelope
from sheaf.identity.keys import BoundKey
from sheaf.identity.predicates import SETTLED_MODEL
from sheaf.ledger.archive import FileArchive
from sheaf.nodes.accounts import Account as Actor
from sheaf.protocol.errors import InvalidDocument, VerificationFailed
from tests.audit.provenance.scene import Scene

OTHER = BoundKey(b"\x09" * 32, b"\x02" * 32)


def sealer_of(scene: Scene, name: str) -> Sealer:
    account: Actor = scene.played.cast.node(name).account
    book, task = scene.evidence.book, scene.evidence.trail.task
    return Sealer.of(account.secrets.signing_key(task), book.deployment, task, account.key)


@pytest.fixture(scope="module")
def sealed(honest: Scene) -> bytes:
    """The honest run's attestation, signed by its sponsor."""
    with FileArchive.opened(honest.ledger) as archive:
        made = papers(honest.evidence, archive, ["attestation"], sealer_of(honest, "sponsor"))
    return made["attestation.json"]


def test_the_sponsor_is_seen_to_have_signed(honest: Scene, sealed: bytes) -> None:
    proven, sponsor = check(honest.file, sealed, honest.head), sealer_of(honest, "sponsor")
    assert proven.signer == sponsor.signatory
    assert proven.checks[-1].name == "signed"
    address = to_checksum_address(honest.played.cast.node("sponsor").account.address)
    key = sponsor.key.public.hex()
    assert proven.checks[-1].detail == f"by {address}, the sponsor, with its key {key}"
    assert checking.SIGNED not in proven.limits
    for demanded in (key, key.upper(), f"0x{key}", address, address.lower()):
        check(honest.file, sealed, honest.head, signer=demanded)


def test_securesystemslib_and_in_toto_read_it(honest: Scene, sealed: bytes) -> None:
    found = PublicEnvelope.from_dict(json.loads(sealed))
    public = sealer_of(honest, "sponsor").key.public
    keyid = sha256(public).hexdigest()
    key = SSlibKey(keyid, "ed25519", "ed25519", {"public": public.hex()})
    assert found.verify([key], 1) == {keyid: key}
    statement = Statement.copy_from_pb(json_format.Parse(found.payload, Message()))
    statement.validate()
    assert statement.pb.predicate_type == SETTLED_MODEL
    assert statement.pb.subject[0].digest["sha256"] == sha256(honest.model).hexdigest()
    found.payload = found.payload.replace(b'"round": 2', b'"round": 1')
    with pytest.raises(VerificationError):
        found.verify([key], 1)


def test_a_wallet_sees_whose_key_it_is(honest: Scene, sealed: bytes) -> None:
    """EIP-712 as another implementation has it."""
    signer = json.loads(opened(sealed)[0])["predicate"]["signer"]
    message = encode_typed_data(
        domain_data={
            "name": "Sheaf",
            "version": "1",
            "chainId": 1337,
            "verifyingContract": to_checksum_address(honest.evidence.book.federation),
        },
        message_types={
            "SigningKey": [{"name": "task", "type": "bytes32"}, {"name": "key", "type": "bytes32"}]
        },
        message_data={
            "task": honest.evidence.trail.task,
            "key": bytes.fromhex(signer["publicKey"]),
        },
    )
    found = Account.recover_message(message, signature=bytes.fromhex(signer["binding"]))
    assert found == signer["account"]


def test_who_is_not_the_sponsor_may_sign_and_is_called_that(honest: Scene) -> None:
    sealer = sealer_of(honest, "participant-1")
    with FileArchive.opened(honest.ledger) as archive:
        made = papers(honest.evidence, archive, ["attestation"], sealer)["attestation.json"]
    detail = check(honest.file, made, honest.head).checks[-1].detail
    assert ", who is not the sponsor, with its key " in detail


def test_one_that_nobody_signed_says_so(honest: Scene) -> None:
    proven = check(honest.file, honest.statement, honest.head)
    assert proven.signer is None
    assert checking.SIGNED in proven.limits


def failure(scene: Scene, data: bytes, signer: str | None = None) -> str:
    with pytest.raises(VerificationFailed) as caught:
        check(scene.file, data, scene.head, signer=signer)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_another_signer_than_the_demanded_one(honest: Scene, sealed: bytes) -> None:
    told = failure(honest, sealed, OTHER.public.hex())
    assert told.startswith("attestation: signed by ")
    assert told.endswith(f", accepted: {OTHER.public.hex()}")
    told = failure(honest, honest.statement, OTHER.public.hex())
    assert told == f"attestation: found no signature, accepted: one of {OTHER.public.hex()}"


Change = Callable[[Any], object]


def resealed(sealed: bytes, key: BoundKey, change: Change = lambda plain: None) -> bytes:
    """Its statement after a change, signed by a key."""
    plain = json.loads(opened(sealed)[0])
    change(plain)
    return Envelope.sealed((json.dumps(plain, indent=2) + "\n").encode(), key).encode()


def test_lies_about_who_signed(honest: Scene, sealed: bytes) -> None:
    own, bare = sealer_of(honest, "sponsor"), opened(sealed)[0]
    assert "and carries no signature" in failure(honest, bare)
    told = failure(honest, resealed(sealed, OTHER))
    assert told == (
        f"attestation: the signature is not that of the key it names, {own.key.public.hex()}"
    )

    def claims(plain: Any) -> None:
        """Another's key, under the sponsor's signature for its own."""
        plain["predicate"]["signer"]["publicKey"] = OTHER.public.hex()

    assert "did not sign for the key it names" in failure(honest, resealed(sealed, OTHER, claims))

    def hides(plain: Any) -> None:
        plain["predicate"]["signer"] = None

    assert "a statement that names nobody" in failure(honest, resealed(sealed, own.key, hides))
    broken = bytearray(sealed)
    place = sealed.index(b'"sig":"') + 20
    broken[place] = ord("A") if sealed[place] != ord("A") else ord("B")
    assert "the signature is not that" in failure(honest, bytes(broken))


def test_a_key_that_an_account_signed_for_in_another_task(honest: Scene, sealed: bytes) -> None:
    own = sealer_of(honest, "sponsor")
    ledger_key = honest.played.cast.node("sponsor").account.key
    deployment = honest.evidence.book.deployment
    elsewhere = Sealer.of(own.key, deployment, b"\x09" * 32, ledger_key).signatory

    def moves(plain: Any) -> None:
        plain["predicate"]["signer"] = elsewhere.plain()

    assert "did not sign for the key" in failure(honest, resealed(sealed, own.key, moves))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["predicate"]["signer"].update(publicKey="09"),
        lambda p: p["predicate"]["signer"].update(binding="09" * 64),
        lambda p: p["predicate"]["signer"].update(account="me"),
        lambda p: p["predicate"].pop("signer"),
    ],
)
def test_a_signer_of_another_form_is_no_attestation(
    honest: Scene, sealed: bytes, change: Change
) -> None:
    with pytest.raises(InvalidDocument) as caught:
        check(honest.file, resealed(sealed, OTHER, change), honest.head)
    assert caught.value.message.startswith("attestation: found ")


def test_signed_twice_it_is_the_same(honest: Scene, sealed: bytes) -> None:
    with FileArchive.opened(honest.ledger) as archive:
        again = papers(honest.evidence, archive, ["attestation"], sealer_of(honest, "sponsor"))
    assert again["attestation.json"] == sealed
    named = sealer_of(honest, "sponsor").signatory
    assert Signatory.parse(named.plain()) == named
    assert named != replace(named, account=bytes(20))
