"""What the tools' own rules stand for: kind, weakness, severity, and how far each is to be trusted."""

from typing import NamedTuple

from models.expert import Severity
from models.kinds import kind_of


class Rating(NamedTuple):
    """What a tool's rule stands for."""

    kind: str
    cwe: str
    severity: Severity
    confidence: float
    recommendation: str


C, H, M, L = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW

_BANDIT_RATINGS: dict[str, tuple[str, Severity, float]] = {
    # Number of the check: bandit calls it B102, ruff S102, and means the same.
    # Left out, since they say nothing of a weakness by themselves: 101 assert, 110 and 112 except-pass (quality has
    # them), 403-415 imports, 603 and 606 subprocess without shell, 607 partial path, 703 the same as 308.
    "102": ("CWE-94", H, 0.5),
    "103": ("CWE-732", M, 0.7),
    "104": ("CWE-605", M, 0.6),
    "105": ("CWE-798", M, 0.35),
    "106": ("CWE-798", M, 0.4),
    "107": ("CWE-798", M, 0.4),
    "108": ("CWE-377", M, 0.4),
    "109": ("CWE-489", M, 0.5),
    "113": ("CWE-400", L, 0.6),
    "201": ("CWE-489", H, 0.8),
    "202": ("CWE-22", H, 0.6),
    "301": ("CWE-502", H, 0.6),
    "302": ("CWE-502", H, 0.6),
    "303": ("CWE-327", M, 0.55),
    "304": ("CWE-327", H, 0.8),
    "305": ("CWE-327", M, 0.8),
    "306": ("CWE-377", M, 0.8),
    "307": ("CWE-94", H, 0.6),
    "308": ("CWE-79", M, 0.4),
    "310": ("CWE-22", L, 0.25),
    "311": ("CWE-330", L, 0.3),
    "312": ("CWE-319", M, 0.6),
    "313": ("CWE-611", M, 0.5),
    "314": ("CWE-611", M, 0.5),
    "315": ("CWE-611", M, 0.5),
    "316": ("CWE-611", M, 0.5),
    "317": ("CWE-611", M, 0.5),
    "318": ("CWE-611", M, 0.5),
    "319": ("CWE-611", M, 0.5),
    "320": ("CWE-611", M, 0.5),
    "321": ("CWE-319", M, 0.6),
    "323": ("CWE-295", M, 0.7),
    "324": ("CWE-327", M, 0.55),
    "401": ("CWE-319", M, 0.5),
    "402": ("CWE-319", M, 0.5),
    "501": ("CWE-295", H, 0.85),
    "502": ("CWE-327", H, 0.8),
    "503": ("CWE-327", M, 0.7),
    "504": ("CWE-327", L, 0.5),
    "505": ("CWE-326", H, 0.8),
    "506": ("CWE-502", H, 0.75),
    "507": ("CWE-295", H, 0.8),
    "508": ("CWE-319", M, 0.7),
    "509": ("CWE-319", M, 0.7),
    "601": ("CWE-78", M, 0.35),
    "602": ("CWE-78", H, 0.55),
    "604": ("CWE-78", M, 0.4),
    "605": ("CWE-78", H, 0.5),
    "608": ("CWE-89", H, 0.45),
    "609": ("CWE-78", M, 0.6),
    "610": ("CWE-89", M, 0.4),
    "612": ("CWE-94", M, 0.5),
    "613": ("CWE-1007", H, 0.85),
    "614": ("CWE-502", M, 0.6),
    "615": ("CWE-502", M, 0.5),
    "701": ("CWE-79", H, 0.7),
    "702": ("CWE-79", M, 0.5),
    "704": ("CWE-79", M, 0.4),
}
_ADVICE: dict[str, str] = {
    "bind-all-interfaces": "Bind to the one address that is needed, the loopback address by default.",
    "tls-verification-disabled": "Leave certificate and host checks on; trust the issuer instead.",
    "cleartext-transmission": "Use the encrypted variant of the protocol.",
    "code-injection": "Do not run text as code; parse data with a data parser such as ast.literal_eval or json.",
    "command-injection": "Pass the command as a list of arguments and without a shell.",
    "debug-enabled": "Switch the debugger off outside development; read the switch from the settings.",
    "hardcoded-secret": "Revoke the secret, take it out of the code, and read the new one at run time.",
    "insecure-permissions": "Give only the owner access unless others need it.",
    "insecure-temporary-file": "Create temporary files with the tempfile module.",
    "path-traversal": "Resolve the path and check that it stays inside the folder it belongs in.",
    "missing-timeout": "Set a timeout.",
    "sql-injection": "Keep the statement constant and hand values over as parameters.",
    "insecure-deserialization": "Use a format that carries data only, such as JSON, or the library's safe loader.",
    "weak-cryptography": "Use a current algorithm: SHA-256 or better, AES-GCM, TLS 1.2 or later, RSA of 3072 bits.",
    "weak-random": "Use the secrets module for anything an attacker must not guess.",
    "xss": "Leave automatic escaping on and pass data to the template as data.",
    "xxe": "Parse XML from outside with defusedxml.",
}
"""What to do, by kind."""
_KIND_OF_BROAD_CWE = {"CWE-400": "missing-timeout"}
"""What bandit means by a number that stands for many things."""


def advice_on(kind: str) -> str:
    """What to do about a kind of security issue; empty where it depends."""
    return _ADVICE.get(kind, "")


def _rating(cwe: str, severity: Severity, confidence: float) -> Rating:
    kind = kind_of(cwe, _KIND_OF_BROAD_CWE.get(cwe, "insecure-call"))
    return Rating(kind, cwe, severity, confidence, advice_on(kind))


BANDIT_RATINGS: dict[str, Rating] = {number: _rating(*rating) for number, rating in _BANDIT_RATINGS.items()}
"""Checks of bandit, and of ruff under the same numbers. One that is not here is not reported."""
