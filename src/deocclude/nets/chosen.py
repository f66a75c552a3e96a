"""Which mask network is used: the one that ships, or weights that a user trained."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from deocclude.errors import InputError
from deocclude.weights import weights_path

if TYPE_CHECKING:
    from deocclude.nets.completer import MaskCompleter

SHIPPED = "pcnet-m"
"""Name of the bundled weights that are used where nothing else is asked for."""
Weights = str | Path
"""Name of bundled weights, a weights file, or the folder of a training run."""


def completer_for(source: Weights = SHIPPED, views: int = 1) -> MaskCompleter | None:
    """Return the completer with the weights that ``source`` names; ``None`` for the shipped ones, the default.

    Those of the last few files are kept, and made anew when a file changes.

    Args:
        source: see :func:`deocclude.weights.weights_path`.
        views: see :class:`deocclude.nets.completer.MaskCompleter`.

    Raises:
        InputError: no bundled weights of this name. A file that is missing, damaged or of another network is refused
            when the network is first asked.
    """
    if source == SHIPPED:
        return None
    path = weights_path(source)
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _completer(path, changed, views)


def check_weights(source: Weights) -> None:
    """Refuse, before the work, weights that are not there; what is in the file is checked when it is read.

    Raises:
        InputError: no bundled weights of this name, or no such file.
    """
    path = weights_path(source)
    if not path.is_file():
        hint = f"the weights that ship are called {SHIPPED!r}"
        raise InputError("a weights file", "no such file", file=path, field="weights", hint=hint)


@lru_cache(maxsize=4)
def _completer(path: Path, changed: int, views: int) -> MaskCompleter:
    from deocclude.nets.completer import MaskCompleter

    return MaskCompleter(path, views=views)
