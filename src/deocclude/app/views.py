"""The state of a photo as the page sees it, plain JSON (``docs/app-api.md``)."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import numpy as np

from deocclude.app import edits, inputs, pictures
from deocclude.app.candidates import title_of
from deocclude.app.session import Session
from deocclude.app.workspace import Place, Workspace, summary_of
from deocclude.content.patch import BACKGROUND
from deocclude.errors import DeoccludeError
from deocclude.layers.arrange import Arrangement
from deocclude.project.state import Project


def tag(*parts: object) -> str:
    """Return a short text that changes with ``parts``; it makes addresses that may be cached for ever."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:10]


def picture_tag(place: Place) -> str:
    """Return a text that is another one for another photo; ``0`` where its file is not known.

    In a project folder the photo stays the same, though each save writes its file anew.
    """
    file = place.picture
    try:
        found = file.stat() if file is not None else None
    except OSError:
        found = None
    if found is None:
        return "0"
    return tag(found.st_size, found.st_mtime_ns if file == place.source else None)


def address(session: Session, path: str, version: str, **query: str) -> str:
    """Return the address of a picture."""
    values = "".join(f"{key}={quote(value)}&" for key, value in query.items())
    return f"/api/photos/{session.identity}/{path}?{values}v={version}"


def list_photos(workspace: Workspace) -> dict[str, Any]:
    """Return the photos of the list, in the order of next and previous, and those that were taken off it."""
    lists = {"photos": workspace.places(), "unlisted": workspace.unlisted()}
    return {name: [photo_of(workspace, place) for place in places] for name, places in lists.items()}


def photo_of(workspace: Workspace, place: Place) -> dict[str, Any]:
    """Return what is known about a photo, opened or not."""
    session = workspace.opened(place.identity)
    found = brief(session) if session is not None else summary_of(place.folder)
    return {
        "id": place.identity,
        "name": place.name,
        "width": found.get("width"),
        "height": found.get("height"),
        "done": found.get("done", False),
        "objects": found.get("objects", 0),
        "thumbnail_url": f"/api/photos/{place.identity}/picture?size=thumb&v={picture_tag(place)}",
    }


def brief(session: Session) -> dict[str, Any]:
    """Return what is told about a photo in a list."""
    return {
        "name": session.name,
        "width": session.photo.size.width,
        "height": session.photo.size.height,
        "objects": len(session.state.ids("object")),
        "done": bool(session.state.value("done", False)),
    }


def state_of(workspace: Workspace, session: Session, job: dict[str, Any] | None) -> dict[str, Any]:
    """Return the whole state of a photo."""
    state, results = session.state, session.results
    place = workspace.place(session.identity)
    undo = state.steps[state.cursor - 1].label if state.cursor else None
    redo = state.steps[state.cursor].label if state.cursor < len(state.steps) else None
    settings = inputs.settings_value(state.value("settings", {}))
    return {
        "photo": photo_of(workspace, place),
        "revision": state.revision,
        "undo": undo,
        "redo": redo,
        "preview": _preview(session),
        "objects": [_object(session, results, identity) for identity in state.ids("object")],
        "background": {"hole": _hole(session, results, BACKGROUND)},
        "order": _order(session, results),
        "layers": _layers(session, results),
        "background_url": _layered(session, results, "background.png"),
        "arrangement": {"revision": state.revision_of("arrangement"), "value": _arrangement(session, results)},
        "references": {"revision": state.revision_of("references"), "items": _references(session)},
        "settings": {
            "revision": state.revision_of("settings"),
            "value": {key: settings[key] for key in edits.EDITABLE},
        },
        "done": {"revision": state.revision_of("done"), "value": bool(state.value("done", False))},
        "overlays": _overlays(session, results),
        "stages": _stages(results),
        "stale_from": session.stale_from,
        "unsaved": session.unsaved,
        "notice": session.notice,
        "job": job,
    }


def results_tag(results: Project) -> str:
    """Return a text that is another one for other layers."""
    return tag(results.fingerprints.get("layers"))


