"""Krippendorff's alpha against published numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.agreement import krippendorff_alpha

NA = None
TEXTBOOK = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
    [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA],
]
"""Krippendorff (2011), four observers and twelve units with missing values."""


def test_the_textbook_data_give_the_textbook_value() -> None:
    assert krippendorff_alpha(list(zip(*TEXTBOOK, strict=True))) == pytest.approx(0.743, abs=5e-4)


def test_nothing_to_agree_about() -> None:
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([["a", None], [None, "b"]]) is None


def test_perfect_and_opposite() -> None:
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1.0
    opposite = krippendorff_alpha([["a", "b"], ["b", "a"]])
    assert opposite is not None and opposite < 0


RATINGS = st.lists(st.lists(st.sampled_from(["v", "s", None]), min_size=2, max_size=5), max_size=8)


@given(RATINGS)
def test_order_of_raters_and_units_does_not_matter(units: list[list[str | None]]) -> None:
    value = krippendorff_alpha(units)
    turned = krippendorff_alpha([list(reversed(unit)) for unit in reversed(units)])
    assert value == turned if value is None else value == pytest.approx(turned)
    assert value is None or value <= 1.0
