"""The gallery of docs/stitching.md: holes in pictures that may be shown, filled from other pictures of the same thing.

    python tools/stitching_gallery.py DATA docs/images/stitching-gallery.jpg

``DATA`` holds ``hpatches/`` (four views a sequence) and ``dreambooth/`` (objects in other surroundings). A line is, as
in the paper's figure of its stitching: the photo, what was hidden, the references, and what each row makes of it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.ukbench import VIEWS
from deocclude.evaluation.stitching import Record
from deocclude.evaluation.stitching_run import Asked, make_tasks, run_tasks
from deocclude.evaluation.stitching_sheet import GAP, WIDTH
from deocclude.images import read_photo, thumbnail, write_picture

SHOWN = (
    "hpatches/v_bird", "hpatches/v_boat", "hpatches/v_graffiti", "hpatches/v_soldiers", "dreambooth/backpack_dog",
    "dreambooth/berry_bowl", "dreambooth/can", "dreambooth/fancy_boot", "dreambooth/red_cartoon",
    "dreambooth/robot_toy", "dreambooth/teapot", "dreambooth/vase",
)  # fmt: skip
ROWS = ("pcnet-c", "stitch-homography", "stitch", "fused")
SIDE = 448

RGBArray = NDArray[np.uint8]


def in_order(data: Path, folder: Path) -> None:
    """Write the pictures in UKBench order, all of about the same size."""
    for place, name in enumerate(SHOWN):
        for view, path in enumerate(sorted((data / name).glob("*.jpg"))[:VIEWS]):
            photo = read_photo(path, convert=True).pixels
            file = f"{Path(name).name}-{VIEWS * place + view:03}.png"
            write_picture(folder / file, thumbnail(photo, SIDE))


def main() -> None:
    """Fill, print the decibels of each line, and write the gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--protocol", default="rectangle")
    given = parser.parse_args()
    lines: list[RGBArray] = []

    def keep(record: Record, line: RGBArray) -> None:
        told = ", ".join(f"{row} {answer.scores['psnr']:.1f}" for row, answer in record.answers.items())
        print(f"{record.key}: {told}; {record.answers['stitch'].filled:.0%} from references", flush=True)
        unused = slice((1 + VIEWS) * (WIDTH + GAP), (2 + VIEWS) * (WIDTH + GAP))  # room for a fourth reference
        lines.append(np.delete(line, unused, axis=1))

    with tempfile.TemporaryDirectory() as name:
        in_order(given.data, Path(name))
        asked = Asked(ROWS, (given.protocol,))
        run_tasks(make_tasks(Path(name), asked, Path(name)), asked.rows, keep=keep)
    write_picture(given.picture, np.vstack(lines), quality=55, optimize=True)


if __name__ == "__main__":
    main()
