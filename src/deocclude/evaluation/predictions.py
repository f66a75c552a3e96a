"""Answers of other methods, read from files, to be scored like those of our own.

Whole shapes stand in COCO's result files (a list of ``{image_id, segmentation, id}``), in COCO files (where
``segmentation`` is then the whole shape), in COCOA or KINS, or in a folder of such, one a photo. An order stands in
``depth_constraint`` of COCOA, whose annotations then need no ``regions``, or follows from ranks (``order`` of COCOA,
``ico_id`` of KINS) between objects that touch.

Images are matched by their ids, else by the names of their photos; objects by their ids where all of an image have one
that the data set knows, else by their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deocclude.adjacency import touching_pairs
from deocclude.datasets.labelled_scenes import LabelledScene
from deocclude.errors import InputError, some_of
from deocclude.formats import OpenedImage, open_images
from deocclude.formats.base import ImageEntry
from deocclude.formats.cocoa import read_order
from deocclude.formats.photo_names import base_name, stated_name
from deocclude.formats.record import Record
from deocclude.formats.source import open_source
from deocclude.masks import Mask
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Instance, Scene
from deocclude.stages import StageRecord

METHOD = "predictions"
HOLDING_SHAPES = ("cocoa", "kins", "coco", "sam")
"""Formats that can hold whole shapes; COCO's result files are read as SAM's lists."""


@dataclass(frozen=True)
class _Image:
    """What a file says about one image: objects, or nothing but an order."""

    entry: ImageEntry
    file: Path
    objects: OpenedImage | None = None
    order: Record | None = None


class Predictions:
    """The answers of one method.

    Args:
        path: the file, or a folder of files with one photo each.
        name: what to call the method; the name of the file by default.

    Raises:
        InputError: it cannot be read, or is of a format that holds no whole shapes.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.path, self.name = path, name or path.stem or path.resolve().stem
        images = _orders_alone(path) or [_opened(one) for one in open_images(path)]
        self._by_id = _index((str(image.entry.image_id), image) for image in images if image.entry.image_id is not None)
        self._by_name = _index((_stem(image.entry.file_name) or image.file.stem, image) for image in images)
        self._count, self._used = len(images), dict[int, str]()
        self._by_order, self._apart, self._unknown = set[str](), set[tuple[str, int]](), set[tuple[str, int]]()

    def shapes(self, labelled: LabelledScene) -> dict[int, Mask]:
        """Return the whole shapes of the objects of a scene that have one here, by object id.

        Raises:
            InputError: nothing about the image, masks of another size, or objects that cannot be matched.
        """
        image = self._image(labelled)
        scene = self._scene(image, labelled.scene, "whole shapes")
        wanted = [
            item
            for item in labelled.scene.instances
            if item.amodal is not None and (labelled.scored is None or item.id in labelled.scored)
        ]
        pairs = self._matched(scene, labelled.scene, wanted)
        found = {mine.id: item.modal if item.amodal is None else item.amodal for item, mine in pairs}
        where = _called(labelled.scene)
        seen = (mine for _, mine in pairs if mine.modal)
        self._apart |= {(where, mine.id) for mine in seen if not found[mine.id].overlap(mine.modal)}
        return found

    def order(self, labelled: LabelledScene) -> PairwiseOrder:
        """Return the order of the objects of a scene, 1 where one is said to hide part of the other.

        Raises:
            InputError: nothing about the image or its order, or objects that cannot be matched.
        """
        image, given = self._image(labelled), labelled.scene
        if image.order is not None:
            pairs = read_order(image.order, given.ids) or frozenset()
        else:
            scene = self._scene(image, given, "an order")
            matched = self._matched(scene, given, given.instances)
            pairs = _pairs(scene, given, {item.id: mine.id for item, mine in matched}, image.file)
        place = {identity: position for position, identity in enumerate(given.ids)}
        front = np.zeros((len(given), len(given)))
        for one, other in pairs:
            front[place[one], place[other]] = 1.0
        return PairwiseOrder(given.ids, front, StageRecord(METHOD, {"file": str(self.path)}, 0.0))

    @property
    def note(self) -> str:
        """One line for a table: the file, and what of it was not as expected."""
        parts = [f"{self.name}: {self.path}, as it is"]
        unused = self._count - len(self._used)
        parts += [f"objects matched by their order in {len(self._by_order)} scenes"] if self._by_order else []
        parts += [f"{len(self._unknown)} objects that the data set does not have left out"] if self._unknown else []
        parts += [f"{unused} of its images are not scored"] if unused else []
        parts += [f"{len(self._apart)} shapes do not meet the visible part of their object"] if self._apart else []
        return "; ".join(parts)

    def _image(self, labelled: LabelledScene) -> _Image:
        scene = labelled.scene
        name = _stem(scene.image_file) or (scene.source.stem if scene.source else "")
        found = self._by_id.get(str(scene.image_id)) or self._by_name.get(name)
        if found is None:
            hint = "images are matched by image_id, else by file_name; each may occur once"
            raise InputError(
                "predictions for every scored image", f"none for {_called(scene)}", file=self.path, hint=hint
            )
        if self._used.setdefault(id(found), name) != name:
            raise InputError("image ids that occur once in the data set", f"{_called(scene)} twice", file=scene.source)
        return found

    def _scene(self, image: _Image, given: Scene, wanted: str) -> Scene:
        if image.objects is None:
            raise InputError(wanted, "an order alone", file=image.file, field=_called(given))
        scene = image.objects.read(given.size)
        if scene.instances and scene.size != given.size:
            found = f"masks of {scene.size}"
            raise InputError(f"masks of {given.size}", found, file=image.file, field=_called(given))
        return scene

    def _matched(self, scene: Scene, given: Scene, wanted: Sequence[Instance]) -> list[tuple[Instance, Instance]]:
        """Return (predicted object, object of the data set); all of ``wanted`` are among the latter."""
        stated = [item.annotation_id for item in scene.instances if item.annotation_id is not None]
        for known in (_ids_of_file(given), {item.id: item for item in given.instances}):
            if len(stated) < len(scene):
                break
            listed = zip(scene.instances, stated, strict=True)
            pairs = [(item, known[identity]) for item, identity in listed if identity in known]
            lacking = {item.id for item in wanted} - {mine.id for _, mine in pairs}
            if pairs and not lacking and (len(pairs) == len(scene) or len(scene) != len(given)):
                self._unknown |= {(_called(given), identity) for identity in stated if identity not in known}
                return pairs
            if pairs and len(pairs) == len(scene):
                names = some_of(f"{item.id} ({item.label})" for item in wanted if item.id in lacking)
                expected = f"predictions for the {len(wanted)} objects that are scored"
                raise InputError(expected, f"none for {names}", file=self.path, field=_called(given))
        if len(scene) != len(given):
            ids = some_of(map(str, _ids_of_file(given)))
            expected = f"as many objects as the data set has ({len(given)}), or ids of such ({ids})"
            found = f"{len(scene)} {'with other ids' if stated else 'without ids'}"
            raise InputError(expected, found, file=self.path, field=_called(given))
        self._by_order.add(_called(given))
        return list(zip(scene.instances, given.instances, strict=True))


