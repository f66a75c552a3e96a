"""Seconds an object costs that is filled from an index of 3,000 pictures: retrieval, alignment, fill.

    python benchmarks/bench_references.py [--pictures 3000] [--queries 6] [--index FOLDER]
    python benchmarks/bench_references.py --index INDEX --objects FOLDER [--queries 6]

The collection is cut from scikit-image's photos: crops, turned, enlarged, of changed brightness. Queries are other
crops of them with a hole. With ``--objects``, a folder in UKBench order that the index holds among others, the first
views of its objects are the queries. Prints a Markdown table; every stage has a baseline that was measured in the same
run: retrieval against matching the query with every picture (OpenCV's brute-force matcher, on features that are there,
measured on a few and multiplied), alignment (features of the references, verification, maps, rehearsal) against all of
the plain stitching of the paper on the same references, and the fill (choice, blending, network) against Telea's
method. With ``--index`` the index is kept there and used again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from deocclude.content import overlay, painter
from deocclude.content.fused import fuse
from deocclude.content.patch import Patch
from deocclude.content.stitch import stitch
from deocclude.content.stitch_homography import stitch_homography
from deocclude.datasets.ukbench import make_query, read_groups
from deocclude.images import read_photo, write_picture
from deocclude.masks import Mask
from deocclude.references.features import extract
from deocclude.references.index import Index
from deocclude.references.query import query_photo
from deocclude.references.search import search
from deocclude.references.update import build

PHOTOS = ("coffee", "astronaut", "chelsea", "rocket", "brick", "gravel", "hubble_deep_field", "retina", "page", "coins")
SIZE = (320, 240)
ASKED = 40
"""Pictures that the brute-force baseline is measured on."""

RGBArray = NDArray[np.uint8]


@dataclass
class Taken:
    """Seconds of one query, by stage, and how many references were found."""

    seconds: dict[str, float]
    references: int


def crop(number: int, rng: np.random.Generator) -> RGBArray:
    """Return a crop of a photo, turned, enlarged and of another brightness."""
    photo = getattr(skimage.data, PHOTOS[number % len(PHOTOS)])()
    photo = photo if photo.ndim == 3 else np.stack([photo] * 3, 2)
    scale = SIZE[0] / rng.uniform(0.4, 0.8) / min(photo.shape[1], 700)
    middle = rng.uniform(0.3, 0.7, 2) * photo.shape[1::-1]
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), float(rng.uniform(-20, 20)), float(scale))
    matrix[:, 2] += np.array(SIZE) / 2 - middle
    photo = np.ascontiguousarray(photo)
    turned = cv2.warpAffine(photo, matrix, SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    return np.clip(turned * rng.uniform(0.7, 1.1), 0, 255).astype(np.uint8)


def collection(folder: Path, count: int) -> None:
    """Write the pictures of the collection."""
    rng = np.random.default_rng(0)
    for number in range(count):
        write_picture(folder / f"{number:05}.jpg", crop(number, rng), quality=90)


def timed(seconds: dict[str, float], stage: str, work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns, and note its time."""
    began = time.perf_counter()
    result = work()
    seconds[stage] = time.perf_counter() - began
    return result


@contextmanager
def watched(seconds: dict[str, float]) -> Iterator[None]:
    """Note the time that stitching spends on laying references over the photo as that of the stage ``align``."""
    original = overlay.lay_all
    overlay.lay_all = lambda *given: timed(seconds, "align", lambda: original(*given))
    try:
        yield
    finally:
        overlay.lay_all = original


def ask(index: Index, photo: RGBArray, hole: NDArray[np.bool_], own: str) -> Taken:
    """Fill one hole, stage by stage, and by the baselines; ``own`` is the name of the query's picture."""
    seconds: dict[str, float] = {}
    telea = timed(seconds, "telea", lambda: painter("telea")(Patch(photo, hole, ~hole)).rgb)
    query = timed(seconds, "features", lambda: query_photo(telea, ~hole))
    answer = timed(seconds, "search", lambda: search(index, query))
    paths = [one.hit.path for one in answer.references if one.hit.path.stem != own][:4]
    pictures = [read_photo(path, convert=True).pixels for path in paths]
    given = [(picture, None) for picture in pictures]
    mask, usable = Mask.from_array(hole), Mask.from_array(~hole)
    with watched(seconds):
        stitched = timed(seconds, "stitch", lambda: stitch(telea, mask, usable, given, features=query.features))
    timed(seconds, "fuse", lambda: fuse(stitched, mask, lambda: Patch(telea, hole, ~hole)))
    timed(seconds, "plain", lambda: stitch_homography(telea, hole, ~hole, pictures))
    return Taken(seconds, len(pictures))


