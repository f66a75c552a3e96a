"""Changes an index again and again in a process that is killed at random moments, and looks at what is left.

Run as ``python killed_writer.py FOLDER VOCABULARY KILLS``; prints what it saw as JSON. With ``--readers`` nobody is
killed before two processes have read everything so often, as fast as they can; prints how far the writer got. It forks
before any library has started threads, which makes a kill cost milliseconds instead of the imports of a new process.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from deocclude.references.features import FeatureSettings
from deocclude.references.index import Index
from deocclude.references.update import IndexSettings, build, remove
from deocclude.references.vocabulary import load_vocabulary

import cv2  # noqa: F401  isort: skip  (loaded once, before the forks)
import faiss  # isort: skip
import joblib  # noqa: F401  isort: skip


def change(folder: Path, options: IndexSettings) -> None:
    """Build the index and take half of the pictures out again, without end."""
    faiss.omp_set_num_threads(1)
    pictures = sorted(folder.glob("*.png"))
    while True:
        build(folder / ".index", [folder], options)
        remove(folder / ".index", pictures[::2])


def killed(folder: Path, options: IndexSettings, steps: int, delay: float) -> None:
    """Let a process change the index, and kill it ``delay`` seconds after it has published ``steps`` tables."""
    table = folder / ".index" / "index.json"
    last, until = table.stat().st_ino, time.monotonic() + 30
    child = os.fork()
    if child == 0:
        change(folder, options)
    while steps and time.monotonic() < until:
        time.sleep(0.001)
        if table.stat().st_ino != last:
            last, steps = table.stat().st_ino, steps - 1
    time.sleep(delay)
    assert os.waitpid(child, os.WNOHANG) == (0, 0), "the writer died of itself"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def look(folder: Path) -> tuple[int, int]:
    """Open the index and read all of it; return its generation and number of pictures."""
    index = Index(folder / ".index")
    names = []
    for segment, row, picture in index.pictures():
        features = index.segments[segment].features(row)
        assert len(features) == len(index.segments[segment].words(row)) > 0
        names.append(picture.path)
    assert len(names) == len(set(names)) == len(index)
    return index.manifest.generation, len(index)


def read_beside(folder: Path, options: IndexSettings, looks: int) -> None:
    """Let two processes read the index while a third changes it; print how often it has."""
    before = look(folder)[0]
    writer = os.fork()
    if writer == 0:
        change(folder, options)
    readers = []
    for _ in range(2):
        readers.append(os.fork())
        if readers[-1] == 0:
            generations = [look(folder)[0] for _ in range(looks)]
            os._exit(0 if generations == sorted(generations) else 3)
    failed = [os.waitpid(reader, 0)[1] for reader in readers]
    assert os.waitpid(writer, os.WNOHANG) == (0, 0), "the writer died of itself"
    time.sleep(0.2)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    assert failed == [0, 0], failed
    print(look(folder)[0] - before)


def prepared(folder: Path, vocabulary: Path) -> IndexSettings:
    """Build the index in a process of its own; return how."""
    features = FeatureSettings(count=60, smallest_side=80, largest_side=120)
    options = IndexSettings(vocabulary=vocabulary, features=features, batch=1)
    load_vocabulary(vocabulary)
    build_once = os.fork()
    if build_once == 0:
        build(folder / ".index", [folder], options)
        os._exit(0)
    assert os.waitpid(build_once, 0)[1] == 0
    return options


def main(folder: Path, options: IndexSettings, kills: int) -> None:
    chance = random.Random(0)
    seen = []
    for _ in range(kills):
        killed(folder, options, chance.randrange(4), chance.uniform(0.0, 0.05))
        seen.append(look(folder))
    debris = len(list((folder / ".index" / "segments").iterdir()))
    report = build(folder / ".index", [folder], options)
    left = sorted(path.name for path in (folder / ".index" / "segments").iterdir())
    wanted = sorted(record.name for record in Index(folder / ".index").manifest.segments)
    print(json.dumps({"seen": seen, "debris": debris, "pictures": report.pictures, "clean": left == wanted}))


if __name__ == "__main__":
    made = prepared(Path(sys.argv[1]), Path(sys.argv[2]))
    (read_beside if "--readers" in sys.argv else main)(Path(sys.argv[1]), made, int(sys.argv[3]))
