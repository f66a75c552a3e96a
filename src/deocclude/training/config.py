"""Settings of a training run: dataclasses, read from and written to TOML.

A key that no dataclass has is refused with the nearest one suggested, so that a misspelt setting cannot be ignored.
"""

from __future__ import annotations

import difflib
import json
import tomllib
import types
import typing
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from deocclude.errors import InputError

T = TypeVar("T")


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
        optimizer: ``adamw`` or ``sgd`` (momentum 0.9).
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


def read_config(path: Path, kind: type[T]) -> T:
    """Read a TOML file into the dataclass ``kind``.

    Raises:
        InputError: no such file, no TOML, an unknown or missing key, or a value of another type.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        raise InputError("a TOML file", "no such file", file=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("a TOML file", f"something else ({error})", file=path) from None
    return from_dict(values, kind, file=path)


def from_dict(values: dict[str, Any], kind: type[T], *, file: Path | None = None, field: str = "") -> T:
    """Build the dataclass ``kind`` from plain values; see :func:`read_config` for the errors."""
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in fields(typing.cast(Any, kind))}
    prefix = f"{field}." if field else ""
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else None
            raise InputError(f"one of {', '.join(known)}", f"{key!r}", file=file, field=prefix + key, hint=hint)
    for name, item in known.items():
        if name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise InputError(f"a value for {name!r}", "none", file=file, field=prefix + name)
    return kind(**{key: _convert(value, hints[key], file, prefix + key) for key, value in values.items()})


def to_dict(settings: Any) -> dict[str, Any]:
    """Return a dataclass as plain JSON values (tuples become lists)."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return plain


def _convert(value: Any, wanted: Any, file: Path | None, field: str) -> Any:
    if is_dataclass(wanted) and isinstance(wanted, type):
        if not isinstance(value, dict):
            raise InputError("a table", repr(value), file=file, field=field)
        return from_dict(value, wanted, file=file, field=field)
    if typing.get_origin(wanted) is tuple:
        return _convert_list(value, typing.get_args(wanted), file, field)
    if typing.get_origin(wanted) in (types.UnionType, typing.Union):
        choices = [choice for choice in typing.get_args(wanted) if choice is not type(None)]
        return _convert(value, choices[0], file, field)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise InputError(f"a value of type {wanted.__name__}", repr(value), file=file, field=field)
    return value


def _convert_list(value: Any, kinds: tuple[Any, ...], file: Path | None, field: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InputError("a list", repr(value), file=file, field=field)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise InputError(f"{len(kinds)} values", f"{len(value)}", file=file, field=field)
    return tuple(
        _convert(item, kind, file, f"{field}[{k}]") for k, (item, kind) in enumerate(zip(value, kinds, strict=True))
    )
