"""From what models call an issue to the panel's word for it, so that they agree with the analysers where they do."""

import re

from models.kinds import CWES_OF_KIND, KIND_OF_CWE

_MAIN_CWE = {
    "command-injection": "78",
    "header-injection": "113",
    "buffer-overflow": "120",
    "information-exposure": "200",
    "error-message-exposure": "209",
    "debug-enabled": "489",
    "hardcoded-secret": "798",
    "weak-password-storage": "916",
    "insecure-permissions": "732",
    "missing-auth": "862",
    "tls-verification-disabled": "295",
    "cleartext-storage": "312",
    "weak-cryptography": "327",
    "static-nonce": "329",
    "signature-validation": "347",
    "resource-leak": "772",
    "uninitialized-use": "457",
    "cors": "942",
    "ssrf": "918",
    "redos": "1333",
    "out-of-bounds-read": "125",
    "swallowed-exception": "390",
}
"""The usual number where it is not the first of the list above."""

_KINDS_OF_QUALITY = """
    assignment-in-condition blocking-call commented-out-code complex-function constant-condition duplicate-key
    endless-loop endless-recursion float-equality identical-branches ignored-return-value iterator-invalidation
    jump-in-finally late-binding-closure lock-not-released long-function lost-exception-cause lost-task many-parameters
    missing-await mutable-default-argument mutation-while-iterating nan-comparison operator-precedence
    reachable-assertion redefinition reference-comparison self-assignment self-comparison side-effect-in-assert
    switch-fallthrough type-confusion undefined-name unreachable-code unused-import unused-result unused-variable
    use-after-move wrong-argument wrong-return-check
"""
_KINDS_OF_PERFORMANCE = """
    append-in-loop await-in-loop blocking-call-in-async cache-keeps-instance chatty-call constant-work-in-loop
    hot-function invariant-in-loop list-search-in-loop n-plus-one needless-copy quadratic-concatenation quadratic-loop
    query-in-loop string-append-in-loop unbounded-allocation
"""
_OTHER_KINDS = """
    hub-module import-cycle layering-violation misplaced-dependency undeclared-dependency unused-dependency
    test-without-assertion uncovered-code untested-change untested-code missing-docs stale-docs
    missing-timeout suppression-comment
"""
KNOWN_KINDS = frozenset(CWES_OF_KIND) | frozenset((_KINDS_OF_QUALITY + _KINDS_OF_PERFORMANCE + _OTHER_KINDS).split())
"""Kinds that the analysers report."""

