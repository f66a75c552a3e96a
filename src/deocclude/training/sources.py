"""From annotation files to packs: every mask format that the package reads can be trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.amodal import METHODS as AMODAL
from deocclude.amodal import NEED_PHOTO, complete
from deocclude.datasets import standing, tabletop
from deocclude.datasets.labelled_scenes import find_photo
from deocclude.errors import InputError, unknown_choice
from deocclude.formats import open_images, read_scenes
from deocclude.geometry import Size
from deocclude.images import read_photo
from deocclude.masks import union
from deocclude.ordering import METHODS, estimate
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Scene
from deocclude.training.answer_packing import Answer, AnswerPackSettings, write_answer_pack
from deocclude.training.packing import PackSettings, write_pack
from deocclude.training.pair_packing import write_pair_pack
from deocclude.training.pair_scenes import PairScenes, pair_scenes, training_masks
from deocclude.training.photo_packing import PhotoPackSettings, write_photo_pack
from deocclude.training.scene_packing import write_scene_pack
from deocclude.training.shapes import shape_scenes


def pack_sources(
    sources: Sequence[Path],
    out: Path,
    settings: PackSettings | None = None,
    *,
    shapes: int = 0,
    seed: int = 0,
    order: str = "",
) -> int:
    """Pack all objects of annotation files, and random whole shapes besides; return how many objects there are.

    Args:
        sources: files or folders in any format of :mod:`deocclude.formats`.
        out: the pack folder; replaced as a whole.
        settings: sizes and limits.
        shapes: number of random shapes to add (:mod:`deocclude.training.shapes`); about a third of the pack helps.
        seed: of the shapes.
        order: ordering method (:data:`deocclude.ordering.METHODS`) that tells which objects are hidden and which lie
            behind; without one their convex hulls do. With a trained network that is a second round of self-training.

    Raises:
        InputError: a file that cannot be read, an unknown method, or no usable object.
        OutputError: the folder cannot be written.
    """
    scenes = chain.from_iterable(read_scenes(source, skip_empty=True) for source in sources)
    if order and order not in METHODS:
        raise unknown_choice("ordering method", order, METHODS)
    orderer = partial(estimate, method=order) if order else None
    return write_pack(chain(scenes, shape_scenes(shapes, seed)), out, settings, orderer)


def pack_photos(sources: Sequence[Path], out: Path, settings: PhotoPackSettings | None = None) -> int:
    """Pack all photos of annotation files with their masks, and return how many objects are large enough to train on.

    Args:
        sources: files or folders in any format of :mod:`deocclude.formats`; photos without an object count too. Photos
            are looked for as in data sets (:func:`deocclude.datasets.labelled_scenes.find_photo`), and may be smaller
            than the size that the annotations state.
        out: the pack folder; replaced as a whole.
        settings: sizes and limits.

    Raises:
        InputError: a file or photo that cannot be read, or no usable object.
        OutputError: the folder cannot be written.
    """
    return write_photo_pack(chain.from_iterable(map(photo_scenes, sources)), out, photo_of, settings)


def pack_answers(
    sources: Sequence[Path],
    out: Path,
    settings: AnswerPackSettings | None = None,
    *,
    order: str = "pcnet-m",
    amodal: str = "pcnet-m",
) -> int:
    """Pack the objects of photos with what methods that know all masks say of them; return how many there are.

    Args:
        sources: files or folders in any format of :mod:`deocclude.formats`; photos are found as by :func:`pack_photos`.
        out: the pack folder; replaced as a whole.
        settings: sizes and limits.
        order: the teacher's ordering method (:data:`deocclude.ordering.METHODS`).
        amodal: its amodal method (:data:`deocclude.amodal.METHODS`), one that needs no photo.

    Raises:
        InputError: a file or photo that cannot be read, an unknown method, or no usable object.
        OutputError: the folder cannot be written.
    """
    for what, name, known in (("ordering", order, METHODS), ("amodal", amodal, set(AMODAL) - NEED_PHOTO)):
        if name not in known:
            raise unknown_choice(f"{what} method", name, known)
    teacher = partial(_answers, order=order, amodal=amodal)
    scenes = chain.from_iterable(read_scenes(source, skip_empty=True) for source in sources)
    return write_answer_pack(scenes, out, photo_of, teacher, settings)


def _answers(scene: Scene, order: str, amodal: str) -> dict[int, Answer]:
    """Return what two methods say of a scene with disjoint masks, by object."""
    graph = OrderGraph.build(estimate(scene, method=order))
    whole = complete(scene, graph, method=amodal).masks
    hiders = {item.id: [scene[front].modal for front in graph.ancestors(item.id)] for item in scene.instances}
    return {identity: Answer(whole[identity], union(hiders[identity], scene.size)) for identity in scene.ids}


def pack_scenes(sources: Sequence[Path], out: Path, *, solids: int = 3000, boards: int = 0, seed: int = 0) -> int:
    """Pack made-up scenes whose whole shapes are known, and return how many questions they hold.

    Args:
        sources: files or folders in any format of :mod:`deocclude.formats`, for the masks of cut-outs.
        out: the pack folder; replaced as a whole.
        solids: number of scenes of solids on a table, 0.15 s of processor time each.
        boards: number of scenes of cut-outs that stand on the ground.
        seed: of the scenes.

    Raises:
        InputError: a file that cannot be read, no whole object in them, or too few scenes.
        OutputError: the folder cannot be written.
    """
    donors = training_masks(sources)[1] if boards else []
    upright = standing.scenes(donors, boards, seed) if boards else ()
    return write_scene_pack(chain(tabletop.scenes(solids, seed), upright), out)


def pack_pairs(sources: Sequence[Path], out: Path, settings: PairScenes | None = None) -> int:
    """Pack the neighbours of made-up scenes whose order is known, and return how many pairs there are.

    Args:
        sources: files or folders in any format of :mod:`deocclude.formats`, for the masks of composites.
        out: the pack folder; replaced as a whole.
        settings: how many scenes of what kind.

    Raises:
        InputError: a file that cannot be read, no whole object in them, or no two objects that meet.
        OutputError: the folder cannot be written.
    """
    return write_pair_pack(pair_scenes(sources, settings or PairScenes()), out)


def photo_scenes(source: Path) -> Iterator[Scene]:
    """Yield the scenes of an annotation file, then its photos without an object as scenes with none.

    Raises:
        InputError: it cannot be read.
    """
    seen = set()
    for scene in read_scenes(source, skip_empty=True):
        seen.add(scene.image_file)
        yield scene
    for opened in open_images(source):
        entry = opened.entry
        if entry.file_name and entry.file_name not in seen:
            size, name = entry.size or Size(1, 1), entry.file_name
            yield Scene(size, (), name, entry.image_id, source=opened.file, only_image=opened.only)


def photo_of(scene: Scene) -> NDArray[np.uint8]:
    """Return the photo of a scene that was read from a file, uint8 [h, w, 3].

    Raises:
        InputError: it is not there, or no picture.
    """
    assert scene.source is not None
    path = find_photo(scene.source if scene.source.is_dir() else scene.source.parent, scene)
    if path is None:
        expected = f"the photo {scene.image_file!r} beside it, in images/ or in photos/"
        raise InputError(expected, "none", file=scene.source)
    return read_photo(path, convert=True).pixels
