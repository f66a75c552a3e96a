"""News for open tabs: server-sent events, one stream a tab and photo."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

KEEP_ALIVE = 15.0
"""Seconds after which a silent stream sends a comment, so that nobody takes it for dead."""

Event = tuple[str, Any]
"""Name and data (plain JSON)."""


class Broker:
    """Carries events from any thread to the streams of a photo."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event | None]]]] = {}
        self._closed = False

    def publish(self, photo: str, name: str, data: Any) -> None:
        """Send an event to all streams of ``photo``."""
        with self._lock:
            streams = list(self._streams.get(photo, ()))
        for loop, queue in streams:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, (name, data))

    def close(self) -> None:
        """End all streams, and those that are asked for later; a server that stops waits for them else."""
        with self._lock:
            self._closed = True
            streams = [stream for several in self._streams.values() for stream in several]
        for loop, queue in streams:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, None)

    async def stream(self, photo: str, first: Callable[[], list[Event]]) -> AsyncIterator[str]:
        """Yield the text of a stream: what ``first`` returns, then whatever is published, until the reader goes.

        It ends by itself when all are closed. ``first`` is asked when the stream takes part already, so nothing is
        missed in between.
        """
        mine = (asyncio.get_running_loop(), asyncio.Queue[Event | None]())
        with self._lock:
            self._streams.setdefault(photo, []).append(mine)
        try:
            for event in first():
                yield _text(event)
            while not self._closed:
                try:
                    news = await asyncio.wait_for(mine[1].get(), KEEP_ALIVE)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if news is not None:
                    yield _text(news)
        finally:
            with self._lock:
                self._streams[photo].remove(mine)


def _text(event: Event) -> str:
    return f"event: {event[0]}\ndata: {json.dumps(event[1])}\n\n"
