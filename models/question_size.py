"""How large a question has to be at least, before it is known whom it goes to."""

from collections.abc import Iterable, Mapping, Sequence

from models.source import SourceManifest
from models.tokens import estimated_tokens
from models.wire import Wire

USEFUL_BYTES = 16_000
"""Code from which on a question is worth asking, although more would be better: some three hundred lines."""
AROUND_BYTES = 10_000
"""Everything else that is sent: the expert's instructions, the schema, line numbers, earlier findings."""
SAMPLE_LINES = 400
"""Lines by which the tokens of a source are estimated."""


class QuestionSize(Wire):
    """Least size of a useful question about a source."""

    least_bytes: int
    """No tokeniser makes more tokens than bytes: money is set aside by these."""
    least_tokens: int
    """Likely tokens: whether it fits into a model's window is told by these."""


def question_size(manifest: SourceManifest, lines: Mapping[str, Sequence[str]]) -> QuestionSize:
    """The least useful question about a source: all of it if it is small."""
    total = sum(file.size for file in manifest.files if file.changed is None or file.changed)
    sample = _sample(manifest, lines)
    weight = len(sample.encode("utf-8", "replace")) or 1
    code = min(total, USEFUL_BYTES)
    per_byte = estimated_tokens(sample) / weight if sample else 0.4
    return QuestionSize(
        least_bytes=code + AROUND_BYTES, least_tokens=round(code * per_byte) + round(AROUND_BYTES * 0.3)
    )


def _sample(manifest: SourceManifest, lines: Mapping[str, Sequence[str]]) -> str:
    taken: list[str] = []
    for file in manifest.files:
        taken += (line[:400] for line in _first(lines.get(file.path, ()), SAMPLE_LINES - len(taken)))
        if len(taken) >= SAMPLE_LINES:
            break
    return "\n".join(taken)


def _first(lines: Sequence[str], count: int) -> Iterable[str]:
    return lines[: max(count, 0)]
