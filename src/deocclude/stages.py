"""What every stage says about itself: method, settings, fallback, seconds; and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Progress = Callable[[str, int, int], None]
"""Told the name of a step, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class StageRecord:
    """How a stage came to its result; stored in ``scene.json``.

    Attributes:
        method: the name of the method that gave the result.
        settings: its settings, as plain JSON values.
        seconds: wall time.
        fallback_reason: why another method than the one asked for was used, or ``None``.
        notes: one line each for what a user should know (pixels repaired, edges dropped, objects skipped).
    """

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    fallback_reason: str | None = None
    notes: tuple[str, ...] = ()


class Stopwatch:
    """Wall time since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start, to the millisecond."""
        return round(time.perf_counter() - self._start, 3)
