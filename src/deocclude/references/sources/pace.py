"""How often a service is asked: requests get times to start at, evenly spaced, and processes share the schedule."""

from __future__ import annotations

import asyncio
import time

from deocclude.references.sources.cache import Cache
from deocclude.references.sources.problems import Reason, SourceError

MARGIN = 1.02
"""Requests are this much further apart than the rate says, since what starts evenly arrives less so."""


class Pace:
    """The schedule of one service."""

    def __init__(self, cache: Cache, service: str, rate: float, *, patience: float) -> None:
        """Take the rate in requests a second, and the longest wait in seconds that is accepted."""
        self._cache, self._service, self._patience = cache, service, patience
        self._interval, self._queue = MARGIN / rate, asyncio.Lock()

    async def turn(self) -> None:
        """Wait until a request may start.

        Raises:
            SourceError: the service has asked for a longer wait than is accepted.
        """
        # One after the other: were all times taken at once, a process that was stopped for a moment would start what
        # it missed in a burst.
        async with self._queue:
            held = self._cache.held_until(self._service) - time.time()
            if held > self._patience:
                words = f"{self._service} wants no request for {held:.0f} s"
                raise SourceError(Reason.RATE_LIMITED, words, retry_after=held)
            start = self._cache.next_turn(self._service, self._interval)
            await asyncio.sleep(max(0.0, start - time.time()))

    def hold(self, seconds: float) -> None:
        """Let no request start for a time, in no process."""
        self._cache.hold(self._service, time.time() + seconds)
