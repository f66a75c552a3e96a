"""Visual words: local descriptors become numbers, so that pictures can be searched like text.

A vocabulary is a tree of two levels (Nister and Stewenius, CVPR 2006), trained by k-means: a descriptor is compared
with the centres of the upper level, then with the words of the nearest few of them, which finds the nearest word
nearly always at a hundredth of the cost. Descriptors are reduced by PCA first, and words kept as bytes, so that
100,000 of them are a file of 6 MB. A descriptor gets one word, in queries too: with three (Philbin et al., CVPR 2008)
no more was found on UKBench, at three times the cost.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.files import atomic_file, until_changed
from deocclude.references.features import WIDTH
from deocclude.references.key_points import BITS, ones

FORMAT_VERSION = 1
BUNDLED = "vocabulary.npz"
PROBES = 4
"""Branches of the tree that a descriptor descends into."""
_BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Visual words.

    Attributes:
        mean: float32 [128], subtracted from descriptors.
        projection: float32 [128, d], then multiplied: principal axes.
        branches: float32 [b, d], centres of the upper level.
        words: uint8 [n, d]; a word's place is ``low + step * words``.
        low: place of byte 0.
        step: distance between two bytes.
        rarity: float32 [n], inverse document frequency on the training pictures (natural logarithm).
        about: what it was trained on and how, as plain values.
    """

    mean: NDArray[np.float32]
    projection: NDArray[np.float32]
    branches: NDArray[np.float32]
    words: NDArray[np.uint8]
    low: float
    step: float
    rarity: NDArray[np.float32]
    about: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of words."""
        return len(self.words)

    @cached_property
    def digest(self) -> str:
        """What tells this vocabulary from others: hexadecimal, of its content."""
        content = hashlib.sha256(self.words.tobytes())
        for part in (self.mean, self.projection, self.branches, self.rarity):
            content.update(part.astype(np.float16).tobytes())
        return content.hexdigest()[:32]

    @cached_property
    def _tree(self) -> Any:
        import faiss

        width = self.branches.shape[1]
        upper = faiss.IndexFlatL2(width)
        upper.add(self.branches)
        tree = faiss.IndexIVFFlat(upper, width, len(self.branches), faiss.METRIC_L2)
        tree.own_fields, tree.nprobe = False, min(PROBES, len(self.branches))
        tree.add(np.asarray(self.low + self.step * self.words.astype(np.float32), np.float32))
        return tree, upper  # the tree does not own the upper level

    def project(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return descriptors [n, 128] on the principal axes, float32 [n, d]."""
        return np.ascontiguousarray((descriptors - self.mean) @ self.projection, np.float32)

    def assign(self, descriptors: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the numbers of the words that are nearest to descriptors [n, 128] (RootSIFT), int64 [n]."""
        if len(descriptors) == 0:
            return np.zeros(0, np.int64)
        _, found = self._tree[0].search(self.project(descriptors), 1)
        return np.asarray(found[:, 0], np.int64)

    def signatures(self, descriptors: NDArray[np.float32], words: NDArray[np.integer[Any]]) -> NDArray[np.uint64]:
        """Return what tells descriptors of one word apart: on which sides of the word they lie.

        Hamming embedding (Jegou, Douze and Schmid, ECCV 2008); a Hadamard matrix mixes the axes, so that all bits
        weigh about the same.

        Args:
            descriptors: float32 [n, 128], RootSIFT.
            words: int [n], their nearest words.

        Returns:
            uint64 [n].
        """
        axes = min(self.words.shape[1], BITS)
        centres = self.low + self.step * self.words[words, :axes].astype(np.float32)
        sides = (self.project(descriptors)[:, :axes] - centres) @ _mixing()[:axes] > 0
        return np.packbits(sides, axis=1).view("<u8")[:, 0].astype(np.uint64)

    def save(self, path: Path) -> None:
        """Write one file, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        about = json.dumps({"version": FORMAT_VERSION, "low": self.low, "step": self.step, "about": self.about})
        half = {name: getattr(self, name).astype(np.float16) for name in ("mean", "projection", "branches", "rarity")}
        with atomic_file(path) as part, part.open("wb") as file:
            np.savez_compressed(file, words=self.words, header=np.frombuffer(about.encode(), np.uint8), **half)


def load_vocabulary(path: Path | None = None) -> Vocabulary:
    """Read a vocabulary file; the bundled one when no path is given.

    Raises:
        InputError: no such file, a damaged one, no vocabulary, or one of another version.
    """
    path = Path(path or str(resources.files("deocclude.references") / "data" / BUNDLED))
    if not path.is_file():
        raise InputError("a vocabulary file (.npz)", "no such file", file=path)
    return _read(path)


@until_changed(2)
def _read(path: Path) -> Vocabulary:
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            parts = {name: file[name] for name in ("mean", "projection", "branches", "rarity", "words")}
    except (zipfile.BadZipFile, EOFError, OSError):
        hint = "fetch it again, or train one anew"
        raise InputError("a complete vocabulary", "a damaged or cut off file", file=path, hint=hint) from None
    except (KeyError, ValueError):
        raise InputError("a vocabulary of deocclude", "another kind of file", file=path) from None
    if header.get("version") != FORMAT_VERSION:
        hint = "it was written by another release: train it anew"
        raise InputError(f"version {FORMAT_VERSION}", str(header.get("version")), file=path, field="version", hint=hint)
    words = parts.pop("words")
    floats = {name: np.ascontiguousarray(value, np.float32) for name, value in parts.items()}
    return Vocabulary(words=words, low=header["low"], step=header["step"], about=header["about"], **floats)


@dataclass(frozen=True)
class TrainingSettings:
    """How a vocabulary is trained.

    Attributes:
        words: number of words; about as many as there are, since small branches get fewer.
        branches: number of branches of the upper level; 0 for the square root of ``words``.
        width: numbers that a descriptor is reduced to.
        per_picture: most descriptors of a picture; the strongest.
        most: most descriptors in all.
        iterations: of k-means.
        seed: for the start of k-means and the choice of descriptors.
    """

    words: int = 100_000
    branches: int = 0
    width: int = 64
    per_picture: int = 1000
    most: int = 3_000_000
    iterations: int = 10
    seed: int = 0


def train_vocabulary(
    pictures: list[NDArray[np.float32]], settings: TrainingSettings | None = None, about: dict[str, Any] | None = None
) -> Vocabulary:
    """Train a vocabulary.

    Args:
        pictures: for each picture its descriptors, float32 [n, 128] RootSIFT, the strongest first.
        settings: how.
        about: what to say of the pictures in the file.

    Raises:
        InputError: fewer descriptors than words.
    """
    settings = settings or TrainingSettings()
    lengths = [min(len(one), settings.per_picture) for one in pictures]
    rows = np.concatenate([one[: settings.per_picture] for one in pictures] or [np.zeros((0, WIDTH), np.float32)])
    if len(rows) < settings.words:
        found = f"{len(rows)} descriptors in {len(pictures)} pictures"
        raise InputError(f"at least {settings.words} descriptors, one a word", found, field="vocabulary",
                         hint="use more pictures or fewer words")  # fmt: skip
    owners = np.repeat(np.arange(len(pictures)), lengths)
    if len(rows) > settings.most:
        kept = np.sort(np.random.default_rng(settings.seed).choice(len(rows), settings.most, replace=False))
        rows, owners = rows[kept], owners[kept]
    mean = rows.mean(0)
    projection = _principal_axes(rows - mean, settings.width)
    points = np.ascontiguousarray((rows - mean) @ projection, np.float32)
    branches, words = _grow(points, settings)
    low, step = float(words.min()), float((words.max() - words.min()) / 255)
    stored = np.rint((words - low) / step).astype(np.uint8)
    facts = {**asdict(settings), **(about or {}), "pictures": len(pictures), "descriptors": len(rows)}
    bare = Vocabulary(
        _rough(mean), _rough(projection), _rough(branches), stored, low, step, np.ones(len(words), np.float32), facts
    )
    return replace(bare, rarity=_rough(_rarity(bare, rows, owners)))


@cache
def _mixing() -> NDArray[np.float32]:
    """Return the Hadamard matrix of Sylvester, float32 [BITS, BITS]: 1 or -1, rows at right angles."""
    numbers = np.arange(BITS, dtype=np.uint64)
    return 1 - 2 * (ones((numbers[:, None] & numbers).ravel()).reshape(BITS, BITS) % 2).astype(np.float32)


def _rough(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return values as they are after storing."""
    return np.asarray(values.astype(np.float16), np.float32)


def _principal_axes(centred: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    _, axes = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(axes[:, ::-1][:, :width], np.float32)


def _grow(points: NDArray[np.float32], settings: TrainingSettings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the centres of the upper level [b, d] and the words [n, d]: k-means, then k-means in every branch."""
    import faiss

    count = settings.branches or max(1, round(settings.words**0.5))
    branches = _kmeans(points, count, settings)
    upper = faiss.IndexFlatL2(points.shape[1])
    upper.add(branches)
    nearest = upper.search(points, 1)[1][:, 0]
    words = []
    for branch in range(count):
        inside = points[nearest == branch]
        share = round(settings.words * len(inside) / len(points))
        if len(inside):
            words.append(_kmeans(inside, max(1, min(share, len(inside))), settings))
    return branches, np.concatenate(words)


def _kmeans(points: NDArray[np.float32], count: int, settings: TrainingSettings) -> NDArray[np.float32]:
    import faiss

    means = faiss.Kmeans(points.shape[1], count, niter=settings.iterations, seed=settings.seed,
                         min_points_per_centroid=1, max_points_per_centroid=1000)  # fmt: skip
    means.train(points)
    return np.asarray(means.centroids, np.float32)


def _rarity(vocabulary: Vocabulary, rows: NDArray[np.float32], owners: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return log(pictures / pictures with the word), float32 [words]."""
    blocks = [vocabulary.assign(rows[start : start + _BLOCK]) for start in range(0, len(rows), _BLOCK)]
    seen = np.unique(np.concatenate(blocks) * (int(owners.max()) + 1) + owners)
    holders = np.bincount(seen // (int(owners.max()) + 1), minlength=len(vocabulary))
    total = len(np.unique(owners))
    return np.asarray(np.log((total + 1) / (holders + 0.5)).clip(0), np.float32)
