"""Queries for the objects of a scene: what the web is asked when references of a photo are looked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deocclude.images import RGBArray
from deocclude.masks import Mask
from deocclude.references.sources import wants_picture
from deocclude.references.sources.object_picture import encoded, object_pixels
from deocclude.references.sources.session import WebQuery
from deocclude.scene import Scene


@dataclass(frozen=True)
class Cut:
    """What of the photo a source gets to see.

    Attributes:
        alone: the object only; all else is painted over.
        longest: longer side of the picture, pixels.
    """

    alone: bool = False
    longest: int = 1024


def object_query(
    rgb: RGBArray, scene: Scene, identity: int, *, hidden: Mask | None = None, words: str = "", cut: Cut | None = None
) -> WebQuery:
    """Return the query for one object.

    Args:
        rgb: uint8 [H, W, 3], the photo.
        scene: its objects.
        identity: id of the object.
        hidden: its hidden part where that is known.
        words: for sources that are asked by words; by default the object's class, else its name.
        cut: what of the photo is in the picture; ``None`` for no picture at all.

    Raises:
        InputError: no object with this id.
    """
    item = scene[identity]
    picture = None
    if cut is not None:
        picture = encoded(object_pixels(rgb, scene, identity, hidden=hidden, alone=cut.alone), cut.longest)
    return WebQuery(f"{item.label} ({item.id})", picture, words or item.category or item.name)


def scene_queries(
    rgb: RGBArray,
    scene: Scene,
    sources: Iterable[str],
    *,
    hidden: Mapping[int, Mask],
    longest: int = 1024,
) -> list[WebQuery]:
    """Return queries for all objects that have a hidden part; pictures only where one of ``sources`` wants them.

    Args:
        rgb: uint8 [H, W, 3], the photo.
        scene: its objects.
        sources: names of the sources.
        hidden: hidden parts by object id; objects without one, or with an empty one, are not asked for.
        longest: longer side of a picture, pixels.
    """
    cut = Cut(longest=longest) if wants_picture(sources) else None
    wanted = [item for item in scene.instances if hidden.get(item.id) and not item.is_stuff]
    return [object_query(rgb, scene, item.id, hidden=hidden[item.id], cut=cut) for item in wanted]


def digest(queries: Iterable[WebQuery], sources: Iterable[str], uses: Iterable[str] = ()) -> str:
    """Return what tells these queries to these sources from others, 16 hexadecimal digits."""
    told = hashlib.sha256(repr((sorted(sources), sorted(uses))).encode())
    for query in queries:
        told.update(repr((query.label, query.words)).encode())
        told.update(query.picture.data if query.picture else b"")
    return told.hexdigest()[:16]
