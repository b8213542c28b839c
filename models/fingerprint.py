"""Names of findings that survive edits elsewhere in the file."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence


def normalised(text: str) -> str:
    """Code without the differences that formatting makes: runs of white space are one blank."""
    return " ".join(text.split())


def fingerprints(places: Iterable[tuple[str, str, str]]) -> Sequence[str]:
    """Fingerprint each place.

    A line number takes no part, so that inserting lines above changes nothing; equal lines in one file are told apart
    by their order.

    Args:
        places: (path, kind, text of the first line) per finding, in file order within each path.

    Returns:
        32 hexadecimal digits per place, in the same order.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    names: list[str] = []
    for path, kind, text in places:
        key = (path, kind, normalised(text))
        digest = hashlib.sha256("\0".join((*key, str(seen[key]))).encode("utf-8", "replace"))
        seen[key] += 1
        names.append(digest.hexdigest()[:32])
    return names
