"""How code is shown to a model: numbered lines in which nothing is hidden and nothing can end the listing."""

import json
import re
from collections.abc import Sequence

from models.source import LineRange

MAX_SHOWN = 400
"""Characters of one line that are shown; of a longer one it is told how many are not."""
CLIPPED = "\N{HORIZONTAL ELLIPSIS}[+"
"""What the note at the end of a clipped line begins with."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef\ud800-\udfff]"
)
"""Controls, line ends of any sort, and what shows nothing: text can be hidden in these from people, not from models."""
_TURN = re.compile(
    r"<[|\uff5c][^<>\n]{1,40}[|\uff5c]>|</?s>|<</?SYS>>|\[/?INST\]|</?(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>",
    re.IGNORECASE,
)
"""Marks that the templates of open models take for the end of a turn."""


def shown_text(text: str) -> str:
    """Text with hidden characters spelled out (`<U+202E>`) and marks of chat templates broken by a blank."""
    if text.isascii() and text.isprintable() and "<" not in text and "[" not in text:
        return text
    text = _HIDDEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)
    return _TURN.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def shown_line(line: str) -> str:
    """One line of code as a model sees it, without its number."""
    shown = shown_text(line[:MAX_SHOWN])
    return shown if len(line) <= MAX_SHOWN else f"{shown} {CLIPPED}{len(line) - MAX_SHOWN} characters]"


def numbered(number: int, line: str, changed: bool = False) -> str:
    """One line of a listing: `12|code`, or `12+code` where the line is part of the change under review."""
    return f"{number}{'+' if changed else '|'}{shown_line(line)}\n"


def heading(path: str, start: int, end: int, total: int) -> str:
    """What stands before the lines of one part of a file. It begins with a letter, as no line of code does here."""
    return f"file {json.dumps(shown_text(path), ensure_ascii=False)} lines {start}-{end} of {total}\n"


def changed_lines(changed: Sequence[LineRange] | None, total: int) -> frozenset[int]:
    """Numbers of the lines to mark as changed; where everything is under review nothing is marked."""
    return frozenset(number for part in changed or () for number in range(part.start, min(part.end, total) + 1))