_NAMES_OF_KIND = {
    "path-traversal": "directory-traversal zip-slip archive-traversal file-inclusion local-file-inclusion lfi"
    " arbitrary-file-read arbitrary-file-write arbitrary-file-access unsafe-path",
    "command-injection": "os-command-injection shell-injection argument-injection command-execution rce"
    " remote-code-execution unsafe-subprocess",
    "xss": "cross-site-scripting reflected-xss stored-xss dom-xss html-injection incomplete-sanitization"
    " unescaped-output",
    "sql-injection": "sqli sql",
    "nosql-injection": "mongodb-injection",
    "code-injection": "eval-injection eval arbitrary-code-execution unsafe-eval dynamic-code-execution",
    "template-injection": "ssti server-side-template-injection",
    "header-injection": "crlf-injection http-response-splitting email-header-injection",
    "log-injection": "log-forging",
    "insecure-deserialization": "deserialization unsafe-deserialization unsafe-deserialisation insecure-deserialisation"
    " pickle unsafe-pickle untrusted-deserialization",
    "hardcoded-secret": "hardcoded-credentials hardcoded-credential hardcoded-password hardcoded-key hardcoded-api-key"
    " hardcoded-token hard-coded-credentials hard-coded-secret hard-coded-password secret exposed-secret secret-in-code"
    " credentials-in-code embedded-secret leaked-secret hardcoded-secrets",
    "weak-cryptography": "weak-crypto weak-hash weak-cipher weak-cipher-mode weak-key weak-tls weak-protocol"
    " insecure-hash broken-crypto insecure-cryptography weak-encryption weak-hashing-algorithm"
    " insecure-crypto md5 sha1",
    "weak-password-storage": "weak-password-hash weak-password-hashing plaintext-password insecure-password-storage",
    "static-nonce": "static-iv constant-iv hardcoded-iv nonce-reuse iv-reuse",
    "weak-random": "insecure-random insecure-randomness weak-randomness predictable-random predictable-token",
    "tls-verification-disabled": "certificate-not-checked certificate-validation-disabled ssl-verification-disabled"
    " disabled-certificate-validation improper-certificate-validation host-key-not-checked insecure-tls",
    "cleartext-transmission": "insecure-transport unencrypted-transmission plaintext-transmission"
    " http-instead-of-https",
    "cleartext-storage": "plaintext-storage unencrypted-storage",
    "sensitive-log": "sensitive-data-logged cleartext-logging sensitive-data-in-logs secret-in-logs logging-secrets"
    " sensitive-logging",
    "information-exposure": "information-disclosure sensitive-data-exposure data-exposure information-leak data-leak",
    "error-message-exposure": "stack-trace-exposure error-disclosure verbose-errors verbose-error",
    "debug-enabled": "debug-mode debug-code debug-mode-enabled",
    "missing-auth": "missing-authentication missing-authorization missing-authorisation broken-access-control idor"
    " authorization-bypass broken-authorization broken-authentication insecure-direct-object-reference"
    " improper-access-control access-control privilege-escalation missing-access-control bola",
    "csrf": "csrf-disabled cross-site-request-forgery missing-csrf-protection",
    "cors": "cors-any-origin cors-misconfiguration missing-origin-check permissive-cors",
    "ssrf": "server-side-request-forgery unsafe-uri",
    "open-redirect": "unvalidated-redirect url-redirect",
    "signature-validation": "jwt-not-verified signature-not-verified missing-signature-verification"
    " jwt-verification-disabled",
    "timing-attack": "timing-side-channel non-constant-time-comparison insecure-comparison",
    "insecure-cookie": "cookie-without-flags missing-cookie-flags insecure-session-cookie",
    "insecure-temporary-file": "insecure-temp-file hardcoded-temp-path predictable-temp-file",
    "insecure-permissions": "loose-permissions file-permissions world-writable world-readable excessive-permissions",
    "unrestricted-upload": "file-upload unrestricted-file-upload unsafe-file-upload",
    "resource-exhaustion": "denial-of-service dos unbounded-input missing-rate-limit missing-rate-limiting"
    " uncontrolled-resource-consumption unbounded-resource",
    "redos": "regex-dos catastrophic-backtracking regular-expression-denial-of-service regex-injection",
    "race-condition": "toctou file-race data-race time-of-check-time-of-use concurrency-bug thread-safety"
    " missing-lock non-atomic-update unsynchronized-access",
    "resource-leak": "file-handle-leak connection-leak unclosed-file unclosed-resource handle-leak missing-close"
    " descriptor-leak",
    "memory-leak": "leak",
    "use-after-free": "dangling-pointer uaf",
    "null-dereference": "null-pointer null-pointer-dereference none-dereference missing-null-check null-check"
    " unchecked-null none-check possible-none null-reference",
    "off-by-one": "off-by-one-error fencepost-error boundary-error",
    "integer-overflow": "integer-underflow arithmetic-overflow",
    "divide-by-zero": "division-by-zero zero-division",
    "out-of-bounds-read": "out-of-bounds-access index-out-of-bounds buffer-over-read out-of-bounds",
    "buffer-overflow": "stack-overflow heap-overflow buffer-overrun out-of-bounds-write",
    "uninitialized-use": "uninitialized-variable uninitialised-variable uninitialized-memory",
    "infinite-loop": "non-terminating-loop",
    "mass-assignment": "over-posting",
    "type-confusion": "type-error type-mismatch",
    "swallowed-exception": "broad-except bare-except broad-exception empty-catch silent-failure ignored-exception"
    " swallowed-error exception-swallowing overly-broad-exception silent-exception ignored-error",
    "unchecked-return": "unchecked-error unchecked-return-value missing-error-check",
    "ignored-return-value": "ignored-result",
    "mutable-default-argument": "mutable-default mutable-default-arg",
    "complex-function": "high-complexity complexity cyclomatic-complexity cognitive-complexity deep-nesting",
    "long-function": "long-method function-too-long large-function",
    "many-parameters": "too-many-parameters too-many-arguments long-parameter-list",
    "unreachable-code": "dead-code",
    "unused-variable": "unused-parameter unused-argument",
    "constant-condition": "always-true-condition always-false-condition tautology",
    "missing-await": "coroutine-not-awaited unawaited-coroutine unawaited-promise floating-promise",
    "n-plus-one": "n-plus-1 n-1-query n-1-queries n-1 n-plus-one-query n-plus-one-queries",
    "query-in-loop": "database-query-in-loop",
    "quadratic-loop": "nested-loop quadratic-complexity quadratic-algorithm nested-loops inefficient-algorithm"
    " quadratic-time",
    "list-search-in-loop": "linear-search-in-loop membership-test-in-loop",
    "string-append-in-loop": "string-concatenation-in-loop string-concat-in-loop text-grown-in-loop string-append",
    "blocking-call-in-async": "blocking-io-in-async sync-call-in-async blocking-io",
    "invariant-in-loop": "loop-invariant repeated-computation redundant-computation",
    "import-cycle": "circular-import circular-dependency cyclic-import cyclic-dependency",
    "layering-violation": "layer-violation architecture-violation",
    "hub-module": "god-module high-coupling",
    "undeclared-dependency": "missing-dependency",
    "untested-code": "missing-test missing-tests no-tests untested-function untested",
    "uncovered-code": "coverage-gap missing-coverage low-coverage",
    "missing-docs": "missing-docstring missing-documentation undocumented undocumented-public undocumented-function"
    " undocumented-parameter undocumented-exception",
    "stale-docs": "outdated-docs outdated-documentation stale-comment incorrect-docs misleading-comment docs-mismatch"
    " incorrect-documentation outdated-comment stale-documentation wrong-docs misleading-docs",
    "deceptive-text": "bidirectional-text trojan-source homoglyph hidden-text",
}
_KIND_OF_NAME = {name: kind for kind, names in _NAMES_OF_KIND.items() for name in names.split()}
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_NUMBER = re.compile(r"(?:CWE)?[-_: ]{0,2}0{0,4}([1-9][0-9]{0,4})(?![0-9])", re.IGNORECASE)
MAX_KIND = 60
"""Characters of a kind that a model made up."""


def kind_of_type(said: str, cwe: str | None) -> str:
    """The word for what a model calls an issue: a kind of the panel where one is meant, else its own words as a slug.

    Args:
        said: the model's word or words, in any spelling: `SQL Injection`, `os_command_injection`.
        cwe: its CWE number, which decides where its word is none of the panel's.

    Returns:
        lower case letters, digits and dashes; `other` where the model said nothing.
    """
    name = _SEPARATORS.sub("-", said[:200].lower()).strip("-")
    known = _KIND_OF_NAME.get(name, name)
    if known in KNOWN_KINDS:
        return known
    return KIND_OF_CWE.get(cwe or "", known[:MAX_KIND].strip("-") or "other")


def cwe_of(said: str | None) -> str | None:
    """A CWE number however it is written (`CWE-089`, `cwe 89: SQL Injection`, `89`), in its usual form; else None."""
    found = _NUMBER.match((said or "").strip())
    return f"CWE-{found[1]}" if found else None


def usual_cwe(kind: str) -> str | None:
    """The CWE number that a kind usually has; None for kinds that are no weakness."""
    number = _MAIN_CWE.get(kind) or CWES_OF_KIND.get(kind, "").split(" ")[0]
    return f"CWE-{number}" if number else None
