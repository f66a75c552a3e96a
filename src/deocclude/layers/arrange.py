"""An arrangement of layers as a small JSON file: what to move, hide and restack.

    {"version": 1,
     "layers": [{"id": 3, "dx": 40, "dy": 0, "scale": 1.2, "rotate": 10, "opacity": 1, "hidden": false}],
     "order": [3, 1, 2],
     "background": true}

Only ``id`` is needed in a layer, and only ``version`` in the file; ``order`` is bottom first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError, unknown_choice
from deocclude.files import write_text
from deocclude.layers.compose import compose
from deocclude.layers.move import Move
from deocclude.layers.stack import LayerStack

VERSION = 1
_NUMBERS = tuple(item.name for item in fields(Move))[1:]


@dataclass(frozen=True)
class Arrangement:
    """What to do with the layers of a stack.

    Attributes:
        moves: at most one a layer.
        hidden: ids of layers to leave out.
        order: all ids, bottom first; ``None`` leaves the stack's order.
        background: lay the layers over the background.
    """

    moves: tuple[Move, ...] = ()
    hidden: frozenset[int] = frozenset()
    order: tuple[int, ...] | None = None
    background: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form; numbers at their default are left out."""
        entries: dict[int, dict[str, Any]] = {}
        for move in self.moves:
            values = {name: getattr(move, name) for name in _NUMBERS}
            changed = {name: value for name, value in values.items() if value != getattr(Move, name)}
            entries[move.instance_id] = {"id": move.instance_id} | changed
        for identity in sorted(self.hidden):
            entries.setdefault(identity, {"id": identity})["hidden"] = True
        data: dict[str, Any] = {"version": VERSION, "layers": list(entries.values())}
        if self.order is not None:
            data["order"] = list(self.order)
        return data if self.background else data | {"background": False}


def recompose(stack: LayerStack, arrangement: Arrangement) -> NDArray[np.uint8]:
    """Return the picture of ``stack`` arranged: uint8 [H, W, 3], or [H, W, 4] without the background.

    Raises:
        InputError: the arrangement names a layer that the stack does not have, or its order is not complete.
    """
    return compose(stack, arrangement.moves, arrangement.hidden, arrangement.order, arrangement.background)


def read_arrangement(path: Path) -> Arrangement:
    """Read an arrangement file.

    Raises:
        InputError: no such file, no JSON, an unknown or missing key, or a value that is not allowed.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("an arrangement file", error.strerror or str(error), file=path) from None
    except (ValueError, RecursionError) as error:
        raise InputError("JSON", f"text that is none ({error})", file=path) from None
    return parse_arrangement(data, path)


def write_arrangement(path: Path, arrangement: Arrangement) -> None:
    """Write an arrangement file, whole or not at all."""
    write_text(path, json.dumps(arrangement.to_json(), indent=2) + "\n")


def parse_arrangement(data: Any, file: Path | str | None = None) -> Arrangement:
    """Return the arrangement of plain JSON values.

    Args:
        data: what :meth:`Arrangement.to_json` returns.
        file: where it comes from, for messages.

    Raises:
        InputError: an unknown or missing key, or a value that is not allowed.
    """
    _check_keys(data, ("version", "layers", "order", "background"), file, "arrangement")
    if data.get("version") != VERSION:
        raise InputError(f"version {VERSION}", repr(data.get("version", "none")), file=file, field="version")
    entries = data.get("layers", [])
    if not isinstance(entries, list):
        raise InputError("a list", _kind(entries), file=file, field="layers")
    moves: list[Move] = []
    hidden: set[int] = set()
    for position, entry in enumerate(entries):
        move, is_hidden = _parse_layer(entry, file, f"layers[{position}]")
        if move.instance_id in (other.instance_id for other in moves):
            raise InputError("each id once", f"{move.instance_id} twice", file=file, field="layers")
        moves.append(move)
        if is_hidden:
            hidden.add(move.instance_id)
    order = data.get("order")
    if order is not None:
        if not isinstance(order, list):
            raise InputError("a list of ids", _kind(order), file=file, field="order")
        order = tuple(_whole(value, file, "order") for value in order)
    background = _flag(data.get("background", True), file, "background")
    kept = tuple(move for move in moves if move != Move(move.instance_id))
    return Arrangement(kept, frozenset(hidden), order, background)


def _parse_layer(entry: Any, file: Path | str | None, where: str) -> tuple[Move, bool]:
    _check_keys(entry, ("id", "hidden", *_NUMBERS), file, where)
    if "id" not in entry:
        raise InputError("an id", "none", file=file, field=where)
    identity = _whole(entry["id"], file, f"{where}.id")
    try:
        move = Move(identity, **{name: entry[name] for name in _NUMBERS if name in entry})
    except InputError as error:
        raise InputError(error.expected, error.found, file=file, field=f"{where}: {error.field}") from None
    return move, _flag(entry.get("hidden", False), file, f"{where}.hidden")


def _check_keys(data: Any, known: Iterable[str], file: Path | str | None, where: str) -> None:
    if not isinstance(data, dict):
        raise InputError("a JSON object", _kind(data), file=file, field=where)
    for key in data:
        if key not in known:
            error = unknown_choice(where, str(key), known)
            raise InputError(error.expected, f"the key {key!r}", file=file, field=where, hint=error.hint)


def _whole(value: Any, file: Path | str | None, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError("an object id (a whole number)", repr(value), file=file, field=where)
    return value


def _flag(value: Any, file: Path | str | None, where: str) -> bool:
    if not isinstance(value, bool):
        raise InputError("true or false", repr(value), file=file, field=where)
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
