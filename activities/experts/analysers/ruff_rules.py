"""Which of ruff's rules an expert listens to, and what each stands for.

Chosen as a reviewer with little time would: defects and things that will become defects. Nothing about layout, naming,
import order, line length or taste. Confidence is how often a hit of the rule deserved a change in code we have read.
"""

from typing import NamedTuple

from activities.experts.kinds import BANDIT_RATINGS, H, L, M
from models.expert import ExpertName, Severity


class Rated(NamedTuple):
    """A rule in our words."""

    kind: str
    severity: Severity
    confidence: float
    cwe: str | None = None
    recommendation: str = ""


QUALITY: dict[str, Rated] = {
    "C901": Rated("complex-function", M, 0.7, recommendation="Split the function along its branches."),
    "E711": Rated("identity-with-literal", L, 0.6),
    "E722": Rated("swallowed-exception", M, 0.6, "CWE-396", "Name the exceptions that can be dealt with here."),
    "BLE001": Rated("swallowed-exception", L, 0.4, "CWE-396", "Name the exceptions that can be dealt with here."),
    "S110": Rated("swallowed-exception", M, 0.6, "CWE-390", "Deal with the exception, or say why it may be ignored."),
    "S112": Rated("swallowed-exception", M, 0.6, "CWE-390", "Deal with the exception, or say why it may be ignored."),
    "ERA001": Rated("commented-out-code", L, 0.4, recommendation="Delete it; the history keeps it."),
    "F401": Rated("unused-import", L, 0.6),
    "F502": Rated("format-mismatch", H, 0.9),
    "F601": Rated("duplicate-key", M, 0.7),
    "F631": Rated("assert-on-tuple", H, 0.95),
    "F632": Rated("identity-with-literal", M, 0.9),
    "F633": Rated("invalid-print-syntax", H, 0.95),
    "F634": Rated("condition-on-tuple", H, 0.95),
    "F811": Rated("redefinition", M, 0.6),
    "F821": Rated("undefined-name", H, 0.7),
    "F822": Rated("undefined-export", M, 0.8),
    "F823": Rated("undefined-name", H, 0.8),
    "F841": Rated("unused-variable", L, 0.8),
    "F842": Rated("unused-variable", L, 0.8),
    "F901": Rated("raise-not-implemented", M, 0.9),
    "B002": Rated("no-effect-increment", H, 0.95),
    "B003": Rated("environment-replaced", M, 0.8),
    "B004": Rated("unreliable-callable-check", L, 0.7),
    "B005": Rated("strip-of-word", M, 0.8),
    "B006": Rated("mutable-default-argument", M, 0.75, recommendation="Default to None and create the value inside."),
    "B012": Rated("jump-in-finally", H, 0.85),
    "B013": Rated("redundant-exception-tuple", L, 0.7),
    "B014": Rated("duplicate-exception", L, 0.8),
    "B015": Rated("useless-comparison", M, 0.85, recommendation="Assign or assert the comparison, or delete it."),
    "B016": Rated("raise-literal", H, 0.95),
    "B017": Rated("assert-raises-anything", M, 0.7),
    "B018": Rated("useless-expression", L, 0.75),
    "B019": Rated("cache-keeps-instance", M, 0.6, "CWE-401"),
    "B020": Rated("loop-variable-overrides-iterable", H, 0.8),
    "B021": Rated("f-string-docstring", M, 0.9),
    "B022": Rated("useless-suppress", M, 0.9),
    "B023": Rated("late-binding-closure", M, 0.7, recommendation="Bind the loop variable as a default argument."),
    "B025": Rated("duplicate-exception", M, 0.9),
    "B026": Rated("star-after-keyword", L, 0.7),
    "B029": Rated("empty-exception-handler", M, 0.9),
    "B030": Rated("invalid-except-clause", H, 0.9),
    "B031": Rated("reused-group-iterator", M, 0.8),
    "B032": Rated("annotation-instead-of-assignment", M, 0.8),
    "B033": Rated("duplicate-key", L, 0.9),
    "B034": Rated("positional-regex-flags", M, 0.8),
    "B035": Rated("duplicate-key", H, 0.9),
    "B039": Rated("mutable-default-argument", M, 0.8),
    "RUF006": Rated("lost-task", M, 0.75, recommendation="Keep a reference to the task until it is done."),
    "RUF016": Rated("invalid-index", H, 0.9),
    "RUF018": Rated("assignment-in-assert", M, 0.8),
    "RUF034": Rated("useless-condition", M, 0.9),
    "SIM115": Rated("resource-leak", M, 0.6, "CWE-772", "Open it in a with statement."),
    "SIM220": Rated("constant-condition", M, 0.9),
    "SIM221": Rated("constant-condition", M, 0.9),
    "SIM222": Rated("constant-condition", M, 0.85),
    "SIM223": Rated("constant-condition", M, 0.85),
    "TRY203": Rated("useless-exception-handler", L, 0.7),
    "TRY400": Rated("traceback-lost", L, 0.5, recommendation="Log it with logging.exception."),
    "PLE": Rated("runtime-error", H, 0.85),
    "PLE2502": Rated("deceptive-text", H, 0.85, "CWE-1007", "Delete the bidirectional control characters."),
    # Ordinary in a function that is only called from handlers.
    "PLE0704": Rated("bare-raise", L, 0.4, recommendation="Pass the exception and raise that."),
    "PLR0124": Rated("self-comparison", M, 0.85),
    "PLR0133": Rated("constant-condition", M, 0.8),
    "PLR0206": Rated("property-with-parameters", M, 0.9),
    "PLW0120": Rated("useless-else", L, 0.7),
    "PLW0127": Rated("self-assignment", M, 0.85),
    "PLW0128": Rated("redeclared-assignment", M, 0.85),
    "PLW0129": Rated("assert-on-string", H, 0.9),
    "PLW0131": Rated("named-expression-without-context", L, 0.8),
    "PLW0133": Rated("useless-exception-statement", H, 0.95),
    "PLW0177": Rated("nan-comparison", H, 0.95),
    "PLW0245": Rated("super-without-brackets", M, 0.9),
    "PLW0406": Rated("import-self", M, 0.9),
    "PLW0602": Rated("global-never-assigned", L, 0.7),
    "PLW0711": Rated("binary-op-exception", H, 0.95),
    "PLW1501": Rated("bad-open-mode", H, 0.9),
    "PLW1507": Rated("shallow-copy-of-environ", M, 0.8),
    "PLW1508": Rated("invalid-environment-default", M, 0.8),
    "PLW1509": Rated("preexec-function", M, 0.7),
    "PLW2101": Rated("useless-with-lock", H, 0.95),
}
PERFORMANCE: dict[str, Rated] = {
    "PERF101": Rated("useless-list-copy", L, 0.8),
    "PERF102": Rated("unneeded-items-call", L, 0.8),
    "PERF401": Rated("append-in-loop", L, 0.6),
    "PERF402": Rated("append-in-loop", L, 0.7),
    "PERF403": Rated("append-in-loop", L, 0.6),
    "RUF015": Rated("whole-list-for-one-element", L, 0.7),
    "RUF017": Rated("quadratic-concatenation", M, 0.9, recommendation="Use itertools.chain or a comprehension."),
    "C414": Rated("unneeded-copy", L, 0.7),
    "C419": Rated("unneeded-list-in-any-or-all", L, 0.8, recommendation="Pass a generator, which stops early."),
    "B019": Rated("cache-keeps-instance", M, 0.6, "CWE-401"),
    "ASYNC210": Rated("blocking-call-in-async", M, 0.8),
    "ASYNC212": Rated("blocking-call-in-async", M, 0.7),
    "ASYNC220": Rated("blocking-call-in-async", M, 0.7),
    "ASYNC221": Rated("blocking-call-in-async", M, 0.8),
    "ASYNC222": Rated("blocking-call-in-async", M, 0.8),
    "ASYNC230": Rated("blocking-call-in-async", L, 0.6),
    "ASYNC251": Rated("blocking-call-in-async", H, 0.95, recommendation="Await asyncio.sleep instead."),
}
FORMAT_MISMATCHES = tuple(f"F50{digit}" for digit in "123456789") + ("F521", "F522", "F523", "F524", "F525")
DUPLICATE_KEYS = ("F601", "F602")
BANDIT_ONLY = frozenset({"109", "302", "309", "320", "401", "402", "613", "614", "615"})
"""Checks that ruff does not have, or only as a preview."""
SECURITY = tuple(f"S{number}" for number in BANDIT_RATINGS if number not in BANDIT_ONLY)

SELECTIONS: dict[ExpertName, tuple[str, ...]] = {
    ExpertName.SECURITY: SECURITY,
    ExpertName.QUALITY: (*QUALITY, *FORMAT_MISMATCHES, *DUPLICATE_KEYS),
    ExpertName.PERFORMANCE: tuple(PERFORMANCE),
}


def rating(code: str, expert: ExpertName) -> Rated | None:
    """What a rule stands for in the hands of an expert; a middling opinion of a rule that is in no table."""
    if expert is ExpertName.SECURITY:
        known = BANDIT_RATINGS.get(code[1:])
        if known is None:
            return None
        return Rated(known.kind, known.severity, known.confidence, known.cwe, known.recommendation)
    if code in FORMAT_MISMATCHES:
        return QUALITY["F502"]
    if code in DUPLICATE_KEYS:
        return QUALITY["F601"]
    table = PERFORMANCE if expert is ExpertName.PERFORMANCE else QUALITY
    if code in table:
        return table[code]
    return QUALITY["PLE"] if code.startswith("PLE") else Rated(code.lower(), L, 0.5)
