"""Which addresses may be visited: public ones, and networks that a setting allows.

What a name means is looked up once, checked, and that very address is connected to; a name server cannot answer
differently the second time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import TypeAlias

from deocclude.errors import InputError
from deocclude.references.sources.problems import Reason, SourceError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Visitable:
    """The rule which addresses may be visited."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Take networks that may be visited although they are not public.

        Raises:
            InputError: one that is none.
        """
        try:
            self._allowed = [ipaddress.ip_network(network, strict=False) for network in allowed]
        except ValueError as error:
            raise InputError("networks such as 127.0.0.0/8", str(error), field="network.allow") from None

    def permits(self, address: Address) -> bool:
        """Return whether an address may be visited."""
        if any(address in network for network in self._allowed):
            return True
        inner = _inner(address)
        if inner is not None:
            return self.permits(inner)
        # Python counts fec0::/10, private networks of before 2004, as global.
        is_old = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
        return address.is_global and not (address.is_multicast or address.is_reserved or is_old)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be visited, in the order of the name server.

        Raises:
            SourceError: it has none, or no such host is known.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise SourceError(Reason.UNREACHABLE, f"{host}: no such host ({error})") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        permitted = [address for address in addresses if self.permits(ipaddress.ip_address(address.split("%")[0]))]
        if not permitted:
            where = ", ".join(addresses[:3])
            raise SourceError(Reason.REFUSED_ADDRESS, f"{host} is at {where}, which is no public address")
        return permitted


def _inner(address: Address) -> Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if any."""
    if address.version == 4:
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return address.teredo[1] if address.teredo is not None else None
