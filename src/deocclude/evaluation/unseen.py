"""No network is scored on scenes that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from deocclude.errors import InputError, some_of


def check_unseen(tested: Mapping[str, str], trained_on: Mapping[str, Iterable[str]], file: Path) -> None:
    """Refuse to score networks on scenes that they were trained on.

    Args:
        tested: what is tested on: names for people by what tells scenes apart.
        trained_on: scenes of the training of each row, told apart likewise.
        file: where the tested scenes are from.

    Raises:
        InputError: there are common scenes; the message lists them.
    """
    for row, seen in trained_on.items():
        shared = sorted(tested[key] for key in tested.keys() & set(seen))
        if shared:
            found = f"{len(shared)} that {row} has seen: {some_of(shared)}"
            raise InputError("scenes that no network was trained on", found, file=file)
