"""Stage results to and from what ``scene.json`` and the small files beside it hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deocclude import __version__, rle
from deocclude.amodal.result import AmodalMasks, ShapeProbability
from deocclude.content.patch import Fill
from deocclude.crops import Square
from deocclude.errors import InputError
from deocclude.formats.base import read_box, read_mask
from deocclude.formats.record import Record, is_whole
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.images import png_bytes, write_picture
from deocclude.masks import Mask
from deocclude.ordering.graph import Edge, OrderGraph, Override
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.project.state import Project
from deocclude.scene import Instance, Scene
from deocclude.stages import StageRecord

_PLAIN = ("id", "name", "category", "category_id", "is_stuff", "depth_rank", "cluster", "score")


def index_of(project: Project, photo_file: str) -> dict[str, Any]:
    """Return the content of ``scene.json``, as plain values."""
    photo = project.photo
    scene = project.scene or project.given
    index: dict[str, Any] = {
        "deocclude": __version__,
        "photo": {
            "file": photo_file, "width": photo.size.width, "height": photo.size.height,
            "orientation": photo.orientation, "name": photo.name,
        },
        "settings": dict(project.settings),
        "image": {"file": scene.image_file, "id": scene.image_id},
        "instances": [_instance(project, position) for position in range(len(scene))],
        "given": _given(project),
        "corrections": {"order": [asdict(item) for item in project.corrections.order],
                        "amodal": sorted(project.corrections.amodal),
                        "painters": {str(key): name for key, name in project.corrections.painters.items()},
                        "references": [choice.as_plain() for choice in project.corrections.references]},
        "order": _order(project),
        "stages": {name: _record(record) for name, record in project.records.items()},
        "fingerprints": dict(project.fingerprints),
    }  # fmt: skip
    if scene.order_truth is not None:
        index["order_truth"] = sorted(map(list, scene.order_truth))
    if project.amodal is not None:
        index["probability"] = [
            {"id": identity, "square": list(map(float, found.square)), "size": len(found.patch)}
            for identity, found in project.amodal.probability.items()
        ]
    if project.fills is not None:
        index["content"] = fill_entries(project.fills)
    return index


def scene_of(index: Record, labels: NDArray[np.int32]) -> Scene:
    """Return the repaired scene from ``scene.json`` and the label picture of the visible masks.

    Raises:
        InputError: an entry is damaged. So for all functions below that take the index as a record.
    """
    size, entries = Size(*labels.shape), list(index.records("instances"))
    if not entries:
        raise index.wrong("instances", "at least one object", found="none")
    boxes = _label_boxes(labels, len(entries))
    masks = [
        Mask.from_crop(labels[box.slices] == position, box[:2], size) for position, box in enumerate(boxes, start=1)
    ]
    instances = tuple(_read_instance(*pair) for pair in zip(entries, masks, strict=True))
    _check_ids(entries, instances)
    image = index.record("image")
    identity = image.identity("id") if image.has("id") else None
    return Scene(size, instances, image.exact_text("file"), identity, _order_truth(index, instances))


def given_of(index: Record, scene: Scene) -> Scene:
    """Return the scene as it was handed in, before the repair."""
    if index.values["given"] is None:
        return scene
    entries = list(index.records("given"))
    masks = [
        read_mask(entry, "modal", scene.size) if entry.has("modal") else scene[entry.whole("id")].modal
        for entry in entries
    ]
    instances = tuple(_read_instance(*pair) for pair in zip(entries, masks, strict=True))
    _check_ids(entries, instances)
    return replace(scene, instances=instances)


def _read_instance(entry: Record, modal: Mask) -> Instance:
    """Return the object that an entry describes: the other way round of :data:`_PLAIN`."""
    return Instance(
        entry.whole("id"),
        modal,
        name=entry.exact_text("name"),
        amodal=read_mask(entry, "amodal_truth", modal.size) if entry.has("amodal_truth") else None,
        category=entry.exact_text("category"),
        category_id=entry.whole_or_none("category_id"),
        is_stuff=entry.flag("is_stuff"),
        depth_rank=entry.whole_or_none("depth_rank"),
        cluster=entry.whole_or_none("cluster"),
        score=entry.number_or_none("score"),
    )


def _check_ids(entries: Sequence[Record], instances: Sequence[Instance]) -> None:
    seen: set[int] = set()
    for entry, item in zip(entries, instances, strict=True):
        if item.id < 1 or item.id in seen:
            raise entry.wrong("id", "ids of 1 or more that occur once")
        seen.add(item.id)


def _order_truth(index: Record, instances: Sequence[Instance]) -> frozenset[tuple[int, int]] | None:
    if not index.has("order_truth"):
        return None
    return frozenset(_pairs(index, "order_truth", {item.id for item in instances}))


def _pairs(record: Record, key: str, known: Collection[int]) -> list[tuple[int, int]]:
    """Return the pairs of object ids in a list."""
    pairs = record.items(key)
    if not all(isinstance(pair, list) and len(pair) == 2 and all(map(is_whole, pair)) for pair in pairs):
        raise record.wrong(key, "pairs [id, id] of objects", found="something else among them")
    if unknown := {identity for pair in pairs for identity in pair} - set(known):
        raise record.wrong(key, f"ids among {', '.join(map(str, sorted(known)))}", found=str(min(unknown)))
    return [(int(a), int(b)) for a, b in pairs]


def overrides_of(index: Mapping[str, Any]) -> tuple[Override, ...]:
    """Return the arrows that were set by hand."""
    return tuple(Override(int(o["first"]), int(o["second"]), str(o["relation"])) for o in index["corrections"]["order"])


def painters_of(index: Mapping[str, Any]) -> dict[int, str]:
    """Return the fill methods that were picked by hand, by object id."""
    return {int(key): str(name) for key, name in index["corrections"].get("painters", {}).items()}


def order_of(index: Record, scene: Scene) -> tuple[PairwiseOrder | None, OrderGraph | None]:
    """Return the pairwise order and the graph, or nothing if the stage has not run."""
    if index.values["order"] is None:
        return None, None
    entry = index.record("order")
    place = {identity: position for position, identity in enumerate(scene.ids)}
    front = np.zeros((len(scene), len(scene)))
    for pair in entry.records("pairs"):
        a, b = place[_known(pair, "a", scene.ids)], place[_known(pair, "b", scene.ids)]
        front[a, b], front[b, a] = pair.number("a_in_front"), pair.number("b_in_front")
    pairs = PairwiseOrder(scene.ids, front, stage_records_of(index)["order"])
    edges, dropped = (tuple(_edge(edge, scene.ids) for edge in entry.records(key)) for key in ("edges", "dropped"))
    mutual = tuple(_pairs(entry, "mutual", scene.ids))
    graph = OrderGraph(scene.ids, edges, dropped, mutual, overrides_of(index.values))
    _check_layers(entry, graph)
    return pairs, graph


def _edge(entry: Record, known: Collection[int]) -> Edge:
    ends = _known(entry, "front", known), _known(entry, "behind", known)
    return Edge(*ends, entry.number("probability"), entry.number("reverse"), entry.flag("by_user"))


def _known(record: Record, key: str, known: Collection[int]) -> int:
    """Return the id of an object that is there."""
    identity = record.whole(key)
    if identity not in known:
        raise record.wrong(key, f"an object id among {', '.join(map(str, known))}")
    return identity


def _check_layers(entry: Record, graph: OrderGraph) -> None:
    """Refuse arrows that no stack of layers can follow, as an edit by hand may leave them."""
    try:
        graph.z_order()
    except (KeyError, ValueError):
        expected = "arrows without a cycle, and both of each mutual pair"
        raise entry.wrong("edges", expected, found="others", hint="set arrows with 'deocclude order --set'") from None


def amodal_of(index: Record, masks: Mapping[int, Mask], folder: Path) -> AmodalMasks:
    """Return the whole shapes with their record, and how probable they are from the pictures in ``folder``.

    Raises:
        InputError: a picture is missing or damaged.
        ValueError: it has another size than the index says.
    """
    return AmodalMasks(masks, stage_records_of(index)["amodal"], read_probability(folder, index.values))


def stage_records_of(index: Record) -> dict[str, StageRecord]:
    """Return how each stage came to its result."""
    stages = index.record("stages")
    return {name: _stage_record(stages.record(name)) for name in stages.values}


def _stage_record(entry: Record) -> StageRecord:
    return StageRecord(
        entry.exact_text("method"),
        entry.record("settings").values,
        entry.number("seconds"),
        entry.exact_text("fallback_reason") or None,
        tuple(map(str, entry.items("notes"))),
    )


def amodal_scene(project: Project) -> Scene:
    """Return the scene with the predicted whole shapes and depth ranks, for ``amodal.json``."""
    assert project.scene is not None and project.amodal is not None  # written after the stage has run
    bottom_up = project.order.z_order({item.id: item.modal.area for item in project.scene.instances})
    ranks = {identity: rank for rank, identity in enumerate(reversed(bottom_up), 1)}
    instances = tuple(
        replace(item, amodal=project.amodal.masks[item.id], depth_rank=ranks[item.id])
        for item in project.scene.instances
    )
    pairs = frozenset((edge.front, edge.behind) for edge in project.order.edges)
    return replace(project.scene, instances=instances, order_truth=pairs)


def write_probability(found: Mapping[int, ShapeProbability], folder: Path) -> None:
    """Write each map as an 8-bit picture of its patch; no folder where there is no map."""
    if found:
        folder.mkdir()
    for identity, item in found.items():
        write_picture(folder / f"{identity}.png", np.rint(item.patch.astype(np.float32) * 255).astype(np.uint8))


def read_probability(folder: Path, index: Mapping[str, Any]) -> dict[int, ShapeProbability]:
    """Read what :func:`write_probability` wrote; it is the same to within half of 1/255, and exact from then on.

    Raises:
        InputError: a picture is missing or damaged.
        ValueError: it has another size than the index says, or shows no square of the photo.
    """
    found = {}
    for entry in index.get("probability", ()):
        identity, size = int(entry["id"]), int(entry["size"])
        patch = _picture(folder / f"{identity}.png", (size, size)).astype(np.float32) / 255
        x0, y0, side = map(float, entry["square"])
        if not (side > 0 and np.isfinite([x0, y0, side]).all()):
            raise ValueError(f"{entry['square']} is no square")
        found[identity] = ShapeProbability(Square(x0, y0, side), patch.astype(np.float16))
    return found


def fill_entries(fills: Mapping[int, Fill]) -> list[dict[str, Any]]:
    """Return what an index says of fills, as plain values."""
    return [
        {
            "id": key,
            "box": list(fill.box),
            "method": fill.method,
            "fallback_reason": fill.fallback_reason,
            "notes": list(fill.notes),
        }
        for key, fill in fills.items()
    ]


def write_fills(fills: Mapping[int, Fill], folder: Path) -> None:
    """Write each fill as RGBA crop (alpha marks the hidden pixels) with its provenance and confidence crops."""
    folder.mkdir()

    def encoded(about: tuple[int, Fill]) -> dict[str, bytes]:
        identity, fill = about
        alpha = np.where(fill.hole, 255, 0).astype(np.uint8)
        pictures = {"": np.dstack([fill.rgb, alpha]), ".provenance": fill.provenance, ".confidence": fill.confidence}
        return {f"{identity}{kind}.png": png_bytes(pixels) for kind, pixels in pictures.items()}

    with ThreadPoolExecutor() as threads:
        for files in threads.map(encoded, ((key, fill) for key, fill in fills.items() if fill.hole.any())):
            for name, data in files.items():
                (folder / name).write_bytes(data)


def read_fills(folder: Path, entries: Iterable[Record], size: Size) -> dict[int, Fill]:
    """Read what :func:`write_fills` and :func:`fill_entries` wrote of a photo of ``size``.

    Raises:
        InputError: an entry is damaged; or a picture is, or is missing.
        ValueError: it has another size than its box.
    """
    fills = {}
    for entry in entries:
        identity, box = entry.whole("id"), read_box(entry, "box", size)
        shape = (box.height, box.width)
        rgba, plain = np.zeros((*shape, 4), np.uint8), np.zeros(shape, np.uint8)
        provenance = confidence = plain
        if not box.empty:
            rgba = _picture(folder / f"{identity}.png", rgba.shape)
            provenance = _picture(folder / f"{identity}.provenance.png", shape)
            confidence = _picture(folder / f"{identity}.confidence.png", shape)
        hole, rgb = rgba[..., 3] > 0, np.ascontiguousarray(rgba[..., :3])
        told = (
            entry.exact_text("method"),
            entry.exact_text("fallback_reason") or None,
            tuple(map(str, entry.items("notes"))),
        )
        fills[identity] = Fill(identity, box, hole, rgb, provenance, confidence, *told)
    return fills


def _instance(project: Project, position: int) -> dict[str, Any]:
    item = (project.scene or project.given).instances[position]
    entry = {key: getattr(item, key) for key in _PLAIN}
    entry |= {"visible_pixels": item.modal.area, "visible_box": list(item.modal.box)}
    if project.amodal is not None:
        whole = project.amodal.masks[item.id]
        entry |= {"whole_box": list(whole.box), "hidden_pixels": whole.area - item.modal.area}
    if project.graph is not None:
        entry["hidden_by"] = list(project.graph.occluders(item.id))
    if project.stack is not None:
        entry["z"] = next((layer.z for layer in project.stack.layers if layer.instance_id == item.id), None)
    if item.amodal is not None:
        entry["amodal_truth"] = rle.encode(item.amodal)
    return entry


def _given(project: Project) -> list[dict[str, Any]] | None:
    """Return the objects as handed in, or ``None`` when the repair changed nothing.

    Masks that the repair has not seen may overlap, which a picture of labels cannot tell: each is written out.
    """
    if project.scene is not None and project.scene == project.given:
        return None
    repaired = {item.id: item for item in project.scene.instances} if project.scene is not None else {}
    entries = []
    for item in project.given.instances:
        entry: dict[str, Any] = {key: getattr(item, key) for key in _PLAIN}
        if item.id not in repaired or repaired[item.id].modal != item.modal:
            entry["modal"] = rle.encode(item.modal)
        if item.amodal is not None:
            entry["amodal_truth"] = rle.encode(item.amodal)
        entries.append(entry)
    return entries


def _order(project: Project) -> dict[str, Any] | None:
    if project.pairs is None or project.graph is None:
        return None
    ids, front = project.pairs.ids, project.pairs.front
    related = np.argwhere(np.triu((front > 0) | (front.T > 0), 1)).tolist()
    return {
        "pairs": [
            {"a": ids[i], "b": ids[j], "a_in_front": float(front[i, j]), "b_in_front": float(front[j, i])}
            for i, j in related
        ],
        "edges": [asdict(edge) for edge in project.graph.edges],
        "dropped": [asdict(edge) for edge in project.graph.dropped],
        "mutual": [list(pair) for pair in project.graph.mutual],
    }


def _record(record: StageRecord) -> dict[str, Any]:
    return {**asdict(record), "notes": list(record.notes)}


def _picture(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("a picture of this project", f"none that can be read ({error})", file=path) from None
    if pixels.shape != shape:
        raise ValueError(f"{path.name} has the shape {pixels.shape} instead of {shape}")
    return pixels


def _label_boxes(labels: NDArray[np.int32], count: int) -> list[Box]:
    from scipy.ndimage import find_objects

    found = find_objects(labels, max_label=count)
    return [Box(s[1].start, s[0].start, s[1].stop, s[0].stop) if s is not None else EMPTY_BOX for s in found]
