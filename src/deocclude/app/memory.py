"""What stays in memory: what was used last, up to so many bytes; everything else is read or made again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import is_dataclass
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

import numpy as np

V = TypeVar("V")


def bytes_of(value: Any, seen: set[int] | None = None) -> int:
    """Return how many bytes the arrays take up that ``value`` leads to, each counted once.

    Followed are dataclasses, mappings, lists and tuples. ``seen`` holds what has been counted already.
    """
    seen = set() if seen is None else seen
    if isinstance(value, dict):
        return sum(bytes_of(item, seen) for item in list(value.values()))
    if isinstance(value, (list, tuple)):
        return sum(bytes_of(item, seen) for item in value)
    if isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        return bytes_of(value.base, seen)
    if id(value) in seen or not (is_dataclass(value) or isinstance(value, np.ndarray)):
        return 0
    seen.add(id(value))
    return value.nbytes if isinstance(value, np.ndarray) else bytes_of(vars(value), seen)


class Recent(Generic[V]):
    """Values that take long to find, kept by key; those that were not used for longest are forgotten.

    Args:
        room: bytes that they may take up together.
    """

    def __init__(self, room: int) -> None:
        self._room, self._taken = room, 0
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of ``key``, made by ``make`` where it is not known."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        value = make()
        with self._lock:
            if key not in self._values:
                self._values[key] = value, bytes_of(value)
                self._taken += self._values[key][1]
            while self._taken > self._room:
                self._taken -= self._values.popitem(last=False)[1][1]
        return value

    @property
    def bytes(self) -> int:
        """How much they take up."""
        return self._taken


class Kept(Protocol):
    """What a :class:`Shelf` holds."""

    @property
    def identity(self) -> str:
        """What it is found by."""

    @property
    def bytes(self) -> int:
        """How much memory it takes up."""


K = TypeVar("K", bound=Kept)


class Shelf(Generic[K]):
    """Open photos; those that were not used for longest go when they take up too much.

    One that somebody still works with (a request, a job) is found again for as long as that goes on: there are never
    two of one identity.

    Args:
        room: bytes that they may take up together; the one that was used last always stays.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, K] = OrderedDict()
        self._alive: WeakValueDictionary[str, K] = WeakValueDictionary()

    def find(self, identity: str) -> K | None:
        """Return the one of this identity, if it is open; that is not a use of it."""
        return self._alive.get(identity)

    def use(self, identity: str) -> K | None:
        """Return the one of this identity, if it is open."""
        with self._lock:
            found = self._alive.get(identity)
            if found is not None and next(reversed(self._kept), None) != identity:
                self._put(found)
        return found

    def add(self, item: K) -> None:
        """Keep one that was opened just now."""
        with self._lock:
            self._put(item)

    def _put(self, item: K) -> None:
        self._alive[item.identity] = self._kept[item.identity] = item
        self._kept.move_to_end(item.identity)
        sizes = {identity: other.bytes for identity, other in self._kept.items()}
        while sum(sizes.values()) > self._room and len(sizes) > 1:
            gone, _ = self._kept.popitem(last=False)
            del sizes[gone]
