"""What sources share while they are open: connections, the cache, schedules, keys."""

from __future__ import annotations

import logging
from types import TracebackType

from deocclude.errors import InputError, MissingExtraError
from deocclude.references.sources.cache import Cache
from deocclude.references.sources.options import KEYS, Service, WebSettings
from deocclude.references.sources.pace import Pace

try:
    from deocclude.references.sources.client import Client
    from deocclude.references.sources.download import Downloader
    from deocclude.references.sources.transport import HideKeys, open_client
except ImportError:
    raise MissingExtraError("The web search", "web") from None

_LOGGERS = ("httpx", "httpcore.http11", "httpcore.connection")


class Services:
    """An open session. Use it with ``async with``."""

    def __init__(self, settings: WebSettings) -> None:
        """Open the cache and what sends requests.

        Raises:
            InputError: settings that cannot be.
            OutputError: the cache cannot be written.
        """
        self.settings = settings
        self.http = open_client(settings)
        self.cache = Cache(settings.cache)
        self.downloader = Downloader(self.http, self.cache, settings.network)
        self._keys = HideKeys(settings.keys.all)
        self._clients: dict[tuple[str, str], Client] = {}

    async def __aenter__(self) -> Services:
        """Begin to keep keys out of logs."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._keys)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all."""
        await self.http.aclose()
        self.cache.close()
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self._keys)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self.downloader.requests + sum(client.requests for client in self._clients.values())

    def hide(self, text: str) -> str:
        """Return a text without keys."""
        return self._keys.hide(text)

    def client(self, name: str, url: str = "") -> Client:
        """Return what asks the service of a name in the settings, at its usual address or at another one."""
        if (name, url) not in self._clients:
            service: Service = getattr(self.settings, name)
            pace = self.pace(name, service.rate)
            self._clients[name, url] = Client(self.http, url or service.url, pace, self.settings.network, self.hide)
        return self._clients[name, url]

    def pace(self, name: str, rate: float) -> Pace:
        """Return the schedule of a service."""
        return Pace(self.cache, name, rate, patience=self.settings.network.patience_seconds)

    def key(self, name: str) -> str:
        """Return the key of a service.

        Raises:
            InputError: there is none; the text says where one gets it.
        """
        key: str = getattr(self.settings.keys, name)
        if not key:
            about = KEYS[name]
            raise InputError(
                f"a key for {name.replace('_', ' ')}",
                "none",
                field=f"keys.{name}",
                hint=f"get one at {about.page} and set {about.variable}",
            )
        return key
