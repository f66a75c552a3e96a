"""References from the web for a data set: every object that is to be hidden is searched once, beforehand.

An et al., "Better Image De-occlusion Using Similar Images", built their data set this way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deocclude.datasets.reference_objects import SourceObject, open_source
from deocclude.datasets.reference_plan import BuildSettings, make_plan
from deocclude.errors import InputError
from deocclude.files import sha256, write_text
from deocclude.geometry import Size
from deocclude.references.credit import read_credits, write_credits
from deocclude.references.sources import wants_picture
from deocclude.references.sources.fetch import fetch_references
from deocclude.references.sources.options import WebSettings, read_web_settings
from deocclude.references.sources.scene_queries import Cut, object_query
from deocclude.references.sources.session import WebQuery
from deocclude.scene import Instance, Scene
from deocclude.stages import Progress

ASKED = "asked.json"
"""File that says where was searched, and for which objects; it is written when the folder is complete."""


def fetch_for_dataset(
    data: Sequence[str],
    sources: tuple[str, ...],
    folder: Path,
    settings: BuildSettings,
    *,
    web: WebSettings | None = None,
    progress: Progress | None = None,
) -> Path:
    """Search the web for all objects that a data set will hide, and fetch what is found into a folder.

    A folder that has been completed is left as it is, so that a build that goes on later finds the same references;
    one that was searched in other places, or for other objects, is refused.
    Copies of the data's own photos are taken out again: what is tested on must not serve as a reference.

    Args:
        data: as for :func:`~deocclude.datasets.reference_building.build_reference_dataset`.
        sources: names of the sources; nothing is sent to any other place.
        folder: where pictures and their credits go.
        settings: of the data set; they decide which objects there are.
        web: settings of the search; by default those of the settings file and the environment.
        progress: told the name of a step, how much of it is done, and how much there is.

    Raises:
        InputError: data or settings that cannot be used, a missing key, or a folder with another search in it.
        OutputError: the folder cannot be written.
    """
    plan = make_plan([open_source(one) for one in data], settings, [])
    items = {one.item.whole.key: one.item for shard in plan.shards for one in shard}
    if (folder / ASKED).is_file():
        _check_search(folder, sources, items)
        return folder
    web = web or read_web_settings()
    cut = Cut(longest=web.longest) if wants_picture(sources) else None
    tell = progress or (lambda step, done, total: None)
    fetch_references(
        _queries(list(items.values()), cut), sources, folder, web,
        progress=lambda step, done, total: tell(step, done, len(items)),
    )  # fmt: skip
    _take_out(folder, {item.whole.photo_path for item in items.values()})
    write_text(folder / ASKED, json.dumps(_asked(sources, items), indent=1) + "\n")
    return folder


def _asked(sources: tuple[str, ...], items: Iterable[str]) -> dict[str, list[str]]:
    return {"sources": sorted(sources), "objects": sorted(items)}


def _check_search(folder: Path, sources: tuple[str, ...], items: Iterable[str]) -> None:
    """Refuse a folder that was filled by another search."""
    try:
        before = json.loads((folder / ASKED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = None
    if before != _asked(sources, items):
        raise InputError("the pictures of this very search", "those of another (other sources or other objects)",
                         file=folder, hint="move that folder away, or name another data set with -o")  # fmt: skip


def _queries(items: Sequence[SourceObject], cut: Cut | None) -> Iterator[WebQuery]:
    for item in items:
        if cut is None:
            yield WebQuery(item.whole.key, words=item.category)
            continue
        pixels, mask = item.whole.load()
        scene = Scene(Size(*pixels.shape[:2]), (Instance(1, mask, category=item.category),))
        asked = object_query(pixels, scene, 1, cut=cut)
        yield WebQuery(item.whole.key, asked.picture, item.category)


def _take_out(folder: Path, photos: set[Path]) -> None:
    """Delete copies of photos; the names of fetched files begin with the digest of their content."""
    digests = {sha256(photo)[:32] for photo in photos}
    kept = read_credits(folder)
    for name in [name for name in kept if Path(name).stem in digests]:
        (folder / name).unlink(missing_ok=True)
        del kept[name]
    write_credits(folder, kept)
