"""Settings of a training run; :func:`deocclude.settings.read_settings` reads them from TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deocclude.errors import InputError
from deocclude.settings import to_dict


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one patch size.

    Attributes:
        steps: optimiser steps; with a limit in minutes, the phase's share of the time.
        size: patch side, pixels.
        batch: samples a step, over all processes together.
    """

    steps: int
    size: int
    batch: int


@dataclass(frozen=True)
class LoopSettings:
    """How the one training loop runs.

    Attributes:
        phases: one after the other; small patches first are much faster.
        minutes: 0 runs all steps; else the schedule is stretched or squeezed to end after so many minutes of training,
            whatever the machine manages in them (such a run is not repeatable to the bit).
        seed: batches and initial weights follow from it.
        optimizer: ``adamw`` or ``sgd``.
        momentum: of ``sgd``.
        learning_rate: the peak.
        weight_decay: as the optimiser applies it.
        schedule: ``one-cycle`` (short rise, cosine to zero) or ``steps`` (times 0.1 at each milestone).
        warmup: share of the steps in which one-cycle rises.
        milestones: shares of the run at which ``steps`` lowers the rate.
        ema: decay of the averaged weights, which are the ones that are kept; 0 averages nothing.
        clip: largest norm of the gradient; 0 leaves it alone.
        precision: ``auto``, ``float32`` or ``bfloat16``; auto takes bfloat16 where the processor has it.
        device: ``auto``, ``cpu`` or ``cuda``.
        log_every: steps between two lines of the log.
        validate_every: steps between two validations.
        checkpoint_minutes: minutes between two checkpoints.
    """

    phases: tuple[Phase, ...]
    minutes: float = 0.0
    seed: int = 0
    optimizer: str = "adamw"
    momentum: float = 0.9
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    schedule: str = "one-cycle"
    warmup: float = 0.05
    milestones: tuple[float, ...] = ()
    ema: float = 0.999
    clip: float = 1.0
    precision: str = "auto"
    device: str = "auto"
    log_every: int = 50
    validate_every: int = 1000
    checkpoint_minutes: float = 5.0

    @property
    def steps(self) -> int:
        """All steps together."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, progress: float) -> Phase:
        """Return the phase at ``progress`` (0 to 1)."""
        left = progress * self.steps + 1e-6
        for phase in self.phases:
            if left < phase.steps:
                return phase
            left -= phase.steps
        return self.phases[-1]


SHARE = (0.0, 1.0)
RATIO = (1.0, 100.0)
ZOOM = (0.01, 100.0)
MANY = (0.0, 1e6)
CHANNELS = (1, 4096)
SIDE = (8, 4096)


def check_each(settings: Any, **ranges: tuple[float, float]) -> None:
    """Refuse settings of which a value, or one of several, is out of range.

    Args:
        settings: a dataclass.
        ranges: least and most of its fields by name.

    Raises:
        InputError: one is out of range.
    """
    _check(settings, ranges, rising=False)


def check_ranges(settings: Any, **ranges: tuple[float, float]) -> None:
    """Refuse settings that are out of range; of pairs both values are checked, and the first may not be the larger.

    Args:
        settings: a dataclass.
        ranges: least and most of its fields by name.

    Raises:
        InputError: one is out of range.
    """
    _check(settings, ranges, rising=True)


def _check(settings: Any, ranges: Mapping[str, tuple[float, float]], *, rising: bool) -> None:
    for name, (least, most) in ranges.items():
        value = getattr(settings, name)
        values = value if isinstance(value, tuple) else (value,)
        if not all(least <= one <= most for one in values) or (rising and list(values) != sorted(values)):
            pair = ", least and most" if rising and len(values) > 1 else ""
            raise InputError(f"{least:g} to {most:g}{pair}", str(value), field=name)


def plain(settings: Any) -> dict[str, Any]:
    """Return a settings dataclass as JSON values (tuples become lists), fit for comparison after a round trip."""
    values: dict[str, Any] = json.loads(json.dumps(to_dict(settings)))
    return values
