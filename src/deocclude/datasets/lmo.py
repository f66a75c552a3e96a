"""LM-Occlusion (BOP challenge): real photos of a cluttered table with exact amodal masks and order.

Masks and order were rendered from the measured poses of eight object models. Things without a model (a vise, a lamp,
cables) hide objects too, which the rendered visible masks do not know; :attr:`LmoFrame.scored` names the objects
whose rendered visible share agrees with BOP's measured one. Amodal masks and order need no such filter. The frames are
one camera run: split them by contiguous block. Source: Brachmann et al., ECCV 2014; Hodan et al., BOP, ECCV 2018.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deocclude.errors import InputError
from deocclude.formats.base import ImageEntry, read_mask, scene_size
from deocclude.formats.record import Record, is_whole
from deocclude.formats.source import open_source
from deocclude.scene import Instance, Scene, validate

SHARE_TOLERANCE = 0.1
SMALLEST_SCORED = 200


@dataclass(frozen=True)
class LmoFrame:
    """One photo with its truth.

    Attributes:
        scene: the objects with modal and amodal masks and ``order_truth``. Ids are the region's position in the file,
            from 1; objects outside the picture are left out, fully hidden ones are kept (empty modal mask).
        scored: ids of the objects whose masks may be scored: |visible share - BOP's visible share| < 0.1 and an
            amodal area of 200 pixels or more.
    """

    scene: Scene
    scored: frozenset[int]


def read_lmo(path: Path | str) -> Iterator[LmoFrame]:
    """Yield the frames of ``lmo_amodal_modal_order.json``.

    Raises:
        InputError: the file is absent, damaged or of another layout.
    """
    source = open_source(path)
    if not isinstance(source.document, list):
        raise InputError("a JSON list of frames with regions and order", source.description, file=source.path)
    for position, value in enumerate(source.document):
        yield _frame(Record.of(value, source.path, f"[{position}]"))


def _frame(frame: Record) -> LmoFrame:
    regions = list(frame.records("regions"))
    entry = ImageEntry(frame.identity("im_id"), frame.text("image"))
    size = scene_size(entry, regions, ("amodal", "modal"), None, frame.file)
    instances = []
    for position, region in enumerate(regions, start=1):
        amodal = read_mask(region, "amodal", size)
        if amodal:
            modal = read_mask(region, "modal", size)
            name = region.text("name")
            instances.append(Instance(position, modal, name, amodal, category_id=region.whole("obj_id")))
    ids = {item.id for item in instances}
    pairs = frozenset(pair for pair in _order(frame, len(regions)) if ids.issuperset(pair))
    scene = Scene(size, tuple(instances), entry.file_name, entry.image_id, pairs, frame.file)
    scored = frozenset(item.id for item in instances if _is_scored(regions[item.id - 1]))
    return LmoFrame(validate(scene, allow_empty=True), scored)


def _order(frame: Record, count: int) -> Iterator[tuple[int, int]]:
    """Yield (front id, behind id) from rows [front, behind, overlap, share], whose positions start at 0."""
    for row in frame.items("order"):
        ends = row[:2] if isinstance(row, list) else []
        if len(ends) != 2 or not all(is_whole(end) and 0 <= end < count for end in ends):
            raise frame.wrong("order", f"rows [front, behind, ...] of positions below {count}", found="another row")
        yield int(ends[0]) + 1, int(ends[1]) + 1


def _is_scored(region: Record) -> bool:
    area = region.number("area")
    if area < SMALLEST_SCORED:
        return False
    return abs(region.number("vis_area") / area - region.number("bop_visib_fract")) < SHARE_TOLERANCE
