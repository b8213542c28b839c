"""One-to-one assignment of findings to labels."""

import itertools
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from activities.stats.matching import assigned, judged
from models.dataset import Label, Scope
from models.matching import Claim, fit
from tests.activities.stats.made import claim, label

LINES = st.integers(1, 12)
CWES = st.sampled_from(["CWE-78", "CWE-88", "CWE-89"])
SAID = st.tuples(LINES, st.sampled_from([0, 0, 1, 9]), CWES)
"""First line, further lines, CWE."""


def a_claim(said: tuple[int, int, str]) -> Claim:
    line, more, cwe = said
    return claim(line, line + more, cwe=cwe, kind=cwe.lower())


def a_label(said: tuple[int, int, str]) -> Label:
    line, more, cwe = said
    return label(line, line + more, cwe=cwe)


CLAIMS = st.lists(SAID.map(a_claim), max_size=5)
LABELS = st.lists(SAID.map(a_label), max_size=4)


def best(claims: list[Claim], labels: list[Label]) -> tuple[int, int]:
    """Most pairs, and most exact ones among those with the most pairs, by trying everything."""
    found = (0, 0)
    padded: list[Label | None] = [*labels, *[None] * len(claims)]
    for order in set(itertools.permutations(range(len(padded)), len(claims))):
        fits = [fit(each, chosen) for each, at in zip(claims, order, strict=True) if (chosen := padded[at])]
        found = max(found, (sum(each is not None for each in fits), sum(bool(each and each.exact) for each in fits)))
    return found


@settings(deadline=None)  # the first call imports scipy
@given(CLAIMS.filter(lambda claims: len(claims) <= 3), LABELS.filter(lambda labels: len(labels) <= 3))
def test_as_many_pairs_as_there_can_be_and_of_those_the_most_exact(claims: list[Claim], labels: list[Label]) -> None:
    matches = assigned(claims, labels)
    assert (len(matches), sum(match.exact for match in matches)) == best(claims, labels)


@settings(deadline=None)
@given(CLAIMS, LABELS, st.randoms(use_true_random=False))
def test_each_is_used_once_and_the_order_does_not_matter(
    claims: list[Claim], labels: list[Label], random: Random
) -> None:
    matches = assigned(claims, labels)
    assert len(matches) <= min(len(claims), len(labels))
    used = [match.claim for match in matches]
    assert all(used.count(each) <= claims.count(each) for each in used)
    found = [match.label for match in matches]
    assert all(found.count(each) <= labels.count(each) for each in found)
    assert all(fit(match.claim, match.label) for match in matches)
    shuffled, others = list(claims), list(labels)
    random.shuffle(shuffled)
    random.shuffle(others)
    assert sorted(assigned(shuffled, others), key=repr) == sorted(matches, key=repr)


def test_one_finding_is_no_answer_to_two_labels_and_two_are_no_better_than_one() -> None:
    assert judged([claim(5)], [label(5), label(6)], Scope()).matched == 1
    twice = judged([claim(5), claim(5, kind="shell-use")], [label(5)], Scope())
    assert (twice.matched, twice.findings) == (1, 2)


def test_a_finding_goes_where_it_leaves_room_for_others() -> None:
    """The first fits both labels and the first best; the second fits the first alone."""
    result = judged([claim(5), claim(3)], [label(5), label(7)], Scope())
    assert (result.matched, result.located) == (2, 0)


def test_being_on_the_labelled_lines_outweighs_the_same_words_beside_them() -> None:
    beside, wide = claim(6), claim(1, 9, cwe="CWE-88", kind="shell-use")
    (match,) = assigned([beside, wide], [label(4)])
    assert (match.claim, match.exact) == (wide, True)


def test_what_is_outside_the_scope_is_not_counted() -> None:
    result = judged([claim(5), claim(5, cwe="CWE-502", kind="pickle")], [label(5)], Scope(cwes=("CWE-78",)))
    assert (result.matched, result.findings, result.located) == (1, 1, 1)
