"""Text from outside made fit to be shown: what cannot be seen is removed, what could act is quoted.

Two steps, in this order. Cleaning (`clean`, `clean_block`, `clean_code`) happens once, where text enters a report.
Quoting (`neutral_markdown`, `code_span`, `code_fence`, `neutral_log`) happens per output, since each output acts on
something else. HTML is quoted by its template engine.
"""

import re
import unicodedata
from datetime import UTC, datetime

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
TAB_WIDTH = 4

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b[ -/]*[0-~]"  # the rest: two or three characters
)
_LINE_BREAK = re.compile(r"\r\n?|\n")
_BLANKS = {0x0B: " ", 0x0C: " ", 0x85: " ", 0x2028: " ", 0x2029: " "}
"""Breaks that editors do not count as lines: kept as a space, so that line numbers stay true."""
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
"""Characters that show nothing although their category is letter, mark or symbol: fillers and variation selectors."""
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Controls; formats, which include bidirectional overrides, isolates and everything of zero width; lone surrogates."""

_TOKEN = re.compile(r"(?:`[^`]+`|\S)+")
_LEAD = "\"'("
_STOPS = ".,;:!?" + ELLIPSIS
_PLAIN = re.compile(
    r"[^\W_]+(?:['\u2019/+-][^\W_]+)*|[^\W\d_](?:\.[^\W\d_])+|[0-9]{1,3}(?:\.[0-9]{1,3}){1,2}|[-+=/\u2013\u2014]?"
)
"""Words that no Markdown dialect makes anything of: "e.g" and "12.30.59" are never taken for a host."""
_REFERENCE = re.compile(r"[0-9A-Fa-f]{7,}|GH-\d+", re.IGNORECASE)
_BLOCK_START = re.compile(r"[-+=]|\d+(?=[.)])")
_LOG_COMMAND = re.compile(r"##(?=[A-Za-z]*\[)")


def _shown(character: str) -> bool:
    return unicodedata.category(character) not in _HIDDEN_CATEGORIES and character not in _INVISIBLE


def _visible(text: str, kept: str) -> str:
    """Removes what cannot be seen, except the characters in `kept`."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPE_SEQUENCE.sub("", text).translate(_BLANKS)
    return "".join(character for character in text if character in kept or _shown(character))


def _capped(text: str, limit: int) -> str:
    if limit < 1:
        raise ValueError("limit must be at least 1")
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def clean(text: str, limit: int) -> str:
    """One line of prose: nothing invisible, runs of white space as one blank, at most `limit` characters."""
    return _capped(" ".join(_visible(text, "\t\r\n").split()), limit)


def clean_code(line: str, limit: int) -> str:
    """One line of code: like `clean`, but inner white space stays and tabs become blanks."""
    return _capped(_visible(_LINE_BREAK.sub(" ", line), "\t").expandtabs(TAB_WIDTH).rstrip(), limit)


def clean_block(text: str, limit: int) -> str:
    """Several lines: each as `clean_code` makes it, without blank lines at the ends, at most `limit` characters."""
    lines = _visible(_LINE_BREAK.sub("\n", text), "\t\n").split("\n")
    return _capped("\n".join(line.expandtabs(TAB_WIDTH).rstrip() for line in lines).strip("\n"), limit)


def _longest_run(text: str, character: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(character)}+", text)), default=0)


def code_span(text: str, *, in_table: bool = False) -> str:
    """A Markdown code span that shows exactly this text.

    Args:
        text: One line, already cleaned.
        in_table: Whether it stands in a table cell, where a bar would end the cell even inside code.
    """
    if not text.strip():
        return ""
    tick = "`" * (_longest_run(text, "`") + 1)
    # A blank on each side is taken off again by Markdown; without it a tick at the edge would belong to the fence.
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    span = f"{tick}{pad}{text}{pad}{tick}"
    return span.replace("|", "\\|") if in_table else span


def code_fence(text: str, language: str = "") -> str:
    """A Markdown code block that nothing in the text can close.

    Args:
        text: Lines, already cleaned.
        language: A name made by us, never text from outside.
    """
    fence = "`" * max(3, _longest_run(text, "`") + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _quoted_token(token: str, *, in_table: bool) -> str:
    """One run of characters between blanks: a plain word as it is, anything else as code; punctuation stays outside."""
    lead = token[: len(token) - len(token.lstrip(_LEAD))]
    core = token[len(lead) :].rstrip(_STOPS + ")\"'")
    if _PLAIN.fullmatch(core) and not _REFERENCE.fullmatch(core):
        return token
    if not lead:
        core = token.rstrip(_STOPS)
    trail = token[len(lead) + len(core) :]
    inner = core[1:-1]
    if core[0] == core[-1] == "`" and "`" not in inner:
        core = inner.strip()
    return f"{lead}{code_span(core, in_table=in_table)}{trail}"


def spoken_time(at: datetime) -> str:
    """A time of day in UTC, to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def neutral_markdown(text: str, *, in_table: bool = False) -> str:
    """Prose for Markdown in which nothing links, mentions, embeds, formats or starts a block.

    Words stay words; whatever else stands between blanks (a path, an address, an `@name`, a tag) becomes code. That is
    safer than backslashes: hosts make links of mentions, issue numbers and commit hashes after Markdown was read, in
    the resulting text, and leave only code alone.
    """
    tokens: list[str] = _TOKEN.findall(clean(text, max(1, len(text))))
    shown = " ".join(_quoted_token(token, in_table=in_table) for token in tokens)
    # At the start of a line "-" or "1." would begin a list.
    start = _BLOCK_START.match(shown)
    if not start:
        return shown
    return f"\\{shown}" if start[0] in "-+=" else f"{start[0]}\\{shown[start.end() :]}"


def neutral_log(text: str) -> str:
    """Text for a terminal or build log: `##[...]` and `##name[...]` are broken, build servers obey them in any column.

    The other form, `::name ...`, counts only at the start of a line: outputs put something of their own there.
    """
    return _LOG_COMMAND.sub("# #", text)
