"""Numbers and verdicts of a comparison in words: page, paper and terminal say the same because they ask here."""

import math
from collections.abc import Iterator

from models.comparison import Compared, ComparedSide, ComparisonReport, Recommendation
from models.text import clean

NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
LONGEST = 300

TITLES: dict[str, str] = {
    "accuracy": "Accuracy",
    "recall": "Recall",
    "precision": "Precision",
    "f1": "F1",
    "false_positive_rate": "False-positive rate",
    "error_rate": "Error rate",
    "latency": "Latency, geom. mean",
    "latency_p50": "Latency p50",
    "latency_p95": "Latency p95",
    "latency_p99": "Latency p99",
    "throughput": "Throughput",
    "cost": "Cost per analysis",
    "tokens": "Tokens",
}
"""In the order they are shown. A database may forget the order of a report's metrics, so it is kept here."""
MARKS = {"better": "\u25b2", "worse": "\u25bc", "same": "\u25cf", "unclear": "\u25cb", "refused": "\u2013"}
GROUNDS = {"pass": "\u2713", "fail": "\u2717", "unclear": "?"}
TONES = {"better": "good", "worse": "bad", "pass": "good", "fail": "bad"}
"""How a verdict is coloured; the rest is not."""
ADVICE: dict[Recommendation, tuple[str, str]] = {
    Recommendation.PROMOTE: (
        "Promote v2",
        "v2 is better on the success metric, and on no guardrail worse than its margin.",
    ),
    Recommendation.HOLD: (
        "Hold: keep v1",
        "v2 is shown to be neither better nor worse than v1 by more than the margins.",
    ),
    Recommendation.REJECT: (
        "Reject v2",
        "v2 is worse on the success metric, or on a guardrail by more than its margin.",
    ),
    Recommendation.INCONCLUSIVE: (
        "Inconclusive",
        "These samples cannot tell which of the two is better.",
    ),
}
ADVICE_TONES = {Recommendation.PROMOTE: "good", Recommendation.REJECT: "bad"}
UNITS = {"seconds": " s", "per_hour": "/h"}
ACRONYMS = {"f1": "F1", "cpu": "CPU", "gpu": "GPU", "roi": "ROI", "usd": "USD", "cwe": "CWE"}


def verdict_of(metric: Compared) -> str:
    """A metric's verdict with its mark; of one that is neither good nor bad there is none."""
    return NONE if metric.better == "neither" else f"{MARKS[metric.verdict]} {metric.verdict}"


def title(metric: str) -> str:
    """What a metric is called in front of people."""
    return TITLES.get(metric) or words(metric)


def words(slug: str) -> str:
    """A slug as words, the first with a capital."""
    said = " ".join(ACRONYMS.get(part, part) for part in slug.replace("-", " ").replace("_", " ").split())
    return said[:1].upper() + said[1:]


def metrics_in_order(report: ComparisonReport) -> Iterator[tuple[str, Compared]]:
    """Every metric: those we know in our order, then the others by name."""
    order = {name: place for place, name in enumerate(TITLES)}
    yield from sorted(report.metrics.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))


