"""Pairs of pictures of planes with the true homographies between them: HPatches and EVD.

HPatches: Balntas et al., CVPR 2017 (``H_1_k``, first picture to the k-th). EVD, extreme views: Mishkin, Matas and
Perdoch, CVIU 2015 (``1/``, ``2/`` and ``h/``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError

Matrix = NDArray[np.float64]
PICTURES = (".jpg", ".png", ".ppm")


@dataclass(frozen=True)
class Pair:
    """Two pictures of one plane.

    Attributes:
        name: for tables.
        source: picture file.
        target: picture file.
        target_from_source: float64 [3, 3], the truth.
    """

    name: str
    source: Path
    target: Path
    target_from_source: Matrix


def hpatches_pairs(folder: Path | str) -> Iterator[Pair]:
    """Yield the pairs (1, k) of all sequences of a folder.

    Raises:
        InputError: no sequence, or a damaged homography.
    """
    folder = Path(folder)
    found = sorted(folder.glob("*/H_1_*"))
    if not found:
        raise InputError("sequences with homographies H_1_k", "none", file=folder)
    for path in found:
        number = path.name.rsplit("_", 1)[1]
        pictures = [_picture(path.parent, stem) for stem in ("1", number)]
        yield Pair(f"{path.parent.name}/{number}", pictures[0], pictures[1], _matrix(path))


def evd_pairs(folder: Path | str) -> Iterator[Pair]:
    """Yield the pairs of EVD.

    Raises:
        InputError: no pair, or a damaged homography.
    """
    folder = Path(folder)
    found = sorted((folder / "h").glob("*.txt"))
    if not found:
        raise InputError("pairs with homographies in h/", "none", file=folder)
    for path in found:
        yield Pair(path.stem, _picture(folder / "1", path.stem), _picture(folder / "2", path.stem), _matrix(path))


def read_pairs(folder: Path | str) -> list[Pair]:
    """Return the pairs of a folder in either layout.

    Raises:
        InputError: neither, or a damaged homography.
    """
    folder = Path(folder)
    if any(folder.glob("*/H_1_*")):
        return list(hpatches_pairs(folder))
    if any((folder / "h").glob("*.txt")):
        return list(evd_pairs(folder))
    raise InputError("HPatches (sequences with H_1_k) or EVD (folders 1, 2, h)", "neither", file=folder)


def _picture(folder: Path, stem: str) -> Path:
    for suffix in PICTURES:
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    raise InputError(f"a picture {stem} ({', '.join(PICTURES)})", "none", file=folder)


def _matrix(path: Path) -> Matrix:
    try:
        values = np.loadtxt(path, dtype=np.float64)
    except ValueError:
        values = np.empty(0)
    if values.shape != (3, 3) or not np.isfinite(values).all():
        raise InputError("a 3x3 homography, three lines of three numbers", "something else", file=path)
    return values
