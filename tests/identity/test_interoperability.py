"""Receipts in the hands of the public packages, and theirs in ours."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as Message
from securesystemslib.dsse import Envelope as PublicEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from sheaf.identity.canonical import canonical
from sheaf.identity.envelope import PAYLOAD_TYPE, Envelope
from sheaf.identity.keys import key_id
from sheaf.identity.statement import Receipt
from tests.identity.receipts import ACT, KEY, PUBLIC, RECEIPT, act_written, written

SEALED = Envelope.sealed(RECEIPT.encode(), KEY).encode()


def public_key(public: str) -> SSlibKey:
    keyid = sha256(bytes.fromhex(public)).hexdigest()
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": public})


def test_securesystemslib_verifies_ours() -> None:
    found = PublicEnvelope.from_dict(json.loads(SEALED))
    key = public_key(PUBLIC)
    assert found.verify([key], 1) == {key.keyid: key}
    changed = PublicEnvelope.from_dict(json.loads(SEALED))
    changed.payload = changed.payload.replace(b'"round":"3"', b'"round":"4"')
    assert changed.payload != found.payload
    with pytest.raises(VerificationError):
        changed.verify([key], 1)


def test_in_toto_reads_ours() -> None:
    found = json_format.Parse(Envelope.decode(SEALED).payload, Message())
    statement = Statement.copy_from_pb(found)
    statement.validate()
    assert statement.pb.predicate_type == "urn:sheaf:receipt:1"
    assert json_format.MessageToDict(statement.pb) == written()


def test_they_read_and_verify_ours_of_an_act() -> None:
    sealed = Envelope.sealed(ACT.encode(), KEY).encode()
    key, found = public_key(PUBLIC), PublicEnvelope.from_dict(json.loads(sealed))
    assert found.verify([key], 1) == {key.keyid: key}
    statement = Statement.copy_from_pb(json_format.Parse(found.payload, Message()))
    statement.validate()
    assert json_format.MessageToDict(statement.pb) == act_written()


def test_ours_verifies_what_theirs_made() -> None:
    content = written()
    made = Statement([], content["predicateType"], content["predicate"])
    for subject in content["subject"]:
        made.pb.subject.add(name=subject["name"], digest=subject["digest"])
    made.validate()
    payload = canonical(json_format.MessageToDict(made.pb))

    signer = CryptoSigner.generate_ed25519()
    public = bytes.fromhex(signer.public_key.keyval["public"])
    signer.public_key.keyid = key_id(public)
    envelope = PublicEnvelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)

    found = Envelope.decode(canonical(envelope.to_dict()))
    assert found.is_signed_by(public)
    assert not found.is_signed_by(KEY.public)
    assert Receipt.decode(found.payload) == RECEIPT
