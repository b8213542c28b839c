"""What SARIF says about each kind of issue, by the conventions of GitHub code scanning."""

from models.digest import experts_of, title
from models.expert import ExpertName, Severity
from models.review import PanelFinding

LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
SECURITY_SEVERITIES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""Middle of the range that code scanning shows under the same name."""
MAX_TAGS = 20
"""Tags on one rule: code scanning refuses more."""
_PRECISIONS = ((0.9, "very-high"), (0.7, "high"), (0.4, "medium"), (0.0, "low"))


def cwe_uri(cwe: str) -> str:
    """Where MITRE describes a weakness."""
    return f"https://cwe.mitre.org/data/definitions/{cwe.removeprefix('CWE-')}.html"


def is_security(finding: PanelFinding) -> bool:
    """Whether the security expert saw it. A CWE alone does not tell: dead code has one too."""
    return ExpertName.SECURITY in experts_of(finding)


def rule(kind: str, findings: list[PanelFinding]) -> dict[str, object]:
    """The `reportingDescriptor` of one kind.

    Args:
        kind: The kind, which is the rule's stable id.
        findings: All findings of the kind; the worst decides the rule's severity.
    """
    worst = max((finding.severity for finding in findings), key=lambda severity: severity.weight)
    surest = max(finding.confidence for finding in findings)
    cwes = sorted({finding.cwe for finding in findings if finding.cwe}, key=lambda cwe: int(cwe[4:]))
    name = title(kind)
    more = "".join(f" See {cwe_uri(cwe)}" for cwe in cwes)
    properties: dict[str, object] = {
        "precision": next(word for least, word in _PRECISIONS if surest >= least),
        "problem.severity": {"error": "error", "warning": "warning", "note": "recommendation"}[LEVELS[worst]],
        "tags": _tags(findings, cwes),
    }
    if any(is_security(finding) for finding in findings):
        properties["security-severity"] = SECURITY_SEVERITIES[worst]
    descriptor: dict[str, object] = {
        "id": kind,
        "name": "".join(word[:1].upper() + word[1:] for word in name.split()),
        "shortDescription": {"text": name},
        "fullDescription": {"text": f"{name}, as seen by Conclave's panel of experts."},
        "help": {"text": f"{name}.{more}"},
        "defaultConfiguration": {"level": LEVELS[worst]},
        "properties": properties,
    }
    if cwes:
        descriptor["helpUri"] = cwe_uri(cwes[0])
    return descriptor


def _tags(findings: list[PanelFinding], cwes: list[str]) -> list[str]:
    experts = sorted({expert.value for finding in findings for expert in experts_of(finding)})
    return [*experts, *(f"external/cwe/cwe-{int(cwe[4:]):03}" for cwe in cwes)][:MAX_TAGS]
