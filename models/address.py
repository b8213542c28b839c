"""Which internet addresses a provider may have.

An explicit list: `ipaddress.is_private` and `is_global` miss carrier-grade NAT, NAT64, 6to4, metadata services and
multicast. Source: IANA's special-purpose registries (IPv4 and IPv6), and the metadata addresses of the large clouds.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_DENIED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 is a metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's platform service, at a public address
        "169.254.0.0/16",  # link-local; 169.254.169.254 is the metadata service
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is a metadata service
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
"""All of the global unicast there is; ::1, IPv4 in IPv6, NAT64, local, link-local and multicast are outside."""
_DENIED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the old test net
        "3fff::/20",  # documentation
    )
)


def parsed(text: str) -> Address | None:
    """A canonical address; None for a name or any other way to write a number."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_loopback(address: Address) -> bool:
    """127.0.0.0/8 and ::1, in these forms only."""
    return address.is_loopback and (isinstance(address, IPv4Address) or address.ipv4_mapped is None)


def is_public(address: Address) -> bool:
    """Whether a provider on the internet may have this address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _DENIED_V4)
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    return not any(address in network for network in _DENIED_V6)