def named_predictions(sources: Iterable[str]) -> tuple[Predictions, ...]:
    """Return the predictions of ``FILE`` or ``NAME=FILE`` texts.

    Raises:
        InputError: a file that cannot be used, or a name that occurs twice.
    """
    found: dict[str, Predictions] = {}
    for source in sources:
        name, _, path = source.rpartition("=")
        if not path:
            raise InputError("FILE or NAME=FILE", repr(source), field="--predictions")
        one = Predictions(Path(path), name) if name and not Path(source).exists() else Predictions(Path(source))
        if one.name in found:
            raise InputError("names that occur once", f"{one.name!r} twice", field="--predictions",
                             hint="give one with --predictions NAME=FILE")  # fmt: skip
        found[one.name] = one
    return tuple(found.values())


def _opened(one: OpenedImage) -> _Image:
    if one.format.name not in HOLDING_SHAPES:
        expected = "whole shapes in a COCO result file, or in COCO, COCOA or KINS JSON"
        raise InputError(expected, one.format.title, file=one.file)
    return _Image(one.entry, one.file, objects=one)


def _orders_alone(path: Path) -> list[_Image]:
    """Return the annotations of a COCOA file that state an order and no regions; none where it is another file."""
    document = open_source(path).document
    listed = document.get("annotations") if isinstance(document, dict) else document
    if not isinstance(listed, list) or not listed or not isinstance(listed[0], dict):
        return []
    if "depth_constraint" not in listed[0] or "regions" in listed[0]:
        return []
    images = []
    for number, value in enumerate(listed):
        record = Record.of(value, path, f"[{number}]" if isinstance(document, list) else f"annotations[{number}]")
        identity = record.identity("image_id") if record.has("image_id") else None
        images.append(_Image(ImageEntry(identity, stated_name(record.text("file_name"))), path, order=record))
    return images


def _index(keyed: Iterable[tuple[str, _Image]]) -> dict[str, _Image | None]:
    """Return the images by key; ``None`` where several have the key."""
    found: dict[str, _Image | None] = {}
    for key, image in keyed:
        found[key] = None if key in found else image
    return found


def _stem(name: str) -> str:
    """Return the name of a photo without folder and suffix."""
    return Path(base_name(name)).stem


def _ids_of_file(scene: Scene) -> dict[int, Instance]:
    """Return the objects by the ids that their file gives them, else by their own."""
    return {item.id if item.annotation_id is None else item.annotation_id: item for item in scene.instances}


def _pairs(scene: Scene, given: Scene, mine: Mapping[int, int], file: Path) -> frozenset[tuple[int, int]]:
    """Return the pairs (front, behind) that a scene states, in the ids of the data set."""
    if scene.order_truth is not None:
        known = (pair for pair in scene.order_truth if mine.keys() >= set(pair))
        return frozenset((mine[front], mine[behind]) for front, behind in known)
    ranks = {mine[item.id]: (item.cluster, item.depth_rank) for item in scene.instances if item.id in mine}
    if len(scene) > 1 and all(rank is None for _, rank in ranks.values()):
        hint = "COCOA states one in depth_constraint, or ranks in order; KINS in ico_id"
        raise InputError("an order", "none", file=file, field=_called(given), hint=hint)
    pairs = set()
    for i, j in touching_pairs(given.modal, 1, shape="cross"):
        (cluster, rank), (other_cluster, other_rank) = ranks[given.ids[i]], ranks[given.ids[j]]
        if cluster == other_cluster and rank is not None and other_rank is not None and rank != other_rank:
            pairs.add((given.ids[i], given.ids[j]) if rank < other_rank else (given.ids[j], given.ids[i]))
    return frozenset(pairs)


def _called(scene: Scene) -> str:
    return f"image {scene.image_id if scene.image_id is not None else scene.image_file or scene.source}"
