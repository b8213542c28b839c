"""Comments by which the code under review asks analysers to look away. They are found, reported, and made ineffective.

Pure and free of other imports of ours: it also runs inside the sandbox.
"""

import re

_MARKERS = {
    "noqa": r"#\s*noqa\b|#\s*(?:ruff|flake8)\s*:\s*(?:noqa|disable|enable|ignore)\b",
    "nosec": r"#\s*nosec\b",
    "allowlist": r"pragma\s*:?\s*(?:allow|white)list",
    "ast-grep": r"ast-grep-ignore",
    "lizard": r"lizard\s+forgives?\b",
    "generated": r"GENERATED\s+CODE",
    "complexipy": r"complexipy\s*:\s*ignore\b",
    "nosonar": r"\bNOSONAR\b",
    "nosemgrep": r"\bnosem(?:grep)?\b",
    "eslint": r"\beslint-disable(?:-next-line|-line)?\b",
    "pylint": r"#\s*pylint\s*:\s*(?:disable|skip-file)\b",
    "vulture": r"#\s*vulture\s*:\s*ignore\b",
}
_OBEYED = ("noqa", "nosec", "allowlist", "ast-grep", "lizard", "generated", "complexipy", "vulture")
EFFECTIVE = re.compile("|".join(_MARKERS[name] for name in _OBEYED), re.IGNORECASE)
"""Markers that one of our analysers would obey."""
ANY = re.compile("|".join(f"(?P<{name.replace('-', '_')}>{pattern})" for name, pattern in _MARKERS.items()), re.I)
COMMENT_START = re.compile(r"#|//|/\*|--|<!--|^\s*\*")


def neutralised(text: str) -> str:
    """The same text with every effective marker made meaningless.

    Letters become `x`, so length, lines and columns in characters and bytes stay; strings that happen to hold a marker
    change too, which no analyser of ours looks at the wording of.
    """
    return EFFECTIVE.sub(lambda match: re.sub("[A-Za-z]", "x", match.group()), text)


def suppressions(text: str) -> list[tuple[int, str]]:
    """Lines (from 1) with a comment that asks an analyser to look away, and the name of the marker."""
    if not ANY.search(text):
        return []
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        match = ANY.search(line)
        # The marker must stand in a comment: this file's own table of markers is no suppression.
        if match and COMMENT_START.search(line[: match.end()]):
            found.append((number, (match.lastgroup or "").replace("_", "-")))
    return found
