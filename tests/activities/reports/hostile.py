"""Strings that act on a terminal, a build log, Markdown, HTML or a table when an output lets them through."""

from typing import Any

from models.review import ReviewReport
from tests.activities.reports.samples import finding, report, sighting

CORPUS: tuple[str, ...] = (
    "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07", "\x1bP+q544e\x1b\\", "\x9b31mred", "\x9d0;title\x9c", "a\x08\x08b\x7f", "bell\x07\x00nul",
    "over\rwritten", "two\nlines", "para\n\ngraph", "tab\there", "form\x0cfeed\x0bvt", "next\x85line\u2028sep\u2029par",
    "\u202eevil\u202c", "\u2066isolate\u2069", "zero\u200bwidth\u200d\u2060", "\ufeffbom", "soft\u00adhyphen",
    "tag\U000e0041\U000e007f", "\u3164filler", "vs\ufe0f\U000e0100", "![x](https://evil.example/p.png)",
    "[click](javascript:alert(1))", "<https://evil.example>", "https://evil.example/x", "www.evil.example",
    "@everyone see #1 and owner/repo#2", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "</code></td></table><script src=//evil.example/x.js></script>", "\"><svg/onload=alert(1)>", "' onclick='x",
    "<!-- comment -->", "]]><x/>", "&lt;script&gt;&#x3c;", "<details><summary>x</summary>", "| a | b |", "a \\| b | c",
    "| --- | --- |", "```", "``````js\nx\n``````", "~~~", "` `` ``` `", "# heading", "- item\n- item", "1. item",
    "> quote", "---", "===", "    indented", "*a* _b_ ~~c~~ **d**", "::set-output name=x::y", "::add-mask::secret",
    "\n::error file=a::b", "##[error]x", "##vso[task.setvariable variable=PATH]x", "##teamcity[buildStop]",
    "{{ 7 * 7 }}", "{% include '/etc/passwd' %}", "[bold red]x[/bold red]", "[link=https://evil.example]x[/link]",
    ":smile:", "%s %(x)s {0}", "C:\\Windows\\x", "../../etc/passwd", "javascript:alert(1)", "data:text/html,<script>",
    "$(id) `id`", "\\", "\\`", "",
    "e" + "\u0301" * 50, "x" * 600, "\U0001f600\U0001f3fd",
)  # fmt: skip


def hostile_report(text: str) -> ReviewReport:
    """A report with the text in every field that can hold it; renderers do not rely on validation."""
    # What a finding has to have some of, when nothing of the text is left.
    some = text or "x"
    changes: dict[str, Any] = {
        "message": some[:500],
        "recommendation": text[:1000],
        "quote": text[:400],
        "path": some[:400],
        "excerpt": (text[:400], f"  {text}"[:400], text[:400]),
        "excerpt_start": 40,
        "sightings": (sighting(rule=some[:120]),),
    }
    return report(
        label=text[:200],
        source_id=text,
        conclave_version=text,
        findings=(finding(1, **changes), finding(2, **(changes | {"excerpt": ()}))),
        skipped=tuple({"path": some[:400], "reason": "binary"} for _ in range(2)),
    )
