"""The objects of plain folders, for a reference data set: which there are, what they belong to, which split has them.

Four layouts are known, by content unless one is named:

* ``masks``: an annotation file or folder with the objects' masks; each photo is a scene of its own;
* ``views``: pictures in UKBench order, four views of one thing each, which are one scene;
* ``photos``: a folder for each thing, with photos of it in several surroundings (DreamBooth), one scene each;
* ``classes``: a folder for each class, with photos of its members, a scene each.

Where there are no masks an ellipse in the middle of the picture stands for the object.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deocclude.datasets.composites import whole_looking
from deocclude.datasets.held_out import chance, is_validation
from deocclude.datasets.labelled_scenes import dataset_name, open_dataset
from deocclude.datasets.reference_sample import ReferenceKind
from deocclude.datasets.ukbench import SUFFIXES, read_groups
from deocclude.datasets.whole_objects import LEAST_AREA, SMALLEST, WholeObject
from deocclude.errors import InputError, unknown_choice
from deocclude.formats.photo_names import base_name, stated_name
from deocclude.geometry import Box, Size
from deocclude.images import read_size
from deocclude.masks import Mask
from deocclude.references.credit import Credit

REGION = (0.22, 0.38)
"""Half axes of the ellipse that stands for the object of a picture without masks, as shares of its sides."""
OFF_CENTRE = 0.1
"""By so much of the sides its centre may lie off the picture's."""


@dataclass(frozen=True, eq=False)
class SourceObject:
    """An object that can be hidden.

    Attributes:
        whole: its photo and its visible mask.
        scene: what must not be divided between splits.
        layout: of its data set.
        category: class name, or empty.
        amodal: the whole mask where the data set states one.
    """

    whole: WholeObject
    scene: str
    layout: str
    category: str = ""
    amodal: Mask | None = None


@dataclass(frozen=True, eq=False)
class SourcePicture:
    """A picture that can be a reference.

    Attributes:
        key: names it: data set and file.
        path: the file.
        scene: what it belongs to.
        layout: of its data set.
        category: class name of the part, or empty.
        box: the part that shows the object, as shares of the picture's sides (x0, y0, x1, y1); the whole by default.
        credit: whose it is, where the data set itself states that.
    """

    key: str
    path: Path
    scene: str
    layout: str
    category: str = ""
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    credit: Credit | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """What a data set offers.

    Attributes:
        path: where it lies.
        layout: how.
        objects: that can be hidden.
        pictures: that can be references.
        failures: objects that are left out, by reason.
    """

    path: Path
    layout: str
    objects: tuple[SourceObject, ...]
    pictures: tuple[SourcePicture, ...]
    failures: Counter[str] = field(default_factory=Counter)


SIBLINGS = {"views": ReferenceKind.OTHER_VIEW, "photos": ReferenceKind.OTHER_PHOTO}
"""What another picture of the same scene is, by layout."""


def open_source(data: str) -> Source:
    """Return the objects of a data set.

    Args:
        data: a folder or annotation file, by itself or as ``LAYOUT:PATH``.

    Raises:
        InputError: nothing is there, no such layout, or no object in it.
    """
    if not data:
        raise InputError("a data set: a folder or an annotation file", "an empty text")
    head, _, tail = data.partition(":")
    layout, path = (head, Path(tail)) if head in LAYOUTS and tail else ("", Path(data))
    if not path.exists():
        if tail and not layout and head.isalpha() and len(head) > 1:  # no drive letter
            raise unknown_choice("layout", head, LAYOUTS)
        raise InputError("a data set: a folder or an annotation file", "nothing there", file=path)
    layout = layout or recognised(path)
    source = LAYOUTS[layout](path)
    if not source.objects and not source.failures:
        raise InputError("objects or pictures", "none", file=path)
    return source


def recognised(path: Path) -> str:
    """Return the layout of a data set by what lies in it; photos of one thing are taken for ``photos``."""
    if path.is_file() or not _pictures(path):
        folders = [folder for folder in _folders(path) if _pictures(folder)] if path.is_dir() else []
        annotated = path.is_file() or any(path.glob("*.json")) or any(path.glob("*.png"))
        return "photos" if folders and not annotated else "masks"
    return "masks" if any(path.glob("*.json")) else "views"


def _masks(path: Path) -> Source:
    objects: list[SourceObject] = []
    pictures: list[SourcePicture] = []
    failures: Counter[str] = Counter()
    name = dataset_name(path if path.is_dir() else path.parent)
    credits = _stated_credits(path)
    for labelled in open_dataset(path):
        scene = labelled.scene
        key = f"{name}/{scene.image_file or scene.image_id}"
        if labelled.photo_path is None:
            failures["no photo beside the annotations"] += len(scene)
            continue
        whole = {id(mask) for mask in whole_looking(scene, smallest=1)}
        for item in scene.instances:
            reason = _unusable(item.modal, item.is_stuff, item.amodal is not None or id(item.modal) in whole)
            if item.modal and not item.is_stuff:
                box = _shares(item.modal.box, scene.size)
                credit = credits.get(scene.image_file)
                pictures.append(SourcePicture(key, labelled.photo_path, key, "masks", item.category, box, credit))
            if reason:
                failures[reason] += 1
                continue
            target = WholeObject(f"{key}#{item.id}", key, labelled.photo_path, item.modal)
            objects.append(SourceObject(target, key, "masks", item.category, item.amodal))
    return Source(path, "masks", tuple(objects), tuple(pictures), failures)


