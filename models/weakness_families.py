"""Which CWE numbers name the same weakness when scoring, and which finding kinds answer which lint rule.

Two tools rarely choose the same node of the CWE tree for one weakness. A finding matches a sample when its CWE is the
one the sample was checked for, or stands beside it in the table below: a parent, child, close sibling or retired alias
in the CWE research view (view 1000). Families are kept small on purpose: a wide one would count unrelated findings.
"""

FAMILIES: dict[str, frozenset[str]] = {
    scope: frozenset(members.split())
    for scope, members in {
        "CWE-20": "CWE-625 CWE-1286 CWE-1287 CWE-1289",
        "CWE-22": "CWE-23 CWE-36 CWE-73",
        "CWE-74": "CWE-77 CWE-78 CWE-88 CWE-94 CWE-95 CWE-1336",
        "CWE-77": "CWE-74 CWE-78 CWE-88",
        "CWE-78": "CWE-77 CWE-88",
        "CWE-79": "CWE-80 CWE-116",
        "CWE-89": "CWE-564 CWE-943",
        "CWE-94": "CWE-95 CWE-96 CWE-1336",
        "CWE-95": "CWE-94",
        "CWE-113": "CWE-93",
        "CWE-119": "CWE-120 CWE-121 CWE-122 CWE-125 CWE-787",
        "CWE-120": "CWE-119 CWE-121 CWE-122 CWE-787 CWE-242",
        "CWE-121": "CWE-119 CWE-120 CWE-787",
        "CWE-122": "CWE-119 CWE-120 CWE-787",
        "CWE-125": "CWE-119 CWE-126 CWE-127",
        "CWE-190": "CWE-191 CWE-680",
        "CWE-200": "CWE-209 CWE-497 CWE-605 CWE-668 CWE-1327",
        "CWE-208": "CWE-203 CWE-385",
        "CWE-209": "CWE-200 CWE-497",
        "CWE-252": "CWE-253 CWE-754",
        "CWE-259": "CWE-321 CWE-798",
        "CWE-285": "CWE-862 CWE-863",
        "CWE-287": "CWE-306 CWE-1390 CWE-1391",
        "CWE-295": "CWE-297 CWE-322",
        "CWE-312": "CWE-313 CWE-315 CWE-532",
        "CWE-319": "CWE-311 CWE-523",
        "CWE-326": "CWE-1240",
        "CWE-327": "CWE-328 CWE-757 CWE-916 CWE-1240",
        "CWE-328": "CWE-327 CWE-916",
        "CWE-330": "CWE-331 CWE-335 CWE-338",
        "CWE-338": "CWE-330 CWE-331 CWE-335",
        "CWE-348": "CWE-290 CWE-807",
        "CWE-352": "CWE-1275",
        "CWE-377": "CWE-378 CWE-379",
        "CWE-390": "CWE-391 CWE-396 CWE-703 CWE-755",
        "CWE-396": "CWE-390 CWE-703 CWE-755",
        "CWE-400": "CWE-730 CWE-770 CWE-1088 CWE-1333",
        "CWE-401": "CWE-404 CWE-772",
        "CWE-409": "CWE-400 CWE-776",
        "CWE-415": "CWE-416 CWE-825",
        "CWE-416": "CWE-415 CWE-825",
        "CWE-477": "CWE-676",
        "CWE-502": "CWE-915",
        "CWE-522": "CWE-523 CWE-319",
        "CWE-532": "CWE-312 CWE-200",
        "CWE-561": "CWE-570 CWE-571",
        "CWE-600": "CWE-209 CWE-248",
        "CWE-601": "",
        "CWE-611": "CWE-827",
        "CWE-614": "CWE-1004 CWE-311",
        "CWE-643": "CWE-91",
        "CWE-676": "CWE-242 CWE-477",
        "CWE-703": "CWE-390 CWE-391 CWE-754 CWE-755",
        "CWE-730": "CWE-400 CWE-1333",
        "CWE-732": "CWE-276",
        "CWE-770": "CWE-400",
        "CWE-772": "CWE-404 CWE-401 CWE-775",
        "CWE-776": "CWE-409",
        "CWE-787": "CWE-119 CWE-120 CWE-121 CWE-122",
        "CWE-798": "CWE-259 CWE-321",
        "CWE-916": "CWE-327 CWE-328",
        "CWE-915": "CWE-1321",
        "CWE-918": "CWE-441",
        "CWE-942": "CWE-346 CWE-183",
        "CWE-1004": "CWE-614",
        "CWE-1333": "CWE-730 CWE-400",
    }.items()
}
"""CWE a sample was checked for -> other numbers that count as the same weakness."""

