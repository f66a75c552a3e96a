"""Labelled scenes to score on, from any data set the package can read, with the rules that each one asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deocclude.datasets.cocoa_cls import read_cocoa_cls
from deocclude.datasets.lmo import read_lmo
from deocclude.datasets.synthetic_files import ANNOTATIONS, DESCRIPTION, PHOTOS
from deocclude.errors import InputError
from deocclude.formats import photo_names, read_scenes
from deocclude.images import Photo, read_photo
from deocclude.scene import Scene

LMO = "lmo_amodal_modal_order.json"
COCOA_CLS = "cocoa_cls_val_subset.json"
PHOTO_FOLDERS = (".", PHOTOS, "images")
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class LabelledScene:
    """A scene with truth.

    Attributes:
        scene: the objects; true amodal masks and an annotated order where the data set has them.
        photo_path: the photo, or ``None`` where it is not beside the annotations.
        scored: ids of the objects whose amodal masks count, or ``None`` for all that have a true one.
        truth: the order truth that the data set is scored with, ``masks`` or ``annotated`` (see
            :func:`deocclude.evaluation.ordering.truth`).
    """

    scene: Scene
    photo_path: Path | None = None
    scored: frozenset[int] | None = None
    truth: str = "masks"

    def photo(self) -> Photo | None:
        """Read the photo, converted to 8-bit RGB where it is not; ``None`` where there is none.

        Raises:
            InputError: it is damaged.
        """
        return None if self.photo_path is None else read_photo(self.photo_path, convert=True)


def dataset_name(path: Path | str) -> str:
    """Return what a data set is called in keys: the name of its folder or file, however the path to it is written."""
    path = Path(path)
    return path.name if path.name not in ("", "..") else path.resolve().name


def open_dataset(path: Path | str) -> Iterator[LabelledScene]:
    """Yield the scenes of a data set.

    Known by their content: a folder of synthetic scenes, LM-Occlusion and the COCOA-cls subset (folder or JSON), and
    every mask format of :mod:`deocclude.formats` (COCOA, KINS, ...), as a file or a folder of files. Photos are
    looked for beside the annotations, in ``photos/`` and in ``images/``, and where COCO's layout has them.

    Raises:
        InputError: nothing is there, or it is no data set.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("a data set: a folder or an annotation file", "nothing there", file=path)
    folder = path if path.is_dir() else path.parent
    if (folder / DESCRIPTION).is_file() and path in (folder, folder / ANNOTATIONS):
        return _synthetic(folder)
    if path in (folder, folder / LMO) and (folder / LMO).is_file():
        return _lmo(folder)
    if path in (folder, folder / COCOA_CLS) and (folder / COCOA_CLS).is_file():
        return _cocoa_cls(folder)
    return _generic(path, folder)


def find_photo(folder: Path, scene: Scene) -> Path | None:
    """Return the photo of a scene: by the name that the annotation states, else by the annotation file's own name.

    A file of many images is named after none of them. A file in COCO's layout (``annotations/instances_val2017.json``)
    has its photos beside ``annotations``, in a folder called ``val2017`` or ``images``.
    """
    names = [scene.image_file] if scene.image_file else []
    if scene.source is not None and scene.only_image:
        names += [scene.source.stem + suffix for suffix in PHOTO_SUFFIXES]
    places = [folder / place for place in PHOTO_FOLDERS]
    if folder.resolve().name == "annotations" and scene.source is not None:
        split = scene.source.stem.rpartition("_")[2]
        places += [folder.resolve().parent / place for place in (split, "images", f"images/{split}")]
    return next(filter(None, (photo_names.find_photo(name, places) for name in names)), None)


def _synthetic(folder: Path) -> Iterator[LabelledScene]:
    for scene in read_scenes(folder / ANNOTATIONS):
        yield LabelledScene(scene, find_photo(folder, scene), truth="annotated")


def _lmo(folder: Path) -> Iterator[LabelledScene]:
    for frame in read_lmo(folder / LMO):
        yield LabelledScene(frame.scene, find_photo(folder, frame.scene), frame.scored)


def _cocoa_cls(folder: Path) -> Iterator[LabelledScene]:
    for scene in read_cocoa_cls(folder / COCOA_CLS):
        yield LabelledScene(scene, find_photo(folder, scene), truth="annotated")


def _generic(path: Path, folder: Path) -> Iterator[LabelledScene]:
    for scene in read_scenes(path, allow_empty=True):
        whole = all(item.amodal is not None for item in scene.instances)
        truth = "masks" if whole or scene.order_truth is None else "annotated"
        yield LabelledScene(scene, find_photo(folder, scene), truth=truth)
