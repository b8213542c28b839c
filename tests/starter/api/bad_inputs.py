"""Every bad input of the API that is one request: what is sent, and what is said about it.

The rows of a test go by the numbers of the security model's list: A the protocol, B who calls and how often, C the
registry of providers, E approvals and quotas. What takes several steps is a test of its own where its subject is.
Not in here: 26 to 33 are in `test_api.py`; 38 to 45 are about webhooks, which nothing of the API takes.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from tests.starter.api.provider_desk import KEY, body

CANARY = "canary-5d1e-value"
DEEP = b'{"label": ' + b"[" * 100_000 + b"}"
SOURCE = {"label": "shop", "files": [{"path": "a.py", "text": "x = 1\n"}]}


@dataclass(frozen=True)
class Bad:
    """One request that is refused. `{names}` in paths and bodies are filled in by the test."""

    title: str
    method: str
    path: str
    status: int
    code: str
    send: bytes | dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    says: str = ""
    """Part of the message."""
    who: str = "local"

    def __str__(self) -> str:
        return self.title


def source(title: str, status: int, code: str, send: bytes | dict[str, Any], **more: Any) -> Bad:
    return Bad(title, "POST", "/sources", status, code, send, **more)


def review(title: str, **changes: Any) -> Bad:
    return Bad(title, "POST", "/reviews", 422, "invalid_field", {"source_id": "0" * 32} | changes)


def page(title: str, path: str, status: int, code: str, says: str = "") -> Bad:
    return Bad(title, "GET", path, status, code, says=says)


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


LISTS = (
    *("reviews", "experiments", "comparisons", "promotions", "versions", "blacklist", "providers", "quotas"),
    *("user-providers", "alerts", "datasets", "trials", "audit"),
)
CURSORS = (
    "tampered!",
    "AAAA",
    cursor("2026-01-01T00:00:00 " + "a" * 32),
    cursor("0001-01-01T00:00:00+14:00 " + "a" * 32),
    cursor("2026-01-01T00:00:00+00:00 \0"),
    cursor("name ../" + CANARY),
    cursor("number -1"),
)

PROTOCOL = [
    source("1 empty body", 422, "body_required", b""),
    source("2 not JSON", 400, "invalid_json", b'{"label": ' + CANARY.encode(), says="character 10"),
    source("3 an array", 422, "object_required", b"[]"),
    source("3 a number", 422, "object_required", b"1"),
    source("3 a text", 422, "object_required", json.dumps(CANARY).encode()),
    source("4 plain text", 415, "unsupported_media_type", SOURCE, headers={"Content-Type": "text/plain"}),
    source("4 a form", 415, "unsupported_media_type", b"a=b", headers={"Content-Type": "multipart/form-data"}),
    source("5 a length over the cap", 413, "body_too_large", b"{}", headers={"Content-Length": "9" * 12}),
    source("7 gzip", 415, "unsupported_encoding", b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
    source("8 invalid UTF-8", 400, "invalid_utf8", b'{"label": "\xff"}', says="byte 11"),
    source("9 a lone surrogate", 422, "invalid_text", b'{"label": "\\ud800"}'),
    source("9 a lone surrogate as a name", 422, "invalid_text", b'{"\\udfff": 1}'),
    source("10 NUL", 422, "invalid_text", SOURCE | {"label": "a\0b"}),
    source("10 NUL in a file", 422, "invalid_text", SOURCE | {"files": [{"path": "a.py", "text": "\0"}]}),
    source("11 NaN", 422, "invalid_number", b'{"label": NaN}'),
    source("11 Infinity", 422, "invalid_number", b'{"label": -Infinity}'),
    source("11 1e400", 422, "invalid_number", b'{"label": 1e400}'),
    source("12 a 5,000-digit integer", 422, "invalid_number", b'{"label": ' + b"1" * 5000 + b"}"),
    source("13 100,000 brackets", 400, "invalid_json", DEEP),
    source("14 a key twice", 422, "duplicate_key", b'{"label": "a", "label": "b"}'),
    source("14 a key twice further in", 422, "duplicate_key", b'{"files": [{"path": "a", "path": "b"}]}'),
    source("15 an unknown field", 422, "unknown_field", SOURCE | {"surprise": CANARY}, says="`surprise`"),
    source("15 an unknown field that may be a key", 422, "unknown_field", SOURCE | {CANARY: 1}),
    source("15 a missing field", 422, "field_required", {"label": "shop"}, says="`files`"),
    review("16 true for an integer", budget_micro_usd=True),
    review("17 a text for an integer", budget_micro_usd="1"),
    review("17 an integer for a text", source_id=1),
    review("17 a float for an integer", budget_micro_usd=1.5),
    page("18 a day that is none", "/usage?since=2026-02-30", 422, "invalid_field", "since"),
    page("18 a moment for a day", "/usage?until=2026-02-03T00:00:00Z", 422, "invalid_field"),
    review("19 an id that is none", source_id=CANARY),
    *(page(f"20 page_size=0 {each}", f"/{each}?page_size=0", 422, "invalid_field", "ge 1") for each in LISTS),
    page("20 page_size=-1", "/reviews?page_size=-1", 422, "invalid_field", "ge 1"),
    page("20 page_size=10^9", "/reviews?page_size=1000000000", 422, "invalid_field", "le 100"),
    page("20 page_size=a", f"/reviews?page_size={CANARY}", 422, "invalid_field"),
    *(page(f"21 cursor {each}", f"/{each}?cursor=tampered!", 400, "invalid_cursor") for each in LISTS),
    *(page(f"21 cursor {each}", f"/reviews?cursor={each}", 400, "invalid_cursor") for each in CURSORS),
    *(page(f"21 cursor {each}", f"/audit?cursor={each}", 400, "invalid_cursor") for each in CURSORS),
    page("21 a cursor of 5,000 characters", "/reviews?cursor=" + "a" * 5000, 422, "invalid_field", "max_length 300"),
    Bad("22 an unknown route", "GET", f"/{CANARY}", 404, "not_found"),
    Bad("22 an unknown route, posted to", "POST", "/reviewz", 404, "not_found", SOURCE),
    Bad("23 a method that is not taken", "PUT", "/reviews", 405, "method_not_allowed", SOURCE),
    Bad("23 TRACE", "TRACE", "/reviews", 405, "method_not_allowed"),
    Bad("25 a header of 9 KB", "GET", "/reviews", 431, "headers_too_large", headers={"X": "a" * 9_000}),
    Bad("25 200 headers", "GET", "/reviews", 431, "headers_too_large", headers={f"X-{n}": "a" for n in range(200)}),
    Bad("25 an address of 20 KB", "GET", "/healthz?" + "a" * 20_000, 431, "headers_too_large"),
]

POSTS = (
    *("/reviews", "/sources", "/providers", "/providers/gpt-4-turbo/test", "/user-providers", "/trials"),
    *("/alerts/x/acknowledge", "/experiments", "/comparisons", "/versions/rollback", "/audit/checkpoints"),
)


def keyed(path: str, key: str) -> Bad:
    headers = {"Idempotency-Key": key}
    return Bad(f"35 {len(key)} characters {path}", "POST", path, 400, "invalid_idempotency_key", {}, headers)


KEYS = [keyed(path, key) for path in POSTS for key in ("", "x" * 256, "tab\there")]

NOT_ALLOWED = [
    # 56-59: the loopback, the metadata services, private networks, in all their spellings
    *("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "a.localhost", "localhost.", "LOCALHOST"),
    *("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[fe80::1]", "[fc00::1]"),
    *("2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0x7f000001", "017700000001", "①②⑦.0.0.1", "127。0。0。1"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::ffff:0:127.0.0.1]"),
    *("router.local", "db.internal", "intranet", "metadata.google.internal"),
    # 60: every address of a name counts
    *("private.test", "metadata.test", "mapped.test"),
]


def provider(title: str, code: str, **changes: Any) -> Bad:
    return Bad(title, "POST", "/providers", 422, code, body(**changes))


def at(title: str, code: str, endpoint: str) -> Bad:
    return provider(title, code, endpoint=endpoint)


KEYS_THAT_ARE_NONE = {
    "46 empty": "",
    "46 blanks": "  ",
    "46 blank inside": f"sk-{CANARY} x",
    "46 line end inside": f"sk-{CANARY}\nx",
    "46 line end behind": f"sk-{CANARY}\n",
    "47 10 KB": CANARY * 600,
    "48 not ASCII": f"sk-{CANARY}-é",
    "49 a URL": f"https://models.test/?key={CANARY}",
    "49 JSON": f'{{"key": "{CANARY}"}}',
}
A_KEY = {"provider": "{provider}", "key": KEY}
REGISTRY = [
    *(
        Bad(f"{title} {path}", "POST", path, 422, "invalid_key_format", sent | {"key": key})
        for title, key in KEYS_THAT_ARE_NONE.items()
        for path, sent in (("/user-providers", {"provider": "{provider}"}), ("/user-providers/{key}/rotate", {}))
    ),
    Bad("46 NUL", "POST", "/user-providers", 422, "invalid_text", {"provider": "{provider}", "key": f"sk-{CANARY}\0"}),
    Bad("50 a name that is taken", "POST", "/providers", 409, "provider_exists", body(name="{provider}")),
    provider("51 climbing name", "invalid_field", name="../x"),
    provider("51 control in the name", "invalid_field", name="a\nb"),
    provider("51 line end behind the name", "invalid_field", name="ab\n"),
    provider("51 bidi in the name", "invalid_field", name="a\u202eb"),
    provider("51 300 characters of name", "invalid_field", name="a" * 300),
    provider("51 NUL in the name", "invalid_text", name="a\0b"),
    at("52 http", "https_required", "http://models.test/v1"),
    *(at(f"53 {scheme}", "https_required", f"{scheme}models.test") for scheme in ("file://", "gopher://")),
    *(at(f"53 {scheme}", "https_required", f"{scheme}models.test") for scheme in ("ftp://", "data:")),
    at("54 user in the address", "invalid_endpoint", f"https://{CANARY}@models.test/v1"),
    at("54 password in the address", "invalid_endpoint", f"https://a:{CANARY}@models.test"),
    at("55 query", "invalid_endpoint", f"https://models.test/v1?key={CANARY}"),
    at("55 fragment", "invalid_endpoint", f"https://models.test/v1#{CANARY}"),
    *(at(f"56-60 {host}", "address_not_allowed", f"https://{host}/v1") for host in NOT_ALLOWED),
    *(at(f"62 port {n}", "port_not_allowed", f"https://models.test:{n}/v1") for n in (22, 25, 0, 70000)),
    at("64 no such name", "dns_failed", "https://nowhere.test/v1"),
    Bad(
        "65 another address under a key",
        *("PATCH", "/providers/{provider}", 409, "key_reentry_required"),
        {"endpoint": "https://evil.test/v1"},
    ),
    provider("66 unknown type", "invalid_field", kind=CANARY),
    Bad("66 it lists the types", "POST", "/providers", 422, "invalid_field", body(kind="azure"), says="anthropic"),
    provider("67 empty model", "invalid_field", model=""),
    provider("67 500 characters of model", "invalid_field", model="m" * 500),
    provider("67 a model with a line end", "invalid_field", model="m\nx"),
    provider("68 temperature", "unknown_field", temperature=9),
    provider("68 no answer", "invalid_field", max_output_tokens=-1),
    provider("68 an endless answer", "invalid_field", max_output_tokens=10**9),
    provider("68 an answer as long as the context", "invalid_field", context_tokens=1000, max_output_tokens=1000),
    provider("68 quality", "invalid_field", quality=1.5),
    provider("68 timeout", "invalid_field", timeout_seconds=0),
    provider("68 text for a number", "invalid_field", timeout_seconds="60"),
    provider("68 true for a number", "invalid_field", max_concurrency=True),
    provider("68 negative price", "invalid_field", price={"input": -1, "output": 1}),
    provider("68 a price that is none", "invalid_number", price={"input": "NaN", "output": 1}),
    provider("68 half a price", "field_required", price={"input": 1}),
    provider("nowhere", "endpoint_required", endpoint=None),
    at("an address of 5,000 characters", "invalid_field", "https://models.test/" + "a" * 5000),
    Bad("69 in use", "DELETE", "/providers/{provider}", 409, "provider_in_use"),
    *(
        Bad(
            f"a key for {title}", "POST", "/user-providers", status, code, {"provider": "{provider}", "key": KEY} | sent
        )
        for title, sent, status, code in (
            ("another endpoint", {"endpoint": "https://evil.test/v1"}, 409, "endpoint_mismatch"),
            ("this machine", {"endpoint": "http://127.0.0.1"}, 422, "address_not_allowed"),
            ("a base_url", {"base_url": "https://evil.test"}, 422, "unknown_field"),
            ("a smuggled endpoint", {"provider": {"endpoint": "https://evil.test"}}, 422, "invalid_field"),
            ("nobody", {"provider": "no-such"}, 404, "provider_unknown"),
            ("a key as a name", {"provider": f"sk-{CANARY}"}, 404, "provider_unknown"),
            ("an object", {"key": {"value": CANARY}}, 422, "invalid_field"),
            ("nothing", {"key": None}, 422, "invalid_field"),
        )
    ),
]

LIMITS = {"daily_requests": 1, "monthly_requests": 1, "daily_micro_usd": 1, "monthly_micro_usd": 1}
REASON = {"reason": "finds more"}
STALE = f"policy:v1:sha256:{'9' * 64}"


def vote(title: str, status: int, code: str, send: dict[str, Any], who: str = "eve", what: str = "approve") -> Bad:
    return Bad(title, "POST", "/promotions/{promotion}/" + what, status, code, send, who=who)


DECISIONS = [
    vote("91 one's own request", 403, "own_request", {"evidence": "{evidence}"}, who="local"),
    vote("91 one's own experiment", 403, "own_experiment", {"evidence": "{evidence}"}, who="ann"),
    vote("93 evidence that is not what is asked", 409, "evidence_changed", {"evidence": "{stale}"}),
    vote("93 no evidence", 422, "field_required", {"evidence": {}}),
    vote("93 a hash that is none", 422, "invalid_field", {"evidence": "{malformed}"}),
    Bad("94 not measured", "POST", "/experiments/{fresh}/promote", 409, "not_passed", REASON),
    Bad("94 did not pass", "POST", "/experiments/{failed}/promote", 409, "not_passed", REASON),
    Bad("94 asked twice", "POST", "/experiments/{experiment}/promote", 409, "already_asked", REASON),
    vote("96 a reason of 1 MB", 413, "body_too_large", {"reason": "a" * 2**20}, what="reject"),
    vote("96 a reason of 401 characters", 422, "invalid_field", {"reason": "a" * 401}, what="reject"),
    vote("96 controls in a reason", 422, "invalid_field", {"reason": "red \x1b[31m"}, what="reject"),
    vote("96 two lines of reason", 422, "invalid_field", {"reason": "line\nbreak"}, what="reject"),
    vote("96 NUL in a reason", 422, "invalid_text", {"reason": "nul\0nul"}, what="reject"),
    vote("96 no reason", 422, "invalid_field", {"reason": "  a  "}, what="reject"),
    page("98 a range that is turned around", "/usage?since=2026-02-03&until=2026-02-01", 422, "invalid_range"),
    page("98 a range of ages", "/usage?since=1971-01-01&until=2026-02-01", 422, "invalid_range", "399 days"),
    *(
        Bad(f"99 {method} /audit", method, "/audit", 405, "method_not_allowed", {})
        for method in ("POST", "PUT", "PATCH", "DELETE")
    ),
    page("100 a month that is none", "/usage?since=2026-13-01", 422, "invalid_field"),
    *(page(f"100 user {user}", f"/usage?user={user}", 422, "invalid_field") for user in ("a:b", "*", "a%0Ab")),
    *(
        Bad(f"100 limits of {user}", "PUT", f"/quotas/{user}", 422, "invalid_field", LIMITS)
        for user in ("a:b", "quota:*", "a%20b", "x" * 200)
    ),
]

BAD_INPUTS = [*PROTOCOL, *KEYS, *REGISTRY, *DECISIONS]
