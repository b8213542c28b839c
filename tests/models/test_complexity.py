"""The complexity formula, by its own numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.complexity import MULTIPLIER, complexity, complexity_of
from models.source import Language, LineRange
from tests.fakes import manifest


@pytest.mark.parametrize(
    ("length", "multiplier", "score", "cost", "latency"),
    [
        (0, 0.8, 0.0, 0.01, 1000),
        (5_000, 0.8, 0.4, 0.046, 2600),
        (5_000, 1.2, 0.6, 0.064, 3400),
        (10_000, 0.8, 0.8, 0.082, 4200),
        (10_000, 1.2, 1.0, 0.1, 5000),
        (1_000_000, 0.9, 0.9, 0.091, 4600),
    ],
)
def test_the_formula(length: int, multiplier: float, score: float, cost: float, latency: int) -> None:
    got = complexity(length, multiplier)
    assert got.score == pytest.approx(score)
    assert got.estimated_cost_usd == pytest.approx(cost)
    assert got.estimated_latency_ms == latency


def test_multipliers_are_those_of_the_contract() -> None:
    named = {language.value: weight for language, weight in MULTIPLIER.items()}
    assert named == {"python": 0.8, "javascript": 0.9, "java": 1.0, "rust": 1.1, "cpp": 1.2}
    assert Language.TYPESCRIPT not in MULTIPLIER


def test_a_mixed_source_has_the_length_weighted_mean() -> None:
    files = manifest({"a.py": "x" * 3000, "b.cpp": "y" * 1000, "README.md": "z" * 9000}).files
    assert complexity_of(files).score == pytest.approx(0.4 * (3 * 0.8 + 1.2) / 4)


def test_only_the_changed_share_counts() -> None:
    text = "x = 1\n" * 100
    whole = complexity_of(manifest({"a.py": text}).files)
    part = complexity_of(manifest({"a.py": text}, {"a.py": (LineRange(start=1, end=10),)}).files)
    assert part.code_length == whole.code_length // 10


@given(st.integers(0, 10**7), st.floats(0.8, 1.2))
def test_score_stays_within_bounds_and_grows_with_length(length: int, multiplier: float) -> None:
    got, more = complexity(length, multiplier), complexity(length + 1000, multiplier)
    assert 0 <= got.score <= more.score <= 1
    assert 1000 <= got.estimated_latency_ms <= 5000
