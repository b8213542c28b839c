"""The rule book of text that comes from outside."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from models.text import clean, clean_block, clean_code, code_fence, code_span, neutral_log, neutral_markdown

HIDDEN = st.sampled_from(
    [
        "\x1b[31m", "\x1b]8;;https://e.example\x07", "\x9b2J", "\x1b", "\x00", "\x07", "\x08", "\x7f", "\x85", "\x9d",
        "\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u2028", "\u3164", "\ufe0f",
        "\U000e0041", "\U000e0100", "\ud800",
    ]
)  # fmt: skip
MARKUP = st.sampled_from(
    list("`*_~|<>[]()!#@&:;./\\-+=\"'{}$%^ \t\n1aZ") + ["```", "https://e.example", "www.e.example"]
)
TEXTS = st.lists(st.one_of(HIDDEN, MARKUP, st.text(max_size=5)), max_size=25).map("".join)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(markdown: str) -> str:
    """What a reader sees of one paragraph."""
    inline = MARKDOWN.parse(markdown)[1:2]
    children = inline[0].children or [] if inline else []
    return "".join(child.content for child in children)


def hides(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


@given(TEXTS, st.integers(1, 60))
def test_clean_is_one_short_visible_line_and_final(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert not hides(cleaned)
    assert cleaned == " ".join(cleaned.split())
    assert clean(cleaned, limit) == cleaned


@given(TEXTS, st.integers(1, 60))
def test_clean_code_keeps_one_line_and_clean_block_its_lines(text: str, limit: int) -> None:
    assert not hides(clean_code(text, limit))
    block = clean_block(text, limit)
    assert hides(block) <= {"\n"}
    assert len(block) <= limit
    assert clean_block(block, limit) == block


@given(st.text(st.characters(categories=["L", "N", "P", "Sm", "Sc"], exclude_characters="\u115f\u1160\u3164\uffa0")))
def test_visible_text_is_left_alone(text: str) -> None:
    assert clean(text, 1000) == text
    assert clean_code(text, 1000) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "click"),
        ("\x9b31mred", "red"),
        ("\x1bPq#0;payload\x1b\\after", "after"),
        ("\x1b]unterminated title", "unterminated title"),
        ("user\u202e\u2066nimda\u2069", "usernimda"),
        ("pass\u200bword\ufeff", "password"),
        ("a\r\nb\tc\u2028d\x0ce", "a b c d e"),
    ],
)
def test_sequences_go_whole(text: str, expected: str) -> None:
    assert clean(text, 100) == expected


def test_code_keeps_its_indentation_and_its_line_numbers() -> None:
    assert clean_code("\tif x:\t# y  \r\n", 100) == "    if x:   # y"
    assert clean_block("\n\n  a\x0cb\r\n\r\n\tc\n", 100) == "  a b\n\n    c"


def test_a_cut_is_seen_and_a_limit_below_one_is_refused() -> None:
    assert clean("abcdef", 4) == "abc\N{HORIZONTAL ELLIPSIS}"
    with pytest.raises(ValueError, match="limit"):
        clean("x", 0)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("start", ["\x1b]", "\x9d", "\x1b[", "\x9b"])
def test_many_unterminated_sequences_take_linear_time(start: str) -> None:
    assert clean(start * 200_000, 10) == ""


@given(TEXTS)
def test_neutral_markdown_shows_the_words_and_does_nothing_else(text: str) -> None:
    tokens = MARKDOWN.parse(neutral_markdown(text))
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    children = [child for token in tokens for child in token.children or []]
    assert {child.type for child in children} <= {"text", "text_special", "code_inline"}
    # Hosts act on mentions, references and addresses in the text after Markdown was read, never in code.
    prose = " ".join(child.content for child in children if child.type != "code_inline")
    assert not set("@#<>[]&$~*_|`\\") & set(prose.replace("\\", "", 1) if prose.startswith("\\") else prose)
    assert "://" not in prose
    assert "www." not in prose
    seen = "".join(child.content for child in children)
    bare = str.maketrans("", "", "` ")
    assert "".join(seen.split()).translate(bare) == "".join(clean(text, 10_000).split()).translate(bare)


@given(TEXTS, TEXTS)
def test_text_in_a_table_cell_stays_in_its_cell(left: str, right: str) -> None:
    cells = [neutral_markdown(left, in_table=True), code_span(clean(right, 500), in_table=True)]
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {cells[0]} | {cells[1]} |\n")
    assert [token.type for token in tokens].count("tr_open") == 2
    assert [token.type for token in tokens].count("td_open") == 2
    code = [child for token in tokens for child in token.children or []][-1:]
    if clean(right, 500):
        assert code[0].content == clean(right, 500)


@given(TEXTS)
def test_a_code_span_shows_exactly_its_text(text: str) -> None:
    line = clean(text, 500)
    assert shown(code_span(line)) == line


@given(TEXTS)
def test_nothing_inside_closes_a_fence(text: str) -> None:
    block = clean_block(text, 500)
    tokens = MARKDOWN.parse(code_fence(block, "python"))
    assert [(token.type, token.info, token.content) for token in tokens] == [("fence", "python", f"{block}\n")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use of `eval` detected, e.g. here.", "Use of `eval` detected, e.g. here."),
        ("Thanks @octocat, see #12!", "Thanks `@octocat`, see `#12`!"),
        ("![x](https://evil.example/a.png)", "`![x](https://evil.example/a.png)`"),
        ("Fixed in deadbeef", "Fixed in `deadbeef`"),
        ("<img src=x>", "`<img` `src=x>`"),
        ("demo 2026-11-27 00.33.42", "demo 2026-11-27 00.33.42"),
        ("at 10.0.0.1", "at `10.0.0.1`"),
        ("1. first", "1\\. first"),
        ("- item", "\\- item"),
        ("self-made and/or 'quoted' (B603)", "self-made and/or 'quoted' (B603)"),
    ],
)
def test_neutral_markdown_reads_well(text: str, expected: str) -> None:
    assert neutral_markdown(text) == expected


@pytest.mark.parametrize("command", ["##[error]x", "##vso[task.setvariable variable=a]b", "a ##teamcity[x]"])
def test_build_servers_find_no_command(command: str) -> None:
    assert "##" not in neutral_log(command)
    assert neutral_log("## heading") == "## heading"
