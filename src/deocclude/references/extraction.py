"""From picture files to what an index holds of them, in several processes where asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.images import read_photo
from deocclude.masks import Mask
from deocclude.references.collection import PictureFile
from deocclude.references.entries import EntrySettings, Kind, Region, regions
from deocclude.references.features import Features, FeatureSettings, extract, from_bytes, to_bytes
from deocclude.references.vocabulary import load_vocabulary
from deocclude.scene import Scene

ASPECT_TOLERANCE = 0.02
"""Masks made for another size of the same photo are scaled where the sides' ratio agrees this well."""


@dataclass(frozen=True)
class Job:
    """A picture file to look at.

    Attributes:
        file: the file.
        scene: its objects, where they are known.
        features: how features are extracted.
        entries: which parts become entries.
        vocabulary: vocabulary file; the bundled one when not given.
    """

    file: PictureFile
    scene: Scene | None
    features: FeatureSettings
    entries: EntrySettings
    vocabulary: Path | None


@dataclass(frozen=True, eq=False)
class Part:
    """An entry of a picture.

    Attributes:
        region: which part.
        members: int64 [m], its key points.
        colours: uint8 [c], its colour signature.
    """

    region: Region
    members: NDArray[np.int64]
    colours: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Extracted:
    """What was found in a picture.

    Attributes:
        file: the file.
        size: height and width, upright.
        descriptors: uint8 [n, 128], stored form.
        geometry: float32 [n, 4]: x, y, scale, angle.
        words: uint32 [n], nearest visual words.
        signatures: uint64 [n], what tells them from others of the same word.
        parts: the entries, the whole picture first.
    """

    file: PictureFile
    size: Size
    descriptors: NDArray[np.uint8]
    geometry: NDArray[np.float32]
    words: NDArray[np.uint32]
    signatures: NDArray[np.uint64]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Skipped:
    """A file that is left out.

    Attributes:
        path: the file.
        reason: why, in a line.
    """

    path: Path
    reason: str


def extract_files(
    jobs: Iterable[Job], *, processes: int = 1, progress: Callable[[int], None] = lambda done: None
) -> Iterator[Extracted | Skipped]:
    """Look at many picture files; a bad one is skipped, never fatal.

    Args:
        jobs: the files.
        processes: how many at a time; negative counts from the number of cores, -1 being all of them.
        progress: called with the number of files done.

    Yields:
        The results in the order of ``jobs``.
    """
    import joblib

    runner = joblib.Parallel(n_jobs=processes, return_as="generator", batch_size=4 if processes != 1 else 1)
    for done, result in enumerate(runner(joblib.delayed(extract_file)(job) for job in jobs), 1):
        progress(done)
        yield result


def extract_file(job: Job) -> Extracted | Skipped:
    """Look at one picture file."""
    import cv2

    cv2.setNumThreads(1)
    pixels = read_or_skip(job.file.path)
    if isinstance(pixels, Skipped):
        return pixels
    features = extract(pixels, settings=job.features)
    stored = to_bytes(features.descriptors)
    vocabulary = load_vocabulary(job.vocabulary)
    words = vocabulary.assign(features.descriptors)
    geometry = np.column_stack([features.points, features.scales, features.angles]).astype(np.float32)
    return Extracted(
        job.file, features.size, stored, geometry, words.astype(np.uint32),
        vocabulary.signatures(from_bytes(stored), words), tuple(_parts(pixels, features, job)),
    )  # fmt: skip


def read_or_skip(path: Path) -> NDArray[np.uint8] | Skipped:
    """Return the pixels of a picture file, uint8 [H, W, 3], or why it is left out."""
    try:
        return read_photo(path, convert=True).pixels
    except InputError as error:
        return Skipped(path, f"expected {error.expected}, found {error.found}")
    except (OSError, MemoryError) as error:
        return Skipped(path, getattr(error, "strerror", None) or "not enough memory")


def fit_scene(scene: Scene, size: Size) -> Scene | None:
    """Return ``scene`` with masks of ``size``; ``None`` if they are of another photo's shape.

    Data sets often ship photos that are smaller than those the masks were drawn on.
    """
    import cv2

    if scene.size == size:
        return scene
    ratio = (scene.size.width * size.height) / (scene.size.height * size.width)
    if abs(ratio - 1) > ASPECT_TOLERANCE:
        return None
    masks = [
        Mask.from_array(
            cv2.resize(item.modal.to_array().astype(np.uint8), (size.width, size.height),
                       interpolation=cv2.INTER_NEAREST)
        )
        for item in scene.instances
    ]  # fmt: skip
    instances = tuple(replace(item, modal=m, amodal=None) for item, m in zip(scene.instances, masks, strict=True))
    return replace(scene, size=size, instances=instances)


def _parts(pixels: NDArray[np.uint8], features: Features, job: Job) -> Iterator[Part]:
    scene = fit_scene(job.scene, features.size) if job.scene is not None else None
    for region in regions(features.size, scene, job.entries):
        members = region.members(features)
        if region.kind == Kind.PICTURE or len(members) >= job.entries.fewest:
            bare = replace(region, mask=None)  # masks are not stored, and need not travel between processes
            yield Part(bare, members, region.colours(pixels))
