"""HTTP connections that go to checked addresses only, redirects included."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore
import httpx

from deocclude.references.sources.addresses import Visitable
from deocclude.references.sources.options import Network, WebSettings
from deocclude.references.sources.problems import Reason, SourceError

HIDDEN = "[key]"


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to an address that was checked; TLS still asks for the certificate of the name."""

    def __init__(self, visitable: Visitable) -> None:
        self._visitable = visitable
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await self._visitable.resolve(host, port):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None  # there is at least one address
        raise failure

    async def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise SourceError(Reason.REFUSED_ADDRESS, f"{path} is a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """HTTPX's own transport over a pool whose connections are guarded; HTTPX has no public way to say so."""

    def __init__(self, visitable: Visitable, limits: Network) -> None:
        super().__init__(verify=_certificates(), trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_certificates(),
            max_connections=None,  # whoever asks keeps below a limit of its own, where waiting counts for no time limit
            max_keepalive_connections=limits.connections,
            keepalive_expiry=5.0,
            network_backend=_Guarded(visitable),
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Return what checks certificates; reading them takes a tenth of a second."""
    return httpx.create_ssl_context(trust_env=False)


def open_client(settings: WebSettings) -> httpx.AsyncClient:
    """Return a client that visits permitted addresses only and follows no redirect by itself.

    Proxies of the environment are not used: what lies behind one could not be checked.

    Raises:
        InputError: a network in the settings is none.
    """
    network = settings.network
    return httpx.AsyncClient(
        transport=_GuardedTransport(Visitable(network.allow), network),
        headers={"User-Agent": settings.user_agent},
        timeout=httpx.Timeout(network.connect_seconds, pool=network.total_seconds),
        max_redirects=network.redirects,
        follow_redirects=False,
        trust_env=False,
    )


class HideKeys(logging.Filter):
    """Takes keys out of log records: HTTPX logs the address of every request, and some services want the key there."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__()
        self._keys = tuple(keys)

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace keys in the record's text; nothing is dropped."""
        text = record.getMessage()
        hidden = self.hide(text)
        if hidden != text:
            record.msg, record.args = hidden, None
        return True

    def hide(self, text: str) -> str:
        """Return a text without keys, plain or as addresses write them."""
        for key in self._keys:
            for form in (key, str(httpx.QueryParams({"k": key}))[2:]):
                text = text.replace(form, HIDDEN)
        return text
