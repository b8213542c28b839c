"""What the findings of two versions have in common."""

from collections.abc import Sequence

from activities.stats.matching import assigned
from activities.stats.pairs import Pairs
from models.comparison import Confusion, Overlap
from models.dataset import Label
from models.matching import Claim


def overlap(pairs: Pairs) -> Overlap:
    """Findings matched one to one on each sample, by weakness and place like findings and labels are."""
    both = total1 = total2 = 0
    for one, other in zip(pairs.v1, pairs.v2, strict=True):
        both += len(assigned(one.claims, [_as_label(claim) for claim in other.claims]))
        total1, total2 = total1 + len(one.claims), total2 + len(other.claims)
    return Overlap(
        both=both,
        only_v1=total1 - both,
        only_v2=total2 - both,
        precision=both / total2 if total2 else None,
        recall=both / total1 if total1 else None,
        f1=2 * both / (total1 + total2) if total1 + total2 else None,
        kappa=_kappa(confusion(pairs)),
    )


def confusion(pairs: Pairs) -> Confusion:
    """Pairs by whether each side judged the sample right."""
    seen = [(one.right, other.right) for one, other in zip(pairs.v1, pairs.v2, strict=True)]
    return Confusion(
        both_right=seen.count((True, True)),
        only_v1=seen.count((True, False)),
        only_v2=seen.count((False, True)),
        both_wrong=seen.count((False, False)),
    )


def consistency(rights: Sequence[tuple[str, bool]], repeats: int) -> float | None:
    """Share of samples that were judged alike in every repeat; None: there is only one.

    Args:
        rights: sample and whether it was judged right, of every run.
        repeats: number of runs.
    """
    if repeats < 2:
        return None
    seen: dict[str, set[bool]] = {}
    for sample, right in rights:
        seen.setdefault(sample, set()).add(right)
    return sum(len(each) == 1 for each in seen.values()) / len(seen) if seen else None


def _kappa(table: Confusion) -> float | None:
    """Cohen's kappa (1960): agreement beyond what the two shares would give by chance."""
    n = table.both_right + table.only_v1 + table.only_v2 + table.both_wrong
    if not n:
        return None
    agreed = (table.both_right + table.both_wrong) / n
    one, other = (table.both_right + table.only_v1) / n, (table.both_right + table.only_v2) / n
    chance = one * other + (1 - one) * (1 - other)
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def _as_label(claim: Claim) -> Label:
    return Label(type=claim.kind, cwe=claim.cwe, line_start=claim.lines.start, line_end=claim.lines.end)
