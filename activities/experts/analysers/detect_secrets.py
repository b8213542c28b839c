"""detect-secrets: tokens and passwords in any text file. Never asks a server whether a token works."""

from typing import Any

from activities.experts.analyser import Analysis, Sandbox
from activities.experts.analysers.common import Hit, Part, analysis, chunks, in_chunks, rule_name
from activities.experts.analysers.python_tool import PYTHON_CHUNK_BYTES, run_child, with_hits
from activities.experts.kinds import advice_on
from activities.ports import SourceTree
from models.expert import ExpertName, Severity

KIND = "hardcoded-secret"
CONFIDENCE = {
    "Secret Keyword": 0.4,
    "Basic Auth Credentials": 0.5,
    "JSON Web Token": 0.6,
    "Twilio API Key": 0.4,
    "Mailchimp Access Key": 0.6,
    "Telegram Bot Token": 0.6,
    "Discord Bot Token": 0.6,
}
FIXED_FORMAT = 0.85
"""Of tokens with a prefix of their own, which hardly anything else has."""


class SecretsAnalyser:
    """detect-secrets in the hands of the security expert."""

    name = "detect-secrets"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file, whatever its language."""
        return tuple(file.path for file in tree.manifest.files)

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Look for secrets in all files."""
        paths = self.wants(tree)

        async def call(group: tuple[str, ...]) -> Part:
            rows, part = await run_child(self.name, "detect_secrets", tree.root, sandbox, group)
            return with_hits(part, [to_hit(path, row) for path, row in rows])

        work = in_chunks(tree, chunks(tree, paths, PYTHON_CHUNK_BYTES), call)
        return await analysis(tree, ExpertName.SECURITY, self.name, "detect-secrets", paths, await work)


def to_hit(path: str, row: dict[str, Any]) -> Hit:
    """One secret; its text is not repeated in the message."""
    sort = str(row["type"])
    return Hit(
        path,
        row["start"],
        row["end"],
        rule=rule_name(sort.lower()),
        kind=KIND,
        cwe="CWE-798",
        severity=Severity.MEDIUM if sort == "Secret Keyword" else Severity.HIGH,
        confidence=CONFIDENCE.get(sort, FIXED_FORMAT),
        message=f"This line seems to hold a secret: {sort}.",
        recommendation=advice_on(KIND),
    )
