"""Time and peak memory of the whole job against the number of objects and the size of the photo.

    python benchmarks/bench_scaling.py [--quick | --holes]

Objects have the same size in pixels in every photo, so the time per object should not grow with the photo. What is
paid once per photo (reading, the report's pictures, writing background and OpenRaster file) stands in columns of its
own. Each row is a process of its own, so that its peak memory is its own. ``--holes`` varies the size of one object in
a photo of 12 megapixels instead, behind which the background is painted.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 160
"""Side of the square that each object fills about half of, in pixels."""


def write_inputs(folder: Path, megapixels: float, count: int, side: int = SIDE) -> tuple[Path, Path]:
    """Write a JPEG of smooth noise and a label PNG of ``count`` discs in overlapping pairs, in squares of ``side``."""
    generator = np.random.default_rng(0)
    width = round((megapixels * 4e6 / 3) ** 0.5)
    height = round(width * 3 / 4)
    coarse = generator.integers(0, 255, (height // 16 + 1, width // 16 + 1, 3), np.uint8)
    photo = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).copy()
    photo[::2] ^= 3
    labels = np.zeros((height, width), np.uint8)
    radius, across = side // 3, max(1, width // side)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = x**2 + y**2 <= radius**2
    for k in range(count):
        pair, second = divmod(k, 2)
        row, column = divmod(pair, across)
        cx = column * side + radius + (radius if second else 0)
        cy = row * side + radius + 2 + (radius // 2 if second else 0)
        view = labels[cy - radius : cy + radius + 1, cx - radius : cx + radius + 1]
        view[disc[: view.shape[0], : view.shape[1]]] = k + 1
    Image.fromarray(photo).save(folder / "photo.jpg", quality=90)
    Image.fromarray(labels).save(folder / "masks.png", compress_level=1)
    return folder / "photo.jpg", folder / "masks.png"


def measure(photo: str, masks: str, output: str) -> dict[str, float]:
    """Run the job in this process and return seconds and megabytes."""
    from deocclude.pipeline import open_project, run

    start = time.perf_counter()
    project = open_project(photo, masks)
    read = time.perf_counter() - start
    fresh = run(project)
    done = time.perf_counter() - start - read
    fresh.save(output)
    written = time.perf_counter() - start - read - done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"objects": len(project.given), "read": read, "stages": done, "write": written, "peak_mb": peak}


def row(megapixels: float, count: int, side: int = SIDE) -> dict[str, float]:
    """Return one row of the table, measured in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        photo, masks = write_inputs(Path(name), megapixels, count, side)
        command = [sys.executable, __file__, "--one", str(photo), str(masks), f"{name}/out"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"megapixels": megapixels, **json.loads(done.stdout)}


def holes() -> None:
    """Print the table of hole sizes as Markdown."""
    print("| hole MP | stages s | peak MB |")
    print("|---:|---:|---:|")
    for megapixels in (0.06, 0.25, 1.0, 4.0):
        found = row(12.0, 1, round(3 * (megapixels * 1e6 / np.pi) ** 0.5))
        print(f"| {megapixels:g} | {found['stages']:.1f} | {found['peak_mb']:.0f} |", flush=True)


def main() -> None:
    """Print the table as Markdown."""
    if "--holes" in sys.argv:
        holes()
        return
    quick = "--quick" in sys.argv
    sizes = (0.3, 3.0) if quick else (0.3, 3.0, 12.0, 48.0)
    counts = (1, 10) if quick else (1, 10, 40, 100)
    print("| MP | objects | read s | stages s | stages s per object | write s | peak MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for megapixels in sizes:
        for count in counts:
            if megapixels < 1 and count > 20:
                continue  # they do not fit
            found = row(megapixels, count)
            print(
                f"| {megapixels:g} | {found['objects']:.0f} | {found['read']:.2f} | {found['stages']:.2f} "
                f"| {found['stages'] / found['objects']:.3f} | {found['write']:.2f} | {found['peak_mb']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(measure(*sys.argv[-3:])))
    else:
        main()
