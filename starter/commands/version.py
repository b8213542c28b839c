"""`conclave versions`, `rollback`, `quarantine` and `blacklist`."""

from models.quarantine import Quarantine
from models.version import Version
from starter.commands.asking import ask_promotions, print_json, print_table
from starter.commands.promotion import confirmed, reason_of
from starter.promotion_client import PromotionClient

COLUMNS = ("Number", "Status", "Tier", "Promoted, UTC", "By", "Configuration")
BLACKLIST_COLUMNS = ("Configuration", "Status", "Since, UTC", "By", "Reason", "Released by")
PREFIX = "cfg:v1:sha256:"
SHOWN_DIGITS = 12
"""Of a hash, in a table; `blacklist release` takes as many as name one."""


def list_versions(as_json: bool) -> int:
    """What is in production, and what was."""

    def work(client: PromotionClient) -> None:
        found = list(client.versions())
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "There is no version.")

    return ask_promotions("versions", work)


def roll_back(reason: str, yes: bool, as_json: bool) -> int:
    """Bring the version before the stable one back."""

    def work(client: PromotionClient) -> None:
        given, stable = reason_of(reason), client.version("stable")
        confirmed(f"Version {stable.number} is in production; go back to the one before it?", yes)
        now = client.roll_back(given, stable.id)
        if as_json:
            print_json(now)
        else:
            print(f"Version {now.number} is the stable one again.")

    return ask_promotions("rollback", work)


def quarantine(experiment_id: str, reason: str, as_json: bool) -> int:
    """Put an experiment's configuration on the blacklist."""

    def work(client: PromotionClient) -> None:
        row = client.quarantine(experiment_id, reason_of(reason))
        if as_json:
            print_json(row)
        else:
            print(f"{row.config_hash} is quarantined: it is neither tried nor used until an approver releases it.")

    return ask_promotions("quarantine", work)


def list_blacklist(as_json: bool) -> int:
    """Quarantined configurations, and those that were."""

    def work(client: PromotionClient) -> None:
        found = list(client.blacklist())
        if as_json:
            print_json(found)
        else:
            print_table(BLACKLIST_COLUMNS, map(_blacklisted, found), "No configuration was ever quarantined.")

    return ask_promotions("blacklist", work)


def release(config_hash: str, reason: str, who: str | None, as_json: bool) -> int:
    """Let a configuration be tried and used again."""

    def work(client: PromotionClient) -> None:
        row = client.release(_meant(client, config_hash), reason_of(reason))
        if as_json:
            print_json(row)
        else:
            print(f"{row.config_hash} is released.")

    return ask_promotions("blacklist release", work, who)


def _meant(client: PromotionClient, given: str) -> str:
    """The quarantined configuration whose hash begins so; what names none or several goes to the service as it is."""
    digits = given.removeprefix(PREFIX)
    found = {row.config_hash for row in client.blacklist() if row.config_hash.removeprefix(PREFIX).startswith(digits)}
    return found.pop() if digits and len(found) == 1 else given


def _short(config_hash: str) -> str:
    return config_hash.removeprefix(PREFIX)[:SHOWN_DIGITS]


def _row(each: Version) -> tuple[str, ...]:
    promoted = f"{each.promoted_at:%Y-%m-%d %H:%M}"
    return (str(each.number), each.status, each.tier, promoted, each.promoted_by, _short(each.config_hash))


def _blacklisted(each: Quarantine) -> tuple[str, ...]:
    since = f"{each.quarantined_at:%Y-%m-%d}"
    released = f"{each.reviewed_by}: {each.release_reason}" if each.reviewed_by else ""
    return (_short(each.config_hash), each.review_status, since, each.quarantined_by, each.reason, released)
