"""JSON from outside, read strictly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.strict_json import NotJson, strict_json

BAD = [
    b"",
    b"{",
    b'{"a": NaN}',
    b"[Infinity]",
    b"[-Infinity]",
    b"[1e400]",
    b"[" + b"9" * 5_000 + b"]",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a": "\\ud800"}',
    b'{"\\ud800": 1}',
    b'["\\u0000"]',
    b'["\x00"]',
    b'["\xff"]',
    b'["\xed\xa0\x80"]',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"<html>",
]


@pytest.mark.parametrize("data", BAD, ids=range(len(BAD)))
def test_what_cannot_be_stored_is_refused(data: bytes) -> None:
    with pytest.raises(NotJson, match="^not_json$"):
        strict_json(data)


@pytest.mark.parametrize("text", ['["\ud800"]', '["\\ud800"]'])
def test_text_is_held_to_the_same(text: str) -> None:
    with pytest.raises(NotJson):
        strict_json(text)


def test_escapes_of_honest_characters_stay() -> None:
    assert strict_json(b'{"a": "\\u00e4 \\ud83d\\ude00 \\\\u0000"}') == {"a": "\u00e4 \N{GRINNING FACE} \\u0000"}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**18), 10**18)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",))),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=32)), inner),
        max_leaves=20,
    )
)
def test_what_was_written_is_what_is_read(value: Any) -> None:
    for ascii_only in (True, False):
        assert strict_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_give_json_or_one_error(data: bytes) -> None:
    try:
        strict_json(data)
    except NotJson as error:
        assert str(error) == "not_json"
