"""Seconds and error of each painter against Telea, on photos and a synthetic texture with object-shaped holes.

    python benchmarks/bench_fill.py [--size 256] [--holes 2]

Prints a Markdown table. PSNR is over hole pixels only and rewards blur; ``detail`` is therefore given too: the mean
grey-value step between neighbours in the painted hole over that in the true one (1 is right, less is blurred).
``sure`` is the rank correlation of confidence and absolute error over the hole; it should be negative.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from scipy.stats import spearmanr

from deocclude.content import METHODS, painter
from deocclude.content.patch import Painted, Patch

BASELINE = "telea"
PICTURES = ("coffee", "astronaut", "chelsea", "brick", "grass", "gravel", "tiles")
EDGE = 1


@dataclass
class Score:
    """What one painter did on one hole."""

    seconds: float
    psnr: float
    detail: float
    sure: float


def picture(name: str, size: int) -> NDArray[np.uint8]:
    if name == "tiles":
        y, x = np.mgrid[:size, :size]
        wave = np.where((x % 24 < 12) ^ (y % 32 < 16), 200, 70) + 20 * np.sin(x / 40)
        return np.stack([wave, wave * 0.6 + 40, 250 - wave], 2).astype(np.uint8)
    image = getattr(skimage.data, name)()
    image = image if image.ndim == 3 else np.stack([image] * 3, 2)
    short = min(image.shape[:2])
    image = image[:short, :short]
    return np.ascontiguousarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))


def object_shape(size: int, seed: int, share: float) -> NDArray[np.bool_]:
    """Return a smooth random blob that covers ``share`` of a square picture."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.standard_normal((size, size)), (0, 0), size / 12)
    y, x = np.mgrid[:size, :size] / size - rng.uniform(0.4, 0.6, (2, 1, 1))
    height = 0.5 * noise / noise.std() - (x**2 + y**2) / 0.09
    return height > np.quantile(height, 1 - share)


def grey_steps(rgb: NDArray[np.uint8], hole: NDArray[np.bool_]) -> float:
    pairs = hole[:, 1:] & hole[:, :-1]
    return float(np.abs(np.diff(rgb.mean(2), axis=1))[pairs].mean())


def score(painted: Painted, truth: NDArray[np.uint8], hole: NDArray[np.bool_], seconds: float) -> Score:
    difference = painted.rgb[hole].astype(float) - truth[hole]
    psnr = 10 * np.log10(255**2 / max(np.square(difference).mean(), 1e-9))
    sure = spearmanr(painted.confidence[hole], np.abs(difference).mean(1)).statistic
    return Score(seconds, psnr, grey_steps(painted.rgb, hole) / max(grey_steps(truth, hole), 1e-9), float(sure))


def run(size: int, holes: int) -> dict[str, dict[str, list[Score]]]:
    scores: dict[str, dict[str, list[Score]]] = defaultdict(lambda: defaultdict(list))
    for number, name in enumerate(PICTURES):
        truth = picture(name, size)
        for seed in range(holes):
            hole = object_shape(size, 10 * number + seed, 0.1)
            evidence = cv2.dilate(hole.astype(np.uint8), np.ones((2 * EDGE + 1,) * 2, np.uint8)) == 0
            patch = Patch(np.where(hole[..., None], np.uint8(255), truth), hole, evidence)
            for method in METHODS:
                start = time.perf_counter()
                painted = painter(method)(patch)
                scores[method][name].append(score(painted, truth, hole, time.perf_counter() - start))
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="side of the square pictures in pixels")
    parser.add_argument("--holes", type=int, default=2, help="holes a picture")
    arguments = parser.parse_args()
    for method in METHODS:
        painter(method)(Patch(np.zeros((32, 32, 3), np.uint8), np.eye(32) > 0, np.eye(32) == 0))
    scores = run(arguments.size, arguments.holes)
    print(
        f"{arguments.size}x{arguments.size}, {arguments.holes} holes of 10 % a picture; PSNR against that of {BASELINE}"
    )
    print("| painter | s | PSNR | vs telea | detail | sure | " + " | ".join(PICTURES) + " |")
    print("|" + "---|" * (6 + len(PICTURES)))
    base = np.mean([one.psnr for row in scores[BASELINE].values() for one in row])
    for method, rows in scores.items():
        flat = [one for row in rows.values() for one in row]
        mean = {key: np.nanmean([getattr(one, key) for one in flat]) for key in ("seconds", "psnr", "detail", "sure")}
        each = " | ".join(f"{np.mean([one.psnr for one in rows[name]]):.1f}" for name in PICTURES)
        print(
            f"| {method} | {mean['seconds']:.2f} | {mean['psnr']:.2f} | {mean['psnr'] - base:+.2f} "
            f"| {mean['detail']:.2f} | {mean['sure']:+.2f} | {each} |"
        )


if __name__ == "__main__":
    main()
