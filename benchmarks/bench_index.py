"""Speed and memory of the picture index: building it, and asking it at 3,000, 30,000 and 300,000 entries.

    python benchmarks/bench_index.py [--quick] [--queries]

The first table indexes variants of scikit-image's photos with one process and with more. The second asks an index of
synthetic entries (as many words each as a patch of a photo has, as many key points as a photo, drawn with the
frequencies that the vocabulary states) and, in the same run, exact search over global descriptors by faiss. Times are
medians over the queries, of processor time in one thread, after features are extracted: the words of a query, then the
shortlist by words and colours, then that by details. Each size runs in a process of its own, and its memory is what
stays resident, mapped files included.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from deocclude.references import colour, key_points, postings
from deocclude.references.index import Index
from deocclude.references.manifest import SEGMENTS, Manifest, SegmentRecord, publish, vocabulary_file
from deocclude.references.query import Query, query_photo
from deocclude.references.segment import ENTRY, Content, Picture, write_segment
from deocclude.references.update import IndexSettings, build
from deocclude.references.vocabulary import Vocabulary, load_vocabulary

PHOTOS = ("coffee", "astronaut", "chelsea", "rocket", "hubble_deep_field", "retina")
ENTRIES_EACH = 10
"""Entries of a picture: itself and nine patches."""
WORDS_EACH = 300
"""Words of an entry."""
KEYS_EACH = 1_500
"""Key points of a picture."""
SEGMENT = 30_000
"""Entries of a synthetic segment."""
GLOBAL_WIDTH = 256


def photos(count: int) -> list[NDArray[np.uint8]]:
    """Return different pictures of 640 px: turned and cropped photos."""
    chance, made = np.random.default_rng(0), []
    for number in range(count):
        image = Image.fromarray(getattr(skimage.data, PHOTOS[number % len(PHOTOS)])()).convert("RGB")
        image.thumbnail((900, 900))
        left, top = (int(chance.integers(0, max(1, side - 640))) for side in image.size)
        made.append(np.asarray(image.rotate(float(chance.uniform(-20, 20))).crop((left, top, left + 640, top + 480))))
    return made


def synthetic(vocabulary: Vocabulary, entries: int, seed: int) -> Content:
    """Return a segment of random entries."""
    chance = np.random.default_rng(seed)
    pictures = entries // ENTRIES_EACH
    share = np.exp(-vocabulary.rarity.astype(float))
    words = chance.choice(len(vocabulary), entries * WORDS_EACH, p=share / share.sum())
    table = np.zeros(entries, ENTRY)
    table["picture"] = np.repeat(np.arange(pictures), ENTRIES_EACH)
    table["box"] = (0, 0, 640, 480)
    table["kind"] = np.tile([0] + [2] * (ENTRIES_EACH - 1), pictures)
    table["category"] = -1
    keys = pictures * KEYS_EACH
    key_words = chance.choice(len(vocabulary), keys, p=share / share.sum()).astype(np.uint32)
    geometry = chance.uniform(0, 1, (keys, 4)).astype(np.float32) * np.float32([640, 480, 20, 360])
    return Content(
        pictures=tuple(Picture(f"{seed}/{row}.jpg", "", 0, 0, 480, 640) for row in range(pictures)),
        categories=(),
        first=np.arange(pictures + 1, dtype=np.int64) * KEYS_EACH,
        entries=table,
        colours=chance.integers(0, 60, (entries, colour.WIDTH), np.uint8),
        descriptors=np.zeros((pictures, 128), np.uint8),
        geometry=geometry,
        key_words=key_words,
        postings=postings.build(np.repeat(np.arange(entries), WORDS_EACH), words, vocabulary.rarity, entries),
        key_postings=key_points.build(key_words, chance.integers(0, 2**64, keys, np.uint64)),
    )


def write_index(folder: Path, entries: int) -> None:
    """Write an index of synthetic entries."""
    vocabulary, records = load_vocabulary(), []
    vocabulary.save(vocabulary_file(folder, vocabulary.digest))
    for seed, start in enumerate(range(0, entries, SEGMENT)):
        count = min(SEGMENT, entries - start)
        write_segment(folder / SEGMENTS / f"{seed}", synthetic(vocabulary, count, seed))
        records.append(SegmentRecord(f"{seed}", count // ENTRIES_EACH, count))
    publish(folder, Manifest(vocabulary.digest, segments=tuple(records)))


def median_ms(ask: Callable[[int], object], count: int) -> float:
    """Return the median processor time of asking, in milliseconds, after one round to warm up."""
    taken = []
    for number in range(2 * count):
        began = time.process_time()
        ask(number % count)
        taken.append(1000 * (time.process_time() - began))
    return statistics.median(taken[count:])


def resident_mb() -> float:
    """Return the memory that this process holds now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def measure(folder: str, entries: int) -> dict[str, float]:
    """Ask one index, then faiss, in this process."""
    import faiss

    faiss.omp_set_num_threads(1)
    queries: list[Query] = [query_photo(pixels) for pixels in photos(6)]
    load_vocabulary().assign(queries[0].features.descriptors)
    before = resident_mb()
    began = time.process_time()
    index = Index(folder)
    opened = time.process_time() - began
    words = median_ms(lambda k: index.vocabulary.assign(queries[k].features.descriptors), 6)
    # A new object is a new query: what was found out about another is not used.
    asked = median_ms(lambda k: index.query(replace(queries[k])), 6) - words
    details = median_ms(lambda k: index.by_details([replace(queries[k])]), 6) - words
    ours = resident_mb() - before
    chance = np.random.default_rng(0)
    exact = faiss.IndexFlatIP(GLOBAL_WIDTH)
    for start in range(0, entries, 10_000):
        exact.add(chance.standard_normal((min(10_000, entries - start), GLOBAL_WIDTH), np.float32))
    one = chance.standard_normal((6, GLOBAL_WIDTH), np.float32)
    flat = median_ms(lambda k: exact.search(one[k : k + 1], 20), 6)
    return {
        "open": 1000 * opened, "assign": words, "asked": asked, "details": details, "mb": ours, "flat": flat,
        "flat_mb": entries * GLOBAL_WIDTH * 4 / 2**20,
    }  # fmt: skip