def _stated_credits(path: Path) -> dict[str, Credit]:
    """Return the credits that a COCO file states of its photos, by file name."""
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    found: dict[str, Credit] = {}
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            names = {entry["id"]: entry["name"] for entry in content["licenses"]}
            for image in content["images"]:
                facts = {"url": image.get("flickr_url"), "licence": names.get(image.get("license"))}
                found[stated_name(str(image["file_name"]))] = Credit.from_plain(facts)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # another format, or a file that says nothing about licences
    return found


def _unusable(mask: Mask, is_stuff: bool, whole: bool) -> str:
    """Return why an object cannot be hidden with a known truth, or an empty text."""
    if is_stuff:
        return "background, no object"
    if mask.area < LEAST_AREA or max(mask.box.width, mask.box.height) < SMALLEST:
        return f"smaller than {SMALLEST} px or {LEAST_AREA} pixels"
    return "" if whole else "hidden in part already, or cut by the border, and no whole mask stated"


def _views(path: Path) -> Source:
    name = dataset_name(path)
    pictures = [SourcePicture(f"{name}/{file.name}", file, f"{name}/{group.key}", "views")
                for group in read_groups(path) for file in group.paths]  # fmt: skip
    return _bare(path, "views", pictures)


def _photos(path: Path) -> Source:
    name = dataset_name(path)
    pictures = [SourcePicture(f"{name}/{folder.name}/{file.name}", file, f"{name}/{folder.name}", "photos")
                for folder in _folders(path) for file in _pictures(folder)]  # fmt: skip
    return _bare(path, "photos", pictures)


def _classes(path: Path) -> Source:
    names = [(folder.name, file) for folder in _folders(path) for file in _pictures(folder)]
    keys = [(f"{dataset_name(path)}/{name}/{file.name}", name, file) for name, file in names]
    return _bare(path, "classes", [SourcePicture(key, file, key, "classes", name) for key, name, file in keys])


LAYOUTS: dict[str, Callable[[Path], Source]] = {
    "masks": _masks,
    "views": _views,
    "photos": _photos,
    "classes": _classes,
}
"""How data sets lie in folders, by name."""


def _bare(path: Path, layout: str, pictures: Iterable[SourcePicture]) -> Source:
    """Return the source of pictures without masks."""
    listed = tuple(pictures)
    failures: Counter[str] = Counter()
    objects = []
    for picture in listed:
        size = _size(picture.path)
        if size is None:
            failures["photo is damaged"] += 1
            continue
        whole = WholeObject(picture.key, picture.key, picture.path, middle(size, picture.key), True)
        objects.append(SourceObject(whole, picture.scene, layout, picture.category))
    return Source(path, layout, tuple(objects), listed, failures)


def middle(size: Size, key: str) -> Mask:
    """Return the ellipse that stands for the object of a picture; equal names give equal ellipses."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))
    (down, across), (y, x) = rng.uniform(*REGION, 2), rng.uniform(0.5 - OFF_CENTRE, 0.5 + OFF_CENTRE, 2)
    row, column = np.ogrid[: size.height, : size.width]
    off = ((column + 0.5) / size.width - x) / across, ((row + 0.5) / size.height - y) / down
    return Mask.from_array(off[0] ** 2 + off[1] ** 2 <= 1)


def split_of(item: SourceObject | SourcePicture, test_share: float = 0.25) -> str:
    """Return the split of an object or picture: depends on its scene only, so that data sets agree about it.

    Of data sets with masks, the test split is the tenth of the photos that no network of this package is trained on
    (:func:`deocclude.datasets.held_out.is_validation`); of the others it is ``test_share`` of the scenes. A tenth of
    the rest is for validation.
    """
    test = is_validation(base_name(item.scene)) if item.layout == "masks" else chance(f"test {item.scene}") < test_share
    if test:
        return "test"
    return "validation" if chance(f"validation {item.scene}") < 0.1 else "train"


def _shares(box: Box, size: Size) -> tuple[float, float, float, float]:
    return box.x0 / size.width, box.y0 / size.height, box.x1 / size.width, box.y1 / size.height


def _folders(path: Path) -> Iterator[Path]:
    return (folder for folder in sorted(path.iterdir()) if folder.is_dir() and not folder.name.startswith("."))


def _pictures(path: Path) -> list[Path]:
    files = sorted(path.iterdir()) if path.is_dir() else []
    return [file for file in files if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]


def _size(path: Path) -> Size | None:
    """Return the size of a picture as it is looked at; ``None`` if it is none."""
    try:
        return read_size(path)
    except (InputError, OSError):
        return None
