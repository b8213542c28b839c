"""Envelopes: what is sealed opens with the same key for the same purpose, and in no other way."""

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.keys.envelope import (
    COMMITMENT_BYTES,
    HEAD_BYTES,
    TAG_BYTES,
    EnvelopeUnreadable,
    open_into,
    plaintext_length,
    seal,
)

KEY, FOR = bytearray(range(32)), b"purpose"


def opened(sealed: bytes, key: bytearray = KEY, purpose: bytes = FOR) -> bytes:
    buffer = bytearray(plaintext_length(sealed))
    open_into(sealed, key, purpose, buffer)
    return bytes(buffer)


@given(st.binary(max_size=600), st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_what_was_sealed_opens(secret: bytes, key: bytes, purpose: bytes) -> None:
    sealed = seal(bytearray(secret), bytearray(key), purpose)
    assert len(sealed) == HEAD_BYTES + len(secret) + TAG_BYTES
    assert opened(sealed, bytearray(key), purpose) == secret


def test_no_changed_bit_and_no_cut_opens() -> None:
    sealed = seal(bytearray(b"sk-secret-key"), KEY, FOR)
    for position, bit in itertools.product(range(len(sealed)), range(8)):
        changed = bytearray(sealed)
        changed[position] ^= 1 << bit
        buffer = bytearray(b"x" * plaintext_length(sealed))
        with pytest.raises(EnvelopeUnreadable):
            open_into(bytes(changed), KEY, FOR, buffer)
        assert b"sk-secret" not in buffer
    for length in range(len(sealed)):
        with pytest.raises(EnvelopeUnreadable):
            opened(sealed[:length])
    with pytest.raises(EnvelopeUnreadable):
        opened(sealed + b"\0")


def test_another_key_and_another_purpose_do_not_open() -> None:
    sealed = seal(bytearray(b"secret"), KEY, FOR)
    for position in range(32):
        other = bytearray(KEY)
        other[position] ^= 1
        with pytest.raises(EnvelopeUnreadable):
            opened(sealed, other)
    for purpose in (b"", b"purpos", b"purpose\0", b"Purpose"):
        with pytest.raises(EnvelopeUnreadable):
            opened(sealed, KEY, purpose)


def test_a_commitment_of_another_key_is_refused_before_anything_is_decrypted() -> None:
    one, other = seal(bytearray(b"secret"), KEY, FOR), seal(bytearray(b"secret"), bytearray(32), FOR)
    mixed = one[:1] + other[1 : 1 + COMMITMENT_BYTES] + one[1 + COMMITMENT_BYTES :]
    for key in (KEY, bytearray(32)):
        with pytest.raises(EnvelopeUnreadable):
            opened(mixed, key)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_data_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(EnvelopeUnreadable):
        seal(bytearray(b"secret"), bytearray(length), FOR)


def test_nonces_do_not_repeat_not_even_after_a_fork() -> None:
    def nonces(count: int) -> set[bytes]:
        return {seal(bytearray(b"s"), KEY, FOR)[1 + COMMITMENT_BYTES : HEAD_BYTES] for _ in range(count)}

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        os.write(writer, b"".join(nonces(1_000)))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        sent = pipe.read()
    os.waitpid(child, 0)
    theirs = {sent[at : at + 12] for at in range(0, len(sent), 12)}
    ours = nonces(5_000)
    assert (len(theirs), len(ours), len(theirs | ours)) == (1_000, 5_000, 6_000)