def overlays_tag(results: Project) -> str:
    """Return a text that is another one for other hidden content."""
    return tag(results.fingerprints.get("content"), results.fingerprints.get("layers"))


def _preview(session: Session) -> dict[str, Any]:
    size = session.photo.size
    scale = pictures.scale_of(size, "screen")
    return {
        "width": max(1, round(size.width * scale)),
        "height": max(1, round(size.height * scale)),
        "scale": scale,
        "picture_url": address(session, "picture", session.photo_tag, size="screen"),
    }


def _object(session: Session, results: Project | None, identity: int) -> dict[str, Any]:
    key = f"object/{identity}"
    value = session.state.value(key)
    area, box, centre = _facts(tuple(value["mask"]["size"]), value["mask"]["counts"])
    return {
        "id": identity,
        "name": value["name"] or value["category"],
        "revision": session.state.revision_of(key),
        "visible_pixels": area,
        "visible_box": box,
        "centre": centre,
        "mask_url": _mask_address(session, results, identity, "visible"),
        "whole": _whole(session, results, identity),
        "hole": _hole(session, results, identity),
    }


@lru_cache(maxsize=1024)
def _facts(size: tuple[int, int], counts: str) -> tuple[int, list[int], list[float]]:
    mask = inputs.mask_of({"size": size, "counts": counts})
    return mask.area, list(mask.box), [round(part, 1) for part in mask.centroid]


def mask_version(session: Session, results: Project | None, identity: int, kind: str) -> str:
    """Return a text that is another one for another mask of an object."""
    visible = session.state.value(f"object/{identity}")["mask"]["counts"]
    if kind == "visible":
        return tag(visible)
    prints = results.fingerprints.get("amodal") if results is not None else None
    return tag(prints, visible, session.state.revision_of(f"whole/{identity}"))


def _mask_address(session: Session, results: Project | None, identity: int, kind: str) -> str:
    version = mask_version(session, results, identity, kind)
    return address(session, f"objects/{identity}/mask.png", version, kind=kind)


def _whole(session: Session, results: Project | None, identity: int) -> dict[str, Any]:
    state, key = session.state, f"whole/{identity}"
    by_hand = state.value(key) is not None
    found = results is not None and results.amodal is not None and identity in results.amodal.masks
    entry: dict[str, Any] = {"revision": state.revision_of(key), "by_hand": by_hand, "box": None, "hidden_pixels": 0,
                             "mask_url": None}  # fmt: skip
    if by_hand or found:
        version = mask_version(session, results, identity, "whole")
        whole = session.memo(("whole", identity, version), lambda: edits.whole_of(session, identity))
        hidden = whole.area - edits.visible_of(session, identity).area
        url = _mask_address(session, results, identity, "whole")
        entry |= {"box": list(whole.box), "hidden_pixels": hidden, "mask_url": url}
    return entry


def _hole(session: Session, results: Project | None, identity: int) -> dict[str, Any]:
    key = f"choice/{identity}"
    choice = session.state.value(key, {"pick": None, "reject": []})
    entry = {"revision": session.state.revision_of(key), "pick": choice["pick"],
             "reject": choice["reject"], "pixels": 0, "method": None, "title": None,
             "fallback_reason": None, "notes": [], "confidence": None}  # fmt: skip
    fill = results.fills.get(identity) if results is not None and results.fills is not None else None
    if fill is None or not fill.hole.any():
        return entry
    sure = float(fill.confidence[fill.hole].mean()) / 255
    return entry | {"pixels": int(np.count_nonzero(fill.hole)), "method": fill.method, "title": title_of(fill.method),
                    "notes": list(fill.notes), "fallback_reason": fill.fallback_reason,
                    "confidence": round(sure, 3)}  # fmt: skip


