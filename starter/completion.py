"""What a shell offers after a Tab: fixed words, and names and ids of a service that answers at once."""

from collections.abc import Callable

Completer = Callable[[str], list[tuple[str, str]]]
"""From what is typed so far to values that continue it, each with a word about it."""

EXPERTS = ("security", "quality", "performance", "dependency", "test", "documentation", "meta")
FORMATS = ("table", "json", "sarif", "markdown", "html")
MODES = ("pipeline", "parallel", "backtrack")
PROFILES = ("interactive", "batch", "quality")
SEVERITIES = ("critical", "high", "medium", "low")
STRATEGIES = ("complexity", "health", "cost", "latency", "success-rate")
KINDS = ("openai", "anthropic", "huggingface", "vllm", "tgi", "compatible")
PROTOCOLS = ("openai-responses", "openai-chat", "anthropic-messages")
TIERS = ("cheap", "balanced", "powerful")
SPLITS = ("dev", "test")
POLICIES = ("default", "strict")
VERDICTS = ("pass", "fail", "manual_review")
"""Repeated here, for the models that know them are slow to import; a test compares."""


def words(*values: str) -> Completer:
    """One of these."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return [(value, "") for value in values if value.startswith(incomplete)]

    return complete


def listed(*values: str) -> Completer:
    """Some of these, separated by commas."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        before, comma, last = incomplete.rpartition(",")
        taken = before.split(",")
        return [(f"{before}{comma}{value}", "") for value in values if value.startswith(last) and value not in taken]

    return complete


def named(*kinds: str) -> Completer:
    """Names or ids of things of these kinds, if the service is there already and answers at once."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        from starter.commands.completing import of_service

        return [found for kind in kinds for found in of_service(kind) if found[0].startswith(incomplete)]

    return complete
