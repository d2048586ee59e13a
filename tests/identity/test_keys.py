"""Keys against RFC 8032's own vectors."""

from __future__ import annotations

from hashlib import sha256

import pytest

from sheaf.identity.keys import BoundKey, is_signed, key_id

# RFC 8032, section 7.1, TEST 2 and TEST 3.
VECTORS = [
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
BLIND = b"\x22" * 32


@pytest.mark.parametrize(("seed", "public", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc(seed: str, public: str, message: str, signature: str) -> None:
    key = BoundKey(bytes.fromhex(seed), BLIND)
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert is_signed(key.public, bytes.fromhex(message), bytes.fromhex(signature))
    assert not is_signed(key.public, bytes.fromhex(message) + b"\0", bytes.fromhex(signature))


def test_what_is_no_key_or_no_signature_signs_nothing() -> None:
    public, signature = bytes.fromhex(VECTORS[0][1]), bytes.fromhex(VECTORS[0][3])
    assert not is_signed(public, b"\x72", signature[:-1])
    assert not is_signed(public[:-1], b"\x72", signature)
    assert not is_signed(b"\xff" * 32, b"\x72", signature)


def test_the_nonce_names_key_and_blind() -> None:
    key = BoundKey(bytes.fromhex(VECTORS[0][0]), BLIND)
    # Written out by hand, without any encoder.
    preimage = b"sheaf/signing-key/1" + bytes(13) + bytes.fromhex(VECTORS[0][1]) + b"\x22" * 32
    assert key.nonce == sha256(preimage).digest()
    assert key_id(key.public) == sha256(bytes.fromhex(VECTORS[0][1])).hexdigest()


def test_a_key_does_not_show_itself() -> None:
    assert repr(BoundKey(b"s" * 32, BLIND)) == "BoundKey(...)"
