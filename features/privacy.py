"""What is cut off before a row is stored."""

from ipaddress import ip_address, ip_network

from features.errors import BadInput


def ip_prefix(address: str) -> str:
    """The network an address is in: 24 bits of IPv4, 48 of IPv6 (P41).

    Raises:
        BadInput: That is not an IP address.

    >>> ip_prefix("203.0.113.77"), ip_prefix("2001:db8:1:2::3")
    ('203.0.113.0/24', '2001:db8:1::/48')
    """
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        raise BadInput(f"{address!r} is not an IP address") from None
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        return ip_prefix(str(mapped))
    return str(ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))
