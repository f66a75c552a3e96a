"""What each action of a user changes: functions from the state and a wish to a label and new values."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from deocclude import rle
from deocclude.app.history import Changes, State
from deocclude.app.inputs import (
    SETTINGS,
    corrections_of,
    mask_of,
    object_value,
    pair_key,
    reference_name,
    settings_value,
)
from deocclude.app.problems import MissingError
from deocclude.app.session import Session
from deocclude.content import fill
from deocclude.errors import InputError, unknown_choice
from deocclude.layers.arrange import Arrangement, parse_arrangement
from deocclude.masks import Mask
from deocclude.ordering.graph import OrderGraph, Override
from deocclude.plan import Settings, check
from deocclude.scene import Instance
from deocclude.settings import from_dict

Edit = tuple[str, Changes]
"""What to call an action, and the values that it sets."""
EDITABLE = ("order", "amodal", "fill", "edges", "max_gap", "seed")
"""Settings that the page may change; weights are files, which the command line names."""
MOST_OBJECTS = 1000


def add_object(session: Session, mask: Mask, name: str, take: bool) -> Edit:
    """Return the edit that adds an object.

    Raises:
        InputError: the mask is empty, or nothing of another object would be left.
    """
    state = session.state
    ids = state.ids("object")
    if len(ids) >= MOST_OBJECTS:
        raise InputError(f"at most {MOST_OBJECTS} objects", "one more", field="objects")
    identity = max([*ids, state.value("last_id", 0)]) + 1
    item = Instance(identity, _some(mask), name.strip())
    changes = {f"object/{identity}": object_value(item), "last_id": identity}
    return f"Add {item.label}", changes | (_taken(state, mask, identity) if take else {})


def rename(session: Session, identity: int, name: str) -> Edit:
    """Return the edit that gives an object another name."""
    value = session.state.value(f"object/{identity}")
    return f"Rename {_label(session, identity)}", {f"object/{identity}": value | {"name": name.strip()}}


def reshape(session: Session, identity: int, mask: Mask, take: bool, verb: str = "Draw") -> Edit:
    """Return the edit that gives an object another visible mask.

    Raises:
        InputError: it is empty, or nothing of another object would be left.
    """
    value = session.state.value(f"object/{identity}")
    changes: dict[str, Any] = {f"object/{identity}": value | {"mask": rle.encode(_some(mask))}}
    return f"{verb} {_label(session, identity)}", changes | (_taken(session.state, mask, identity) if take else {})


def painted(base: Mask, stroke: Mask, mode: str) -> Mask:
    """Return ``base`` with a stroke added or erased."""
    return base | stroke if mode == "add" else base - stroke


def visible_of(session: Session, identity: int) -> Mask:
    """Return the visible mask of an object as the user left it."""
    return mask_of(session.state.value(f"object/{identity}")["mask"])


def remove(session: Session, identity: int) -> Edit:
    """Return the edit that removes an object and all that was set about it."""
    state = session.state
    gone = [f"{kind}/{identity}" for kind in ("object", "whole", "choice")]
    gone += [key for key in state.entries if key.startswith("order/") and str(identity) in key[6:].split("-")]
    changes: dict[str, Any] = {key: None for key in gone if key in state.entries}
    # The number stays taken, or an old arrangement or a tab that knows it would mean another object by it.
    changes["last_id"] = max([*state.ids("object"), state.value("last_id", 0)])
    return f"Remove {_label(session, identity)}", changes


def set_whole(session: Session, identity: int, mask: Mask | None) -> Edit:
    """Return the edit that sets a whole shape by hand, or (``None``) leaves it to the model."""
    verb = "Model's shape of" if mask is None else "Paint the whole of"
    return f"{verb} {_label(session, identity)}", {f"whole/{identity}": None if mask is None else rle.encode(mask)}


def whole_of(session: Session, identity: int) -> Mask:
    """Return the whole shape in force: painted by hand, else computed, else what is visible."""
    by_hand = session.state.value(f"whole/{identity}")
    visible = visible_of(session, identity)
    if by_hand is not None:
        return mask_of(by_hand) | visible
    results = session.results
    found = results.amodal.masks.get(identity) if results is not None and results.amodal is not None else None
    return visible if found is None else found | visible


def set_order(session: Session, first: int, second: int, relation: str) -> Edit:
    """Return the edit that sets an arrow by hand, or (``auto``) leaves the pair to the model.

    Raises:
        InputError: an object and itself, or a cycle of arrows all set by hand.
    """
    if first == second:
        raise InputError("two different objects", f"{first} twice", field="second")
    verb = {"front": "before", "both": "and", "none": "apart from", "auto": "and (by the model)"}[relation]
    label = f"Order: {_label(session, first)} {verb} {_label(session, second)}"
    if relation == "auto":
        return label, {pair_key(first, second): None}
    override = Override(first, second, relation)
    _check_cycles(session, override)
    return label, {pair_key(first, second): asdict(override)}


def set_choice(session: Session, identity: int, pick: str | None, reject: list[str]) -> Edit:
    """Return the edit that picks and rejects what may fill a hole.

    Raises:
        InputError: no painter and no reference has such a name, or one is picked and rejected.
    """
    paths = _reference_paths(session)
    known = [*fill.names(), *paths]
    for name in [*reject, *([pick] if pick is not None else [])]:
        if name not in known:
            raise unknown_choice("candidate", name, known)
    if pick in reject:
        raise InputError("a candidate that is not rejected", repr(pick), field="pick")
    where = "the background" if identity == 0 else _label(session, identity)
    value = {"pick": pick, "reject": sorted(set(reject)), "paths": paths} if pick or reject else None
    return f"Choose what fills {where}", {f"choice/{identity}": value}


def _reference_paths(session: Session) -> dict[str, list[str]]:
    """Return path and hash, by candidate name, of the references that are known."""
    results = session.results
    found = {
        reference_name(one.key): [one.path, one.sha256] for one in (results.references.pictures if results else ())
    }
    for item in session.state.value("references", []):
        found[reference_name(item["sha256"])] = [str(session.references / item["name"]), item["sha256"]]
    return found


def set_arrangement(session: Session, plain: dict[str, Any]) -> Edit:
    """Return the edit that arranges the layers.

    Raises:
        InputError: a key or value that is not allowed, or an object that is not there.
    """
    arrangement = parse_arrangement(plain)
    ids = {*session.state.ids("object"), *_layer_ids(session)}
    named = {move.instance_id for move in arrangement.moves} | arrangement.hidden | set(arrangement.order or ())
    if not named <= ids:
        known = ", ".join(map(str, sorted(ids))) or "none, there is no object"
        raise InputError(f"ids among {known}", ", ".join(map(str, sorted(named - ids))), field="arrangement")
    if arrangement.order is not None and len(set(arrangement.order)) != len(arrangement.order):
        raise InputError("each layer once", "one twice", field="arrangement: order")
    return "Arrange layers", {"arrangement": arrangement.to_json()}


def set_settings(session: Session, values: dict[str, Any]) -> Edit:
    """Return the edit that changes settings of the pipeline.

    Raises:
        InputError: an unknown setting, or a value that is not allowed.
    """
    for key in values:
        if key not in EDITABLE:
            raise unknown_choice("setting", key, EDITABLE)
    value = settings_value(session.state.value(SETTINGS, {}) | values)
    check(from_dict(Settings, value))
    return "Change settings", {SETTINGS: value}


def arrangement_of(session: Session) -> Arrangement:
    """Return how the layers that there are now are arranged; what is said about others is left out."""
    found = parse_arrangement(session.state.value("arrangement", {"version": 1}))
    ids, order = _layer_ids(session), found.order
    if order is not None:
        kept = [identity for identity in order if identity in ids]
        order = (*kept, *(identity for identity in ids if identity not in kept))
    moves = tuple(move for move in found.moves if move.instance_id in ids)
    return Arrangement(moves, frozenset(found.hidden & set(ids)), order, found.background)


def _layer_ids(session: Session) -> tuple[int, ...]:
    """Return whose layers are shown; one may be that of an object removed since they were computed."""
    results = session.results
    return results.stack.ids if results is not None and results.stack is not None else ()


def _some(mask: Mask) -> Mask:
    if not mask:
        raise InputError("a mask with at least one pixel", "an empty one", field="mask", hint="remove the object")
    return mask


def _taken(state: State, mask: Mask, owner: int) -> dict[str, Any]:
    """Return the other objects that lose pixels to ``mask``, without them."""
    changes = {}
    for identity in state.ids("object"):
        value = state.value(f"object/{identity}")
        theirs = mask_of(value["mask"])
        if identity == owner or not theirs.overlap(mask):
            continue
        rest = theirs - mask
        if not rest:
            found = f"one that covers all of {value['name'] or f'object {identity}'}"
            raise InputError("a mask that leaves something of every object", found, field="mask",
                             hint="remove that object first")  # fmt: skip
        changes[f"object/{identity}"] = value | {"mask": rle.encode(rest)}
    return changes


def _label(session: Session, identity: int) -> str:
    value = session.state.value(f"object/{identity}")
    if value is None:
        raise MissingError("object", identity)
    return str(value["name"] or value["category"] or f"object {identity}")


def _check_cycles(session: Session, override: Override) -> None:
    import numpy as np

    from deocclude.ordering.pairs import PairwiseOrder
    from deocclude.stages import StageRecord

    ids = tuple(session.state.ids("object"))
    unknown = PairwiseOrder(ids, np.zeros((len(ids), len(ids))), StageRecord("none"))
    try:
        OrderGraph.build(unknown, corrections_of(session.state, session.references).with_order(override).order)
    except InputError as error:
        named = re.sub(r"\d+", lambda found: _label(session, int(found[0])), error.found)
        raise InputError(error.expected, named, field=error.field, hint=error.hint) from None
