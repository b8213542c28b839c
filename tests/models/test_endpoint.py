"""Where a provider may be, told by its address alone."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.address import is_public
from models.endpoint import checked_endpoint
from models.errors import InvalidInput

REFUSED = {
    "https_required": [
        "http://api.example.com/v1",
        "http://8.8.8.8/v1",
        "file:///etc/passwd",
        "gopher://api.example.com/1",
        "ftp://api.example.com/",
        "data:text/plain,hello",
        "ws://api.example.com/",
        "javascript:alert(1)",
        "//api.example.com/v1",
        "api.example.com",
        "",
        "HTTP://api.example.com",
    ],
    "address_not_allowed": [
        # this machine
        "https://127.0.0.1/v1",
        "https://127.0.0.1:8000/v1",
        "https://127.255.255.254",
        "https://localhost",
        "https://LOCALHOST/v1",
        "https://localhost.",
        "https://api.localhost",
        "https://0.0.0.0",
        "https://[::1]/v1",
        "https://[::]/",
        "https://[0:0:0:0:0:0:0:1]",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://localhost",
        # metadata
        "https://169.254.169.254/latest",
        "https://[fd00:ec2::254]",
        "https://100.100.100.200",
        "https://168.63.129.16",
        "https://192.0.0.192",
        "https://metadata.google.internal",
        # private and special
        "https://10.0.0.1",
        "https://172.16.0.1",
        "https://172.31.255.255",
        "https://192.168.1.1",
        "https://100.64.0.1",
        "https://198.18.0.1",
        "https://192.0.2.1",
        "https://224.0.0.1",
        "https://240.0.0.1",
        "https://255.255.255.255",
        "https://[fe80::1]",
        "https://[fc00::1]",
        "https://[ff02::1]",
        "https://[2001:db8::1]",
        # numbers in other clothes
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://017700000001",
        "https://127.1",
        "https://127.0.1",
        "https://10.1",
        "https://127.0.0.1.",
        "https://1.2.3.4.5",
        "https://\u2460\u2461\u2466.0.0.1",
        "https://\uff11\uff12\uff17.0.0.1",
        "https://127\u30020\u30020\u30021",
        "https://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",
        # IPv4 in IPv6
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:7f00:1]",
        "https://[::127.0.0.1]",
        "https://[64:ff9b::a9fe:a9fe]",
        "https://[64:ff9b:1::1]",
        "https://[2002:7f00:1::]",
        "https://[2001:0:53aa:64c::1]",
        # names of inner nets
        "https://vllm",
        "https://vllm:8000/v1",
        "https://printer.local",
        "https://gpu.lan",
        "https://db.corp",
        "https://box.home.arpa",
    ],
    "invalid_endpoint": [
        "https://",
        "https:///v1",
        "https://user@api.example.com",
        "https://user:secret@api.example.com",
        "https://api.example.com@127.0.0.1",
        "https://api.example.com/v1?key=1",
        "https://api.example.com/v1?",
        "https://api.example.com/v1#x",
        "https://api.example.com/../admin",
        "https://api.example.com/./v1",
        "https://api.example.com//v1",
        "https://api.example.com/%2e%2e/",
        "https://api.example.com\\@127.0.0.1",
        "https://api.example.com/v1;x",
        "https://api.exam ple.com",
        " https://api.example.com",
        "https://api.example.com\n",
        "https://api.example.com\r\nHost: x",
        "https://api.example.com\x00",
        "https://api.\u202eexample.com",
        "https://api..example.com",
        "https://-api.example.com",
        "https://api_x.example.com",
        "https://xn--a.example.com",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://[v1.x]",
        "https://api.example.com:",
        "https://" + "a" * 64 + ".example.com",
        "https://api.example.com/" + "a" * 300,
    ],
    "port_not_allowed": [
        "https://api.example.com:0",
        "https://api.example.com:22",
        "https://api.example.com:25",
        "https://api.example.com:80",
        "https://api.example.com:1023",
        "https://api.example.com:65536",
        "https://api.example.com:70000",
        "https://api.example.com:-1",
        "https://api.example.com:4a",
    ],
}
CASES = [(code, text) for code, texts in REFUSED.items() for text in texts]


@pytest.mark.parametrize(("code", "text"), CASES)
def test_forms_that_are_refused(code: str, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_endpoint(text)
    assert caught.value.problem.code == code
    assert caught.value.status == 422
    host = text.removeprefix("https://")
    assert not host or host not in caught.value.problem.message


def test_there_are_enough_forms() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://api.anthropic.com", "https://api.anthropic.com"),
        ("HTTPS://API.Example.COM:443/V1", "https://api.example.com/V1"),
        ("https://api.example.com.", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://\u0430pi.example.com", "https://xn--pi-6kc.example.com"),
        ("https://8.8.8.8:8000/v1", "https://8.8.8.8:8000/v1"),
        ("https://[2606:4700:4700:0::1111]/v1", "https://[2606:4700:4700::1111]/v1"),
        ("https://my.openai.azure.com/openai/v1", "https://my.openai.azure.com/openai/v1"),
    ],
)
def test_forms_that_are_taken(text: str, normal: str) -> None:
    assert checked_endpoint(text) == normal
    assert checked_endpoint(normal) == normal
    assert checked_endpoint(text, loopback_allowed=True) == normal


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/v1",
        "http://localhost:8000",
        "http://[::1]:8000",
        "https://127.0.0.1:8000",
        "http://127.9.9.9",
    ],
)
def test_this_machine_is_taken_where_a_setting_allows_it(text: str) -> None:
    assert checked_endpoint(text, loopback_allowed=True) == text
    with pytest.raises(InvalidInput):
        checked_endpoint(text)


@pytest.mark.parametrize(("code", "text"), CASES)
def test_the_setting_opens_nothing_else(code: str, text: str) -> None:
    try:
        normal = checked_endpoint(text, loopback_allowed=True)
    except InvalidInput:
        return
    assert code == "address_not_allowed"
    assert urlsplit(normal).hostname in ("localhost", "127.0.0.1", "127.255.255.254", "::1")


@pytest.mark.parametrize(
    "text", ["https://[::ffff:127.0.0.1]", "https://127.1", "https://2130706433", "https://0x7f.1"]
)
def test_the_setting_takes_plain_forms_only(text: str) -> None:
    with pytest.raises(InvalidInput):
        checked_endpoint(text, loopback_allowed=True)


@given(st.text(max_size=60), st.booleans())
def test_any_text_is_normal_or_refused(text: str, loopback: bool) -> None:
    for candidate in (text, f"https://{text}", f"https://api.example.com{text}"):
        try:
            normal = checked_endpoint(candidate, loopback)
        except InvalidInput:
            continue
        assert checked_endpoint(normal, loopback) == normal
        assert normal.isascii()


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address))
def test_what_the_library_calls_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    assert not (is_public(address) and (special or address.is_reserved or address.is_unspecified))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2606:4700::1"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))
