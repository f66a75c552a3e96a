"""What is wrong with a training before it begins: its settings, and nets that cannot be built from them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

from torch import nn

from deocclude.errors import InputError, unknown_choice
from deocclude.training.config import LoopSettings
from deocclude.training.task import Task


def check_loop(settings: LoopSettings) -> None:
    """Refuse settings of the loop that make no sense.

    Raises:
        InputError: one does not.
    """
    if settings.optimizer not in ("adamw", "sgd"):
        raise unknown_choice("optimizer", settings.optimizer, ("adamw", "sgd"))
    if settings.schedule not in ("one-cycle", "steps"):
        raise unknown_choice("schedule", settings.schedule, ("one-cycle", "steps"))
    if settings.steps < 1 or min(min(phase.steps, phase.batch, phase.size) for phase in settings.phases) < 1:
        raise InputError("phases with at least one step, sample and pixel", str(settings.phases), field="phases")
    _check_numbers(settings)
    world = int(os.environ.get("WORLD_SIZE", 1))
    for phase in settings.phases:
        if phase.batch % world:
            raise InputError(f"a batch that {world} processes can share", str(phase.batch), field="phases.batch")


def _check_numbers(settings: LoopSettings) -> None:
    for name in ("checkpoint_minutes", "log_every", "validate_every"):
        if not 0 < (value := getattr(settings, name)) < math.inf:  # nan is not either
            raise InputError("more than 0", str(value), field=f"loop.{name}")
    for name in ("learning_rate", "minutes", "weight_decay", "clip", "seed"):
        if not 0 <= (value := getattr(settings, name)) < math.inf:
            raise InputError("0 or more", str(value), field=f"loop.{name}")
    for name in ("ema", "momentum", "warmup"):
        if not 0 <= (value := getattr(settings, name)) < 1:
            raise InputError("0 or more, and less than 1", str(value), field=f"loop.{name}")


def check_recipe(config: Any) -> None:
    """Refuse validations of nothing now, they would fail after a thousand steps; and shares that are none.

    Args:
        config: the settings of any of the trainings.

    Raises:
        InputError: one of them is out of range.
    """
    for name, least in (("validation_samples", 1), ("validation_pairs", 1), ("validation_size", 8)):
        if (value := getattr(config, name, least)) < least:
            raise InputError(f"{least} or more", str(value), field=name)
    for name in ("reference_share", "scene_share", "photos"):
        if not 0 <= (value := getattr(config, name, 0)) <= 1:
            raise InputError("0 to 1", str(value), field=name)


def built(task: Task, sides: Iterable[tuple[str, int]]) -> nn.Module:
    """Return the net of a task, with initial weights.

    Args:
        task: what is trained.
        sides: the patch sides that it has to take, by the names of their settings.

    Raises:
        InputError: its settings make no net, or one that cannot take such patches.
    """
    try:
        net = task.build()
    except (ValueError, ArithmeticError, RuntimeError) as error:  # what torch raises for layers without channels
        raise InputError("the settings of a net that can be built", str(error), field="net") from None
    if _stride(net) < 1 or not all(weight.numel() for weight in net.parameters()):
        raise InputError("the settings of a net that can be built", "layers without channels", field="net")
    for name, side in sides:  # in a validation they would fail after a thousand steps
        if side % _stride(net):
            raise InputError(f"a multiple of {_stride(net)}, as the net halves patches", str(side), field=name)
    return net


def _stride(net: nn.Module) -> int:
    """Return what the sides of a net's patches must be multiples of."""
    return int(getattr(net, "stride", 1))
