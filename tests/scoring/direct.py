"""Analysers started by hand, for measuring rules before and beside the panel."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from models.expert import ExpertFinding, ExpertName, Severity

RULES = Path(__file__).parents[2] / "activities" / "experts" / "rules"
BIN = Path(sys.executable).parent
RUFF_SELECT = "S,B,PERF,F,PLE,PLW,SIM115,ASYNC,E7,C4,C90,D"


def _json(argv: list[str], tree: Path) -> Any:
    done = subprocess.run(argv, cwd=tree, capture_output=True, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"{argv[0]} said nothing: {done.stderr.decode()[:800]}")
    return json.loads(done.stdout)


def ast_grep(tree: Path) -> list[ExpertFinding]:
    """Our own rules."""
    rows = _json([str(BIN / "ast-grep"), "scan", "-c", os.environ.get("SGCONFIG", str(RULES / "sgconfig.yml")), "--json", "--include-metadata", "."], tree)
    return [
        ExpertFinding(
            expert=ExpertName(row["metadata"]["expert"]),
            tool="ast-grep",
            rule=row["ruleId"],
            kind=row["metadata"]["kind"],
            cwe=row["metadata"]["cwe"],
            severity=Severity(row["metadata"]["severity"]),
            confidence=row["metadata"]["confidence"],
            path=row["file"].removeprefix("./"),
            line_start=row["range"]["start"]["line"] + 1,
            line_end=row["range"]["end"]["line"] + 1,
            message=row["message"][:500],
        )
        for row in rows
    ]


def bandit(tree: Path) -> list[ExpertFinding]:
    """Bandit with its defaults."""
    rows = _json([sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", "."], tree)
    return [
        ExpertFinding(
            expert=ExpertName.SECURITY,
            tool="bandit",
            rule=row["test_id"],
            kind=row["test_name"].replace("_", "-"),
            cwe=f"CWE-{row['issue_cwe']['id']}" if row.get("issue_cwe") else None,
            severity=Severity(row["issue_severity"].lower()),
            confidence={"LOW": 0.3, "MEDIUM": 0.5, "HIGH": 0.7}[row["issue_confidence"]],
            path=row["filename"].removeprefix("./"),
            line_start=row["line_number"],
            line_end=max(row["line_number"], row["line_range"][-1] if row["line_range"] else 0),
            message=row["issue_text"][:500],
        )
        for row in rows["results"]
    ]


def ruff(tree: Path) -> list[ExpertFinding]:
    """Ruff with a broad selection, for the quality sets."""
    argv = [str(BIN / "ruff"), "check", "--isolated", "--output-format=json", "--target-version=py314"]
    rows = _json([*argv, f"--select={RUFF_SELECT}", "."], tree)
    return [
        ExpertFinding(
            expert=ExpertName.SECURITY if row["code"].startswith("S") else ExpertName.QUALITY,
            tool="ruff",
            rule=row["code"],
            kind=(row.get("name") or row["code"]).lower(),
            cwe=None,
            severity=Severity.MEDIUM,
            confidence=0.5,
            path=Path(row["filename"]).relative_to(tree).as_posix(),
            line_start=row["location"]["row"],
            line_end=max(row["location"]["row"], row["end_location"]["row"]),
            message=row["message"][:500] or "-",
        )
        for row in rows
        if row["code"] != "invalid-syntax"
    ]


TOOLS = {"ast-grep": ast_grep, "bandit": bandit, "ruff": ruff}
