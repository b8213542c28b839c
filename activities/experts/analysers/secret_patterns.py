"""detect-secrets' patterns without its file walking, in-line exceptions and network checks. Runs in the sandbox."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters import heuristic
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.keyword import REGEX_BY_FILETYPE, KeywordDetector
from detect_secrets.settings import transient_settings
from detect_secrets.util.filetype import FileType, determine_file_type

LONGEST_LINE = 5_000
"""Characters of a line that are looked at: longer ones are minified code, over which some patterns take minutes."""
LEFT_OUT = frozenset(
    {
        # Entropy and plain numbers: hits are hashes, test data and addresses far more often than secrets.
        "Base64HighEntropyString",
        "HexHighEntropyString",
        "IPPublicDetector",
        "ArtifactoryDetector",
        "KeywordDetector",
    }
)
KEYWORD_SUFFIXES = frozenset(
    (".yml", ".yaml", ".ini", ".cfg", ".conf", ".env", ".properties", ".toml", ".json", ".xml")
)
"""Configuration, where `password: ...` is a password; in code our own rules know more of the context."""
NOT_SECRET = (
    heuristic.is_sequential_string,
    heuristic.is_potential_uuid,
    heuristic.is_templated_secret,
    heuristic.is_prefixed_with_dollar_sign,
    heuristic.is_not_alphanumeric_string,
)


def not_harmless(value: str) -> bool:
    """Whether a value may be a secret: not empty, not a placeholder, not a reference to a variable."""
    return bool(value) and not any(test(value) for test in NOT_SECRET)


def reader() -> Callable[[str, str], list[dict[str, Any]]]:
    """A function that finds the secrets in a text."""
    classes = get_mapping_from_secret_type_to_class().values()
    plugins: list[Any] = [
        cls() for cls in classes if cls.__name__ not in LEFT_OUT and issubclass(cls, RegexBasedDetector)
    ]

    def hits_in(line: str, number: int, candidates: list[Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for plugin in candidates:
            for secret in plugin.analyze_string(line):
                if not_harmless(secret if isinstance(secret, str) else "".join(secret)):
                    found.append({"start": number, "end": number, "type": plugin.secret_type})
                    break
        return found

    keyword: Any = KeywordDetector()

    def keyword_hits(path: str, lines: list[str]) -> list[dict[str, Any]]:
        name = Path(path).name.lower()
        if not (name.startswith(".env") or Path(name).suffix in KEYWORD_SUFFIXES) or heuristic.is_lock_file(path):
            return []
        patterns = REGEX_BY_FILETYPE.get(determine_file_type(path), REGEX_BY_FILETYPE[FileType.CONFIG])
        return [
            {"start": number, "end": number, "type": keyword.secret_type}
            for number, line in enumerate(lines, 1)
            if any(not_harmless(value) for value in keyword.analyze_string(line, patterns))
        ]

    def read(path: str, text: str) -> list[dict[str, Any]]:
        # One pass of each pattern over the whole text rules out nearly every pattern for nearly every file.
        lines = [line[:LONGEST_LINE] for line in text.split("\n")]
        whole = "\n".join(lines)
        candidates = [plugin for plugin in plugins if any(pattern.search(whole) for pattern in plugin.denylist)]
        with transient_settings({"plugins_used": [], "filters_used": []}):
            hits = keyword_hits(path, lines)
            if candidates:
                hits += [hit for number, line in enumerate(lines, 1) for hit in hits_in(line, number, candidates)]
        return hits

    return read