def _order(session: Session, results: Project | None) -> dict[str, Any]:
    state = session.state
    told: dict[str, Any] = {"edges": [], "dropped": [], "mutual": [], "pairs": []}
    if results is not None and results.graph is not None and results.pairs is not None:
        graph, pairs, present = results.graph, results.pairs, set(state.ids("object"))
        for name, edges in (("edges", graph.edges), ("dropped", graph.dropped)):
            told[name] = [
                {"front": edge.front, "behind": edge.behind, "probability": edge.probability,
                 "reverse": edge.reverse, "by_user": edge.by_user}
                for edge in edges if {edge.front, edge.behind} <= present
            ]  # fmt: skip
        told["mutual"] = [list(pair) for pair in graph.mutual if set(pair) <= present]
        related = np.argwhere(np.triu((pairs.front > 0) | (pairs.front.T > 0), 1)).tolist()
        told["pairs"] = [
            {"a": pairs.ids[i], "b": pairs.ids[j], "a_in_front": float(pairs.front[i, j]),
             "b_in_front": float(pairs.front[j, i])}
            for i, j in related if {pairs.ids[i], pairs.ids[j]} <= present
        ]  # fmt: skip
    told["set"] = [
        entry.value | {"revision": entry.revision} for key, entry in state.entries.items() if key.startswith("order/")
    ]
    return told


def _layers(session: Session, results: Project | None) -> list[dict[str, Any]]:
    if results is None or results.stack is None:
        return []
    version, stack = results_tag(results), results.stack
    return [
        {"id": layer.instance_id, "name": layer.name, "z": layer.z, "box": list(layer.box),
         "clipped": stack.clipped.get(layer.instance_id, 0),
         "picture_url": address(session, f"layers/{layer.instance_id}.png", version, size="screen"),
         "thumbnail_url": address(session, f"layers/{layer.instance_id}.png", version, size="thumb")}
        for layer in stack.layers
    ]  # fmt: skip


def _layered(session: Session, results: Project | None, path: str) -> str | None:
    if results is None or results.stack is None:
        return None
    return address(session, path, results_tag(results), size="screen")


def _arrangement(session: Session, results: Project | None) -> dict[str, Any]:
    if results is None or results.stack is None:
        return dict(session.state.value("arrangement", Arrangement().to_json()))
    return edits.arrangement_of(session).to_json()


def _references(session: Session) -> list[dict[str, Any]]:
    return [
        {key: item[key] for key in ("name", "title", "source", "licence", "page")}
        | {"thumbnail_url": address(session, f"references/{quote(item['name'])}", tag(item["sha256"]), size="thumb")}
        for item in session.state.value("references", [])
    ]


def _overlays(session: Session, results: Project | None) -> dict[str, Any]:
    if results is None or results.fills is None:
        return {"provenance_url": None, "confidence_url": None, "legend": []}
    version = overlays_tag(results)
    told = session.memo(("legend", version), lambda: pictures.legend(results))
    return {
        "provenance_url": address(session, "overlays/provenance.png", version, size="screen"),
        "confidence_url": address(session, "overlays/confidence.png", version, size="screen"),
        "legend": told,
    }


def _stages(results: Project | None) -> list[dict[str, Any]]:
    if results is None:
        return []
    return [
        {"name": name, "method": record.method, "seconds": record.seconds, "notes": list(record.notes),
         "fallback_reason": record.fallback_reason}
        for name, record in results.records.items()
    ]  # fmt: skip


def exports() -> list[dict[str, Any]]:
    """Return the forms that a photo can be exported in."""
    from importlib.util import find_spec

    psd = find_spec("psd_tools") is not None
    return [
        {"name": "png", "title": "PNG + JSON (zip)", "available": True, "hint": None},
        {"name": "ora", "title": "OpenRaster (Krita, GIMP)", "available": True, "hint": None},
        {"name": "psd", "title": "Photoshop", "available": psd,
         "hint": None if psd else 'pip install "deocclude[psd]"'},
        {"name": "photo", "title": "Flattened photo", "available": True, "hint": None},
        {"name": "cocoa", "title": "COCOA annotation (JSON)", "available": True, "hint": None},
    ]  # fmt: skip


def demos() -> list[dict[str, Any]]:
    """Return the demos that are here."""
    from deocclude.demo import demo_names, load_demo

    found = []
    for name in demo_names():
        try:
            demo = load_demo(name)
        except DeoccludeError:
            continue  # scikit-image without its photos
        found.append({"name": name, "title": demo.title, "credit": demo.credit})
    return found
