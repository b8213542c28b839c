"""What may be stored as a key, and that no two bindings look alike to a cipher."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.key import LENGTH_BYTES, MAX_KEY_CHARACTERS, KeyBinding, checked_key, last_four, length_prefixed

TEXTS = st.lists(st.text(max_size=8)).map(tuple)
FIELDS = {
    "owner": st.text(max_size=6),
    "provider_id": st.text(max_size=6),
    "endpoint": st.text(max_size=6),
    "key_id": st.text(max_size=6),
    "version": st.integers(1, 10**9),
    "algorithm": st.text(max_size=6),
}
BINDINGS = st.builds(KeyBinding, **FIELDS)
CANARY = "sk-c4n4ry"


def parsed(encoded: bytes) -> tuple[str, ...]:
    """The inverse: its existence is what makes the encoding injective."""
    parts: list[str] = []
    while encoded:
        length = int.from_bytes(encoded[:LENGTH_BYTES], "big")
        parts.append(encoded[LENGTH_BYTES : LENGTH_BYTES + length].decode("utf-8", "surrogatepass"))
        encoded = encoded[LENGTH_BYTES + length :]
    return tuple(parts)


@given(TEXTS)
def test_the_texts_can_be_read_back_from_their_encoding(texts: tuple[str, ...]) -> None:
    assert parsed(length_prefixed(texts)) == texts


@given(BINDINGS, BINDINGS)
def test_two_bindings_give_the_same_bytes_only_if_they_are_the_same(one: KeyBinding, other: KeyBinding) -> None:
    assert (one.associated_data == other.associated_data) == (one == other)
    assert (one.context == other.context) == (one == other)


@pytest.mark.parametrize("field", FIELDS)
def test_text_that_moves_to_the_neighbour_field_is_another_binding(field: str) -> None:
    base = KeyBinding(owner="ab", provider_id="cd", endpoint="ef", key_id="gh", version=12)
    changed = base.model_copy(update={field: 1 if field == "version" else ""})
    assert changed.associated_data != base.associated_data


@given(BINDINGS)
def test_the_key_service_is_told_nothing_of_the_owner(binding: KeyBinding) -> None:
    assert re.fullmatch(r"conclave/provider-key/v1/[0-9a-f]{64}", binding.context)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="{[\"'"), min_size=1))
def test_a_bare_key_is_taken_as_it_is(key: str) -> None:
    if "://" not in key and len(key) <= MAX_KEY_CHARACTERS:
        assert checked_key(key) == checked_key(key.encode()) == bytearray(key, "ascii")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("", "empty"),
        ("   ", "blank"),
        (f"{CANARY} x", "blank"),
        (f"{CANARY}\n", "blank"),
        (f"{CANARY}\r\nX-Injected: 1", "blank"),
        (f"{CANARY}\x00", "blank"),
        (f"{CANARY}\x7f", "blank"),
        (CANARY * 60, "too_long"),
        (f"{CANARY}é", "not_ascii"),
        (f"{CANARY}\u202e", "not_ascii"),
        (f"https://{CANARY}.example", "url"),
        (f'{{"key":"{CANARY}"}}', "json"),
        (f'"{CANARY}"', "json"),
    ],
)
def test_anything_else_is_refused_with_a_reason_and_without_the_key(key: str, hint: str) -> None:
    for form in (key, key.encode(), bytearray(key, "utf-8")):
        with pytest.raises(InvalidInput) as caught:
            checked_key(form)
        problem = caught.value.problem
        assert (problem.code, problem.details["hint"]) == ("invalid_key_format", hint)
        assert CANARY not in problem.model_dump_json() + str(caught.value)
        assert caught.value.__cause__ is None and caught.value.__suppress_context__ == (
            caught.value.__context__ is not None
        )


def test_the_longest_key_is_taken_and_one_more_character_is_not() -> None:
    assert checked_key("k" * MAX_KEY_CHARACTERS)
    with pytest.raises(InvalidInput):
        checked_key("k" * (MAX_KEY_CHARACTERS + 1))


def test_only_long_keys_show_their_end() -> None:
    assert last_four(bytearray(b"123456789abc")) == "9abc"
    assert last_four(bytearray(b"123456789ab")) == ""