KIND_RULES: dict[str, frozenset[str]] = {
    kind: frozenset(rules.split())
    for kind, rules in {
        "mutable-default-argument": "B006 B008 B039 PLW1508 RUF012 py/modification-of-default-value",
        "late-binding-closure": "B023 py/loop-variable-capture",
        "identity-with-literal": "F632 py/comparison-using-is py/comparison-using-is-non-portable",
        "swallowed-exception": "E722 BLE001 SIM105 S110 S112 py/empty-except py/catch-base-exception EmptyCatchBlock",
        "unreachable-code": "py/unreachable-statement py/unreachable-except PLW0101",
        "self-comparison": "PLR0124 B015 py/comparison-of-identical-expressions",
        "assert-on-tuple": "F631 py/asserts-tuple",
        "array-cast": "ClassCastExceptionWithToArray",
        "boxed-comparison": "CompareObjectsWithEquals",
        "boxing-constructor": "PrimitiveWrapperInstantiation BigIntegerInstantiation StringInstantiation",
        "broken-null-check": "BrokenNullCheck",
        "catch-null-pointer": "AvoidCatchingNPE",
        "constant-condition": "UnconditionalIfStatement",
        "decimal-from-double": "AvoidDecimalLiteralsInBigDecimalConstructor",
        "double-checked-locking": "DoubleCheckedLocking NonThreadSafeSingleton",
        "equals-without-hash-code": "OverrideBothEqualsAndHashcode OverrideBothEqualsAndHashCodeOnComparable",
        "explicit-gc": "DoNotCallGarbageCollectionExplicitly",
        "exposed-array": "MethodReturnsInternalArray",
        "finalizer": "AvoidCallingFinalize",
        "inefficient-empty-check": "InefficientEmptyStringCheck UseCollectionIsEmpty",
        "invariant-in-loop": "AvoidInstantiatingObjectsInLoops",
        "jump-in-finally": "ReturnFromFinallyBlock DoNotThrowExceptionInFinally",
        "loop-runs-once": "AvoidBranchingStatementAsLastInLoop",
        "lost-exception-cause": "PreserveStackTrace",
        "manual-array-copy": "AvoidArrayLoops",
        "misplaced-null-check": "MisplacedNullCheck",
        "needless-conversion": "AddEmptyString StringToString",
        "notify-one": "UseNotifyAllInsteadOfNotify",
        "null-collection": "ReturnEmptyCollectionRatherThanNull",
        "octal-escape": "SuspiciousOctalEscape",
        "process-exit": "DoNotTerminateVM",
        "raw-exception": "AvoidThrowingRawExceptionTypes AvoidThrowingNullPointerException",
        "shared-date-format": "UnsynchronizedStaticFormatter",
        "single-character-text": "UseIndexOfChar AppendCharacterWithChar",
        "string-append": "UseStringBufferForStringAppends",
        "string-append-in-loop": "UseStringBufferForStringAppends",
        "string-comparison": "UseEqualsToCompareStrings",
        "suspicious-override": "SuspiciousEqualsMethodName SuspiciousHashcodeMethodName",
        "switch-fallthrough": "ImplicitSwitchFallThrough",
        "test-without-assertion": "UnitTestShouldIncludeAssert",
        "thread-run": "DontCallThreadRun",
        "unchecked-result": "CheckResultSet CheckSkipResult",
        "unsafe-singleton": "NonThreadSafeSingleton",
        "unused-result": "UselessPureMethodCall UselessOperationOnImmutable",
        "wrong-loop-counter": "JumbledIncrementer",
        "mutation-while-iterating": "B909 PLE4703",
        "resource-leak": "SIM115 py/file-not-closed CloseResource UseTryWithResources",
        "missing-docs": "D100 D101 D102 D103 D104 D105 D106 D107 D419 py/missing-docstring",
        "stale-docs": "D417",
        "unused-import": "F401 py/unused-import",
        "unused-variable": "F841 B007 py/unused-local-variable py/unused-loop-variable",
        "complex-function": "C901 PLR0911 PLR0912 PLR0915 PLR1702",
        "many-parameters": "PLR0913 PLR0917",
        "missing-timeout": "S113",
        "append-in-loop": "PERF401 PERF402 PERF403",
        "blocking-call-in-async": "ASYNC210 ASYNC212 ASYNC220 ASYNC221 ASYNC222 ASYNC230 ASYNC240 ASYNC251",
    }.items()
}
"""Our finding kind -> upstream lint rules that look for the same defect."""


def cwe_matches(found: str | None, scope: str) -> bool:
    """Whether a finding's CWE names the weakness that a sample was checked for."""
    return found is not None and (found == scope or found in FAMILIES.get(scope, frozenset()))


def rule_matches(rule: str, kind: str, scope: str) -> bool:
    """Whether a finding answers an upstream lint rule: the rule itself, a kind of the same name, or by the table."""
    slug = scope.rsplit("/", 1)[-1].rsplit("::", 1)[-1].replace("_", "-").lower()
    return rule == scope or kind == slug or scope in KIND_RULES.get(kind, frozenset())
