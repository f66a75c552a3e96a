"""Checkpoints: the whole state of a run in one file, written whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from deocclude.errors import InputError
from deocclude.files import atomic_file

CHECKPOINT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a run after ``step`` steps.

    Attributes:
        task: name of what is trained.
        architecture: plain values that the net can be built from.
        settings: plain values of everything that the run depends on.
        step: steps done.
        samples: samples seen.
        net: state of the net.
        ema: state of the averaged net.
        optimizer: state of the optimiser.
        seconds: wall time of the run so far.
        adversary: state of the discriminator, if there is one.
    """

    task: str
    architecture: dict[str, Any]
    settings: dict[str, Any]
    step: int
    samples: int
    net: dict[str, Any]
    ema: dict[str, Any]
    optimizer: dict[str, Any]
    seconds: float
    adversary: dict[str, Any] | None = None


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to ``path``.

    Raises:
        OutputError: it cannot be written; an older one is intact.
    """
    with atomic_file(path) as part:
        torch.save({"version": CHECKPOINT_VERSION, **vars(checkpoint)}, part)


def load_checkpoint(path: Path, task: str, architecture: dict[str, Any], settings: dict[str, Any]) -> Checkpoint:
    """Read the checkpoint of a run that is to be continued.

    Args:
        path: the file.
        task: what is to be trained.
        architecture: of the net to be trained.
        settings: of the run; a run is continued only with the settings it was begun with.

    Raises:
        InputError: damaged, of another version, or of another task, architecture or settings.
    """
    values = _read(path)
    version = values.pop("version", None)
    if version != CHECKPOINT_VERSION:
        raise _mismatch(path, "version", CHECKPOINT_VERSION, version, "it was written by another release")
    try:
        checkpoint = Checkpoint(**values)
    except TypeError as error:
        raise InputError("a complete checkpoint", f"a damaged one ({error})", file=path, hint=_FRESH) from None
    for field, wanted in (("task", task), ("architecture", architecture), ("settings", settings)):
        found = getattr(checkpoint, field)
        if found != wanted:
            raise _mismatch(path, field, *_difference(wanted, found), "the run in this folder was begun differently")
    return checkpoint


_FRESH = "train into another folder, or delete the file to start anew"


def _read(path: Path) -> dict[str, Any]:
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises anything from EOFError to UnpicklingError on damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise InputError("a complete checkpoint", f"a damaged one ({reason})", file=path, hint=_FRESH) from None
    if not isinstance(values, dict):
        raise InputError("a checkpoint", f"a {type(values).__name__}", file=path, hint=_FRESH)
    return values


def _mismatch(path: Path, field: str, wanted: Any, found: Any, reason: str) -> InputError:
    return InputError(str(wanted), str(found), file=path, field=field, hint=f"{reason}; {_FRESH}")


def _difference(wanted: Any, found: Any) -> tuple[Any, Any]:
    """Return only the parts that differ, so that the message stays short."""
    if not (isinstance(wanted, dict) and isinstance(found, dict)):
        return wanted, found
    keys = [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]
    if len(keys) == 1 and isinstance(wanted.get(keys[0]), dict) and isinstance(found.get(keys[0]), dict):
        return _difference(wanted[keys[0]], found[keys[0]])
    return {key: wanted.get(key) for key in keys}, {key: found.get(key) for key in keys}
