"""How much work a review is: one score, and what it is likely to cost and to take."""

from collections.abc import Iterable

from models.review import TaskComplexity
from models.source import Language, SourceFile

FULL_SCORE_LENGTH = 10_000
"""Characters under review from which the base score is 1."""

MULTIPLIER: dict[Language, float] = {
    Language.PYTHON: 0.8,
    Language.JAVASCRIPT: 0.9,
    Language.JAVA: 1.0,
    Language.RUST: 1.1,
    Language.CPP: 1.2,
}
"""Weight of a language; every language that is not listed weighs 1."""


def characters_under_review(file: SourceFile) -> int:
    """Characters of a file that are under review: all, or the changed lines' share of them."""
    if file.changed is None or file.lines == 0:
        return file.characters
    changed = sum(lines.end - lines.start + 1 for lines in file.changed)
    return round(file.characters * min(changed / file.lines, 1.0))


def complexity(code_length: int, multiplier: float) -> TaskComplexity:
    """Score, estimated cost and latency of a review.

    `score = min(min(code_length / 10000, 1) * multiplier, 1)`, cost `0.01 + score * 0.09` USD, latency
    `1000 + int(score * 4000)` ms (SPEC.md section 2).
    """
    score = min(min(code_length / FULL_SCORE_LENGTH, 1.0) * multiplier, 1.0)
    return TaskComplexity(
        code_length=code_length,
        score=score,
        estimated_cost_usd=round(0.01 + score * 0.09, 6),
        estimated_latency_ms=1000 + int(score * 4000),
    )


def complexity_of(files: Iterable[SourceFile]) -> TaskComplexity:
    """Complexity of a source; the multiplier of a mixed one is the length-weighted mean of its languages'.

    Configuration and prose (`Language.OTHER`) count only when there is no code at all.
    """
    everything = list(files)
    code = [file for file in everything if file.language is not Language.OTHER] or everything
    lengths = [(characters_under_review(file), MULTIPLIER.get(file.language, 1.0)) for file in code]
    total = sum(length for length, _ in lengths)
    mean = sum(length * weight for length, weight in lengths) / total if total else 1.0
    return complexity(total, mean)