def shown(text: str) -> str:
    """Text from outside as one line without anything invisible. Quoting is up to each output."""
    return clean(text, LONGEST)


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 sample`, `1,200 samples`."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def share(value: float | None) -> str:
    """A share as percent with one decimal."""
    return NONE if value is None else f"{value:.1%}".replace("-", MINUS)


def usd(dollars: float | None) -> str:
    """Dollars to the cent; below one dollar to three digits, since an analysis costs parts of a cent."""
    if dollars is None:
        return NONE
    size = abs(dollars)
    digits = 2 if size >= 1 or size == 0 else min(8, max(2, 2 - math.floor(math.log10(size))))
    text = f"{size:,.{digits}f}"
    if digits > 2:
        whole, rest = text.split(".")
        text = f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
    is_zero = not text.strip("0.,")
    return f"{MINUS if dollars < 0 and not is_zero else ''}${text}"


def number(value: float | None) -> str:
    """Three digits that mean something, and all digits of whole thousands."""
    if value is None:
        return NONE
    size = abs(value)
    if size >= 100 or size == int(size):
        text = f"{size:,.0f}"
    elif size < 0.001:
        text = f"{size:.1e}"
    else:
        digits = 2 if size >= 0.1 else 2 - math.floor(math.log10(size))
        text = f"{size:,.{1 if size >= 10 else digits}f}"
    return f"{MINUS if value < 0 else ''}{text}"


def p_value(value: float | None) -> str:
    """Three decimals, and no false zero or one."""
    if value is None:
        return NONE
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value > 0.999 else f"{value:.3f}"


def value_of(value: float | None, unit: str) -> str:
    """One side's value with its unit."""
    if value is None:
        return NONE
    if unit == "share":
        return share(value)
    if unit == "micro_usd":
        return usd(value / 1_000_000)
    return number(value) + UNITS.get(unit, "")


def change_of(value: float | None, metric: Compared) -> str:
    """A change with its sign: percentage points for shares, percent for ratios, else the metric's unit."""
    if value is None:
        return NONE
    sign, text, unit = _signed(value, metric)
    return f"{sign}{text}{unit}"


def interval_of(metric: Compared) -> str:
    """The 95 % interval of the change, its unit said once. One open end is said as such."""
    if metric.low is None and metric.high is None:
        return NONE
    if metric.low is None or metric.high is None:
        bound, end = (metric.high, "at most") if metric.low is None else (metric.low, "at least")
        return f"{end} {change_of(bound, metric)}"
    (low_sign, low, _), (high_sign, high, unit) = _signed(metric.low, metric), _signed(metric.high, metric)
    return f"{low_sign}{low} to {high_sign}{high}{unit}"


def _signed(value: float, metric: Compared) -> tuple[str, str, str]:
    """Sign, size and unit of a change."""
    size = abs(value)
    if metric.scale == "ratio":
        text, unit = f"{size * 100:,.1f}" if size < 10 else f"{size * 100:,.0f}", "%"
    elif metric.unit == "share":
        text, unit = f"{size * 100:.1f}", " pp"
    elif metric.unit == "micro_usd":
        text, unit = value_of(size, metric.unit), ""
    else:
        text, unit = number(size), UNITS.get(metric.unit, "")
    if not text.strip("0.,$"):
        return "", text, unit
    return ("+" if value > 0 else MINUS), text, unit


def margin_of(name: str, report: ComparisonReport) -> float | None:
    """How much worse a metric may be; None: it has no margin."""
    margins: dict[str, float] = report.margins.model_dump()
    return margins.get(name)


def side_name(side: ComparedSide) -> str:
    """How one side is called: the version's number where it has one, else what was asked for."""
    asked = shown(side.ref)
    if side.number is not None:
        return f"version {side.number}" + (" (stable)" if asked == "stable" else "")
    if asked == "config":
        return f"configuration {short_hash(side)}"
    return asked or NONE


def short_hash(side: ComparedSide) -> str:
    """Enough of the configuration's hash to tell it from others."""
    return side.config_hash.rpartition(":")[2][:12]


def date(report: ComparisonReport) -> str:
    """When it was made."""
    return report.generated_at.strftime("%Y-%m-%d %H:%M %Z").strip()


def confidence(report: ComparisonReport) -> str:
    """The confidence with what it means."""
    if report.confidence <= 0.5:
        return "Confidence 50%: nothing was decided." if report.confidence == 0.5 else f"Confidence {_sure(report)}."
    return f"Confidence {_sure(report)}: 1 less the chance to be wrong by the test that decided."


def _sure(report: ComparisonReport) -> str:
    """Never 100 %: no test is sure."""
    return "over 99.9%" if report.confidence > 0.999 else f"{report.confidence:.1%}"


def more_samples(report: ComparisonReport) -> str | None:
    """What further samples would show; None where nothing is known of that."""
    power = report.power
    parts: list[str] = []
    if power.more_samples is not None:
        more = counted(power.more_samples, "more sample")
        parts.append(f"About {more} would decide it four times of five, if things are as they look.")
    if power.minimum_detectable is not None:
        found = f"{power.minimum_detectable * 100:.1f} pp"
        parts.append(
            f"With these samples a difference in accuracy of {found} is found four times of five"
            + (f" ({share(power.discordant)} of pairs differ)." if power.discordant is not None else ".")
        )
    return " ".join(parts) or None


def roi_of(report: ComparisonReport) -> str:
    """The return on investment as a sentence."""
    economy = report.economy
    more, cost = economy.more_found, economy.cost_increase_usd
    noun = "known issue" if abs(more) == 1 else "known issues"
    found = f"{abs(more):,} {'more' if more > 0 else 'fewer'} {noun}" if more else f"as many {noun}"
    spent = f"{usd(abs(cost))} {'more' if cost > 0 else 'less'}" if cost else "the same"
    gained = economy.value_gained_usd
    worth = f"that is a {'loss' if gained < 0 else 'gain'} of {usd(abs(gained))}" if gained else "that is no gain"
    told = (
        f"v2 finds {found} and costs {spent} over these samples; at {usd(economy.value_per_finding_usd)} each {worth}."
    )
    if economy.roi is not None:
        return f"{told} Return on investment: {number(economy.roi * 100)}%."
    return f"{told} Return on investment: none to state" + (", since v2 costs no more." if cost <= 0 else ".")


def overlap_of(report: ComparisonReport) -> str | None:
    """What the findings have in common, as a sentence; None: neither side found anything."""
    overlap = report.overlap
    if not overlap.both + overlap.only_v1 + overlap.only_v2:
        return None
    told = f"{counted(overlap.both, 'finding')} by both, {overlap.only_v1:,} only by v1, {overlap.only_v2:,} only by v2"
    known = (
        ("v2's findings that v1 has", share(overlap.precision) if overlap.precision is not None else None),
        ("v1's that v2 has", share(overlap.recall) if overlap.recall is not None else None),
        ("F1", f"{overlap.f1:.2f}" if overlap.f1 is not None else None),
        ("kappa of right and wrong", f"{overlap.kappa:.2f}".replace("-", MINUS) if overlap.kappa is not None else None),
    )
    extra = ", ".join(f"{name} {value}" for name, value in known if value is not None)
    return f"{told}{f' ({extra})' if extra else ''}."
