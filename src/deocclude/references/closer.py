"""A closer look: a picture of which the query shows a part is verified again with that part alone, enlarged.

Features of a whole picture are few and coarse where a query shows a small part of it. Where the first look leaves a
doubt and says where the part lies, the picture's file is opened and features are taken from the part, as finely as the
query's were. Matches of the same object become about twice as many, those of others do not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from deocclude.errors import DeoccludeError
from deocclude.geometry import Box, Size
from deocclude.images import RGBArray
from deocclude.references.features import Features, FeatureSettings, extract
from deocclude.references.transforms import apply
from deocclude.references.verify import Verdict, VerifySettings, verify


@dataclass(frozen=True)
class CloserSettings:
    """When a picture is looked at again.

    Attributes:
        least: less probable ones are left alone, ...
        most: ... and so are more probable ones: there is no doubt.
        share: the part has at most this share of the picture's area.
        margin: by which the part is grown on each side, as a share of its own.
        smallest: a part with a shorter side is left alone, pixels.
        features: how features are extracted.
        verifying: how the part is verified.
    """

    least: float = 0.02
    most: float = 0.999
    share: float = 0.85
    margin: float = 0.15
    smallest: int = 16
    features: FeatureSettings = field(default_factory=FeatureSettings)
    verifying: VerifySettings = field(default_factory=VerifySettings)


def look_closer(
    first: Verdict,
    query: Features,
    size: Size,
    picture: Callable[[], RGBArray],
    colour: float | None = None,
    words: float | None = None,
    settings: CloserSettings | None = None,
) -> Verdict:
    """Return the verdict on the part of a picture that a query shows, or the first one where that needs no second look.

    Args:
        first: on the whole picture.
        query: features of the query.
        size: of the picture.
        picture: opens the picture, uint8 [H, W, 3]; if it cannot, or the picture has another size by now, the first
            verdict stands.
        colour: see :func:`deocclude.references.verify.verify`.
        words: likewise.
        settings: when, and how.
    """
    settings = settings or CloserSettings()
    box = shown_part(first, query.size, size, settings)
    if box is None:
        return first
    with suppress(DeoccludeError, OSError, MemoryError):
        pixels = picture()
        if pixels.shape[:2] == size:
            features = extract(np.ascontiguousarray(pixels[box.slices]), settings=settings.features)
            found = verify(query, features, colour, settings.verifying, words=words)
            return _moved(found, box)
    return first


def shown_part(verdict: Verdict, query: Size, picture: Size, settings: CloserSettings) -> Box | None:
    """Return the part of a picture that a query shows and that deserves a closer look, or ``None``."""
    if verdict.target_from_source is None or not settings.least <= verdict.probability < settings.most:
        return None
    corners = np.array([(0, 0), (query.width, 0), (query.width, query.height), (0, query.height)], float)
    try:
        places = apply(np.linalg.inv(verdict.target_from_source), corners)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(places).all():
        return None
    low, high = places.min(0), places.max(0)
    grown = settings.margin * (high - low)
    low, high = np.maximum(low - grown, 0), np.minimum(high + grown, (picture.width, picture.height))
    if min(high - low) < settings.smallest or np.prod(high - low) > settings.share * picture.width * picture.height:
        return None
    return Box(*np.floor(low).astype(int).tolist(), *np.ceil(high).astype(int).tolist())


def _moved(verdict: Verdict, box: Box) -> Verdict:
    """Return a verdict on a part as one on the picture."""
    if verdict.target_from_source is None:
        return verdict
    part_from_picture = np.array([[1, 0, -box.x0], [0, 1, -box.y0], [0, 0, 1]], float)
    return replace(verdict, target_from_source=verdict.target_from_source @ part_from_picture)