def sizes(quick: bool) -> None:
    """Print the table of queries."""
    print("| entries | open ms | words of a query ms | words, colours ms | details ms | memory MB | faiss exact ms "
          "| faiss MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for entries in (3_000, 30_000) if quick else (3_000, 30_000, 300_000):
        with tempfile.TemporaryDirectory() as name:
            write_index(Path(name), entries)
            command = [sys.executable, __file__, "--one", name, str(entries)]
            row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(
            f"| {entries:,} | {row['open']:.1f} | {row['assign']:.0f} | {row['asked']:.0f} | {row['details']:.0f} "
            f"| {row['mb']:.0f} | {row['flat']:.1f} | {row['flat_mb']:.0f} |",
            flush=True,
        )


def indexing(quick: bool) -> None:
    """Print the table of building."""
    print("| processes | pictures | seconds | pictures/s | KB a picture |")
    print("|---|---|---|---|---|")
    count = 12 if quick else 60
    for processes in (1, 2):
        with tempfile.TemporaryDirectory() as name:
            for number, pixels in enumerate(photos(count)):
                Image.fromarray(pixels).save(Path(name) / f"{number}.png", compress_level=1)
            settings = replace(IndexSettings(), processes=processes)
            build(Path(name) / "warm", [Path(name) / "0.png"], settings)
            seconds = build(Path(name) / "index", [Path(name)], settings).seconds
            size = sum(path.stat().st_size for path in (Path(name) / "index" / SEGMENTS).rglob("*.npy"))
            print(f"| {processes} | {count} | {seconds:.1f} | {count / seconds:.1f} | {size / count / 1e3:.0f} |",
                  flush=True)  # fmt: skip


def main() -> None:
    """Print both tables as Markdown."""
    quick = "--quick" in sys.argv
    if "--queries" not in sys.argv:
        indexing(quick)
        print()
    sizes(quick)


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        main()