def brute_force(index: Index, query: RGBArray) -> float:
    """Return the seconds of matching a query with every picture of the index, from a few of them."""
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    one = extract(query).descriptors.astype(np.float32)
    paths = [index.path(picture) for _, _, picture in index.pictures()]
    chosen = paths[:: max(1, len(paths) // ASKED)][:ASKED]
    others = [extract(read_photo(path, convert=True).pixels).descriptors.astype(np.float32) for path in chosen]
    began = time.perf_counter()
    for other in others:
        if len(other) > 1:
            matcher.knnMatch(one, other, k=2)
    return (time.perf_counter() - began) / len(chosen) * len(paths)


def report(taken: list[Taken], brute: float) -> None:
    """Print the table."""

    def middle(*stages: str) -> float:
        return statistics.median(sum(one.seconds.get(stage, 0.0) for stage in stages) for one in taken)

    plain, telea = middle("plain"), middle("telea")
    found, aligned, both = middle("features", "search"), middle("align"), middle("stitch", "fuse")
    rows = (
        ("retrieval", found, "every picture matched by brute force", brute),
        ("alignment", aligned, "stitch-homography, all of it", plain),
        ("fill", both - aligned, "telea", telea),
        ("all", found + both, "brute force and stitch-homography", brute + plain),
    )
    print("| stage | s an object | baseline | s | share of it |")
    print("|---|---|---|---|---|")
    for name, seconds, baseline, other in rows:
        print(f"| {name} | {seconds:.2f} | {baseline} | {other:.2f} | {seconds / other:.2f} |")


def crops(count: int) -> Iterator[tuple[RGBArray, NDArray[np.bool_], str]]:
    """Yield pictures with holes that the collection of crops shows too; the names are those of no picture."""
    rng = np.random.default_rng(1)
    for number in range(count):
        photo, hole = crop(number, rng), np.zeros(SIZE[::-1], bool)
        x, y = (int(rng.integers(20, side // 2)) for side in SIZE)
        hole[y : y + 100, x : x + 130] = True
        yield photo, hole, ""


def views(folder: Path, count: int) -> Iterator[tuple[RGBArray, NDArray[np.bool_], str]]:
    """Yield the first views of the objects of a folder, each with a hole."""
    groups = read_groups(folder)
    for group in groups[:: max(1, len(groups) // count)][:count]:
        query = make_query(group, "rectangle", 0)
        yield query.truth, query.hole, group.key


def main() -> None:
    """Make the collection and its index, or take those that are there, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=3000, help="pictures of the collection")
    parser.add_argument("--queries", type=int, default=6, help="objects to fill; the median is printed")
    parser.add_argument("--index", type=Path, help="folder to keep the collection and its index in")
    parser.add_argument("--objects", type=Path, help="folder in UKBench order that the index holds: the queries")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = arguments.index or Path(name)
        asked = arguments.queries + 1  # the first one loads what is needed
        if arguments.objects:
            index, queries = Index(place), views(arguments.objects, asked)
        else:
            pictures = place / "pictures"
            if len(list(pictures.glob("*.jpg"))) != arguments.pictures:
                collection(pictures, arguments.pictures)
            build(place / "index", [pictures])
            index, queries = Index(place / "index"), crops(asked)
        holes, taken, loaded = [], [], os.getloadavg()[0]
        for photo, hole, own in queries:
            taken.append(ask(index, photo, hole, own))
            holes.append(float(hole.mean()))
        brute = brute_force(index, photo)
        found = statistics.median(one.references for one in taken[1:])
        print(f"{len(list(index.pictures()))} pictures, {len(taken) - 1} objects, median; "
              f"hole {statistics.mean(holes):.0%}, {found:g} references used; OpenCV {cv2.getNumThreads()} threads; "
              f"load of the machine before and after {loaded:.1f}, {os.getloadavg()[0]:.1f}\n")  # fmt: skip
        report(taken[1:], brute)


if __name__ == "__main__":
    main()
