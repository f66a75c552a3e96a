"""What each candidate answers: the hole itself, and the test holes on which its error can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.content.probes import Probe, make_probes
from deocclude.errors import DeoccludeError

COPIES = 1
"""Test holes laid elsewhere on the object, besides the band."""

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """Something that can fill a hole.

    Attributes:
        name: what users know it by; a key of the fitted model where it has one.
        paint: a painter, or a function that knows a ready picture (an aligned reference) and returns what that shows
            in the hole, with the provenance ``NOTHING`` where it shows nothing (:func:`from_picture`). It is called
            for the hole and for each test hole, and must answer a test without the pixels that the test hides.
    """

    name: str
    paint: Painter


def from_picture(name: str, rgb: NDArray[np.uint8], shown: NDArray[np.bool_], source: int) -> Candidate:
    """Return the candidate that a ready picture is, such as an aligned reference.

    Args:
        name: of the candidate.
        rgb: uint8 [H, W, 3], as large as the photo.
        shown: bool [H, W], where the picture says anything.
        source: a value of :class:`~deocclude.content.patch.Provenance`.
    """

    def paint(patch: Patch) -> Painted:
        (x, y), (height, width) = patch.corner, patch.hole.shape
        place = slice(y, y + height), slice(x, x + width)
        given = patch.hole & shown[place]
        painted = np.where(given[..., None], rgb[place], patch.rgb)
        return Painted(painted, given.astype(np.float32), np.where(given, source, 0).astype(np.uint8), name)

    return Candidate(name, paint)


@dataclass(frozen=True, eq=False)
class Answer:
    """A candidate's answers.

    Attributes:
        name: of the candidate.
        painted: its answer for the hole.
        tests: float32 [n, 3], one a probe: what it painted on the pixels asked, NaN where nothing.
    """

    name: str
    painted: Painted
    tests: tuple[Float, ...]


@dataclass(frozen=True, eq=False)
class Contest:
    """All answers for one hole.

    Attributes:
        patch: the question.
        probes: the test holes.
        answers: one a candidate, in their order.
        notes: candidates that could not answer, and why.
    """

    patch: Patch
    probes: tuple[Probe, ...]
    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = ()


def hold(patch: Patch, candidates: Sequence[Candidate], *, copies: int = COPIES) -> Contest:
    """Let every candidate answer; each paints ``2 + copies`` holes at most, the copies no larger than the hole.

    A candidate that raises an error of the package is left out, which a note says. One that has to fall back for the
    hole itself stands for its fallback, which is a candidate anyway, and is left out, too.
    """
    probes = make_probes(patch, copies)
    answers, notes = [], []
    for candidate in candidates:
        try:
            painted = candidate.paint(patch)
            if painted.fallback_reason:
                notes.append(painted.fallback_reason)
                continue
            tests = tuple(_asked(candidate.paint(probe.patch), probe) for probe in probes)
        except DeoccludeError as error:
            notes.append(f"{candidate.name} left out: {error}")
            continue
        answers.append(Answer(candidate.name, painted, tests))
    return Contest(patch, probes, tuple(answers), tuple(notes))


def _asked(painted: Painted, probe: Probe) -> Float:
    """Return the painted colours of the pixels asked, [n, 3]; NaN where the painter has no answer."""
    colours = painted.rgb[probe.asked].astype(np.float32)
    colours[painted.provenance[probe.asked] == Provenance.NOTHING] = np.nan
    return colours
