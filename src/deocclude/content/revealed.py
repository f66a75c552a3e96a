"""What references show of one hidden part: laid over what is visible, and used only where they agree with it.

An object is first compared by its own visible pixels alone. Where these say too little (a plain or small object), what
surrounds it is looked at too, provided that the reference shows the object's visible pixels as well: a picture of the
same place without the object is no reference for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deocclude.content.fill import LEAST_ROUND, MIXED, background_patch, hidden_patch
from deocclude.content.foreign import Traces, trace
from deocclude.content.fused import fuse
from deocclude.content.overlay import StitchSettings
from deocclude.content.patch import BACKGROUND, Fill, Patch, Provenance
from deocclude.content.stitch import Stitched, stitch
from deocclude.content.window import window_around
from deocclude.geometry import EMPTY_BOX, Size
from deocclude.images import RGBArray
from deocclude.masks import Mask, union
from deocclude.references.features import Features, extract

if TYPE_CHECKING:
    from deocclude.references.supply import Reference

Bool = NDArray[np.bool_]
LEAST = 48
"""Smaller hidden parts are left to the painters: nothing can be tested on them."""
SEEN = 0.3
"""A reference shows an object if it shows at least this share of its visible pixels, 0..1."""
COVERED = 0.8
"""A reference in which the occluder is seen with so much of what lies over the hole shows the occluder there too."""
KEPT = 12
"""References whose traces are held in memory."""
TOO_LITTLE = "the visible part says too little"
NOTHING_ELSE = "it shows nothing but other objects of the photo"
NAME = "references"


@dataclass(frozen=True, eq=False)
class Hole:
    """A hidden part, and what may be looked at.

    Attributes:
        id: of the object; 0 is the background.
        parts: what is hidden, in pieces that are filled one by one.
        own: visible pixels of the object that show nothing else; none for the background.
        around: visible pixels of no object.
        modal: all visible pixels of the object; none for the background.
        covered: visible pixels of all objects.
    """

    id: int
    parts: tuple[Mask, ...]
    own: Mask
    around: Mask
    modal: Mask
    covered: Mask

    @cached_property
    def shaded(self) -> Mask:
        """What is not the background's own colour: objects and the pixels beside them."""
        return Mask.from_array(~self.around.to_array())

    @property
    def hidden(self) -> Mask:
        """All that is hidden."""
        whole = self.parts[0]
        for part in self.parts[1:]:
            whole = whole | part
        return whole

    @property
    def foreign(self) -> Mask:
        """Visible pixels of other objects; made anew each time, since it may be as large as the photo."""
        return self.covered - self.modal


@dataclass(frozen=True, eq=False)
class Revealed:
    """What references gave of a hidden part.

    Attributes:
        part: the pixels, with the provenance ``REFERENCE`` + place of the reference in the list; ``None`` for none.
        reasons: for each reference why none of its pixels is used; ``None`` where some are.
    """

    part: Fill | None
    reasons: tuple[str | None, ...]


@dataclass(eq=False)
class View:
    """The photo with its objects, to lay references over.

    Attributes:
        rgb: uint8 [H, W, 3].
        objects: visible pixels of all objects.
    """

    rgb: RGBArray
    objects: Mask
    _traces: dict[int, tuple[Reference, Traces]] = field(default_factory=dict, repr=False)

    @cached_property
    def features(self) -> Features:
        """Of the whole photo."""
        return extract(self.rgb)

    def traces(self, reference: Reference) -> Traces:
        """Return where pixels of a reference are seen in the photo; worked out once for each."""
        known = self._traces.get(id(reference))
        if known is None:
            while len(self._traces) >= KEPT:
                del self._traces[next(iter(self._traces))]
            found = trace((self.rgb, self.features), self.objects, (reference.rgb, reference.features))
            known = self._traces[id(reference)] = (reference, found)
        return known[1]


def reveal(view: View, hole: Hole, references: Sequence[Reference], *, trust: bool = False) -> Revealed:
    """Return what references show of a hidden part.

    Args:
        view: the photo.
        hole: what is hidden.
        references: pictures to try, all of them together.
        trust: use them even where they promise little: a user picked them.
    """
    if not references or max(part.area for part in hole.parts) < LEAST:
        why = "the hidden part is too small to test a reference on"
        return Revealed(None, (why,) * len(references))
    settings = StitchSettings(verify=False, least_confidence=0.0) if trust else StitchSettings()
    foreign = hole.foreign
    allowed = [_allowed(view, foreign, reference) for reference in references]
    open_ = [k for k, part in enumerate(allowed) if part is None or part.any()]
    reasons: list[str | None] = [TOO_LITTLE if k in open_ else NOTHING_ELSE for k in range(len(references))]
    for usable, tried in _attempts(view, hole, references, open_):
        found = []
        for part in hole.parts:
            if part.area >= LEAST:
                given = [(references[k].rgb, references[k].features) for k in tried]
                shown = [allowed[k] for k in tried]
                answer = stitch(view.rgb, part, usable, given, settings, shown=shown)
                fused = fuse(answer, part, partial(_asked, view, hole, part))
                found.append(replace(fused, overlay=None))  # it is large, and nobody asks for it any more
        for place, k in enumerate(tried):
            reasons[k] = _reason(view, hole, references[k], found, place)
        if any(answer.filled.any() for answer in found):
            return Revealed(_placed(hole, found, tried), tuple(reasons))
    return Revealed(None, tuple(reasons))


def _asked(view: View, hole: Hole, part: Mask) -> Patch:
    """Return what a painter gets to paint a piece of a hidden part."""
    if hole.id == BACKGROUND:
        return background_patch(view.rgb, part, hole.shaded)[0]
    near = part.box.join(hole.own.box)
    near = near.grow(max(near.width, near.height) + LEAST_ROUND + MIXED + 1)  # the patch reaches less far
    occluders = hole.covered.within(near) - hole.modal
    return hidden_patch(view.rgb, hole.own, part, occluders=occluders)[0]


def _attempts(
    view: View, hole: Hole, references: Sequence[Reference], open_: list[int]
) -> Iterator[tuple[Mask, list[int]]]:
    """Yield what may be looked at with the references to try, of those ``open_``, until one gives something."""
    if not open_:
        return
    if hole.id == BACKGROUND:
        yield hole.around, open_
        return
    yield hole.own, open_
    showing = [k for k in open_ if view.traces(references[k]).share(hole.own) >= SEEN]
    if showing:
        near = EMPTY_BOX
        for part in hole.parts:
            near = near.join(window_around(part).box)
        yield hole.own | hole.around.within(near), showing


def _allowed(view: View, foreign: Mask, reference: Reference) -> Bool | None:
    """Return the pixels of a reference that may be used: not transparent, and not those of other objects."""
    barred = view.traces(reference).foreign(foreign)
    if not barred.any():
        return reference.shown
    return ~barred if reference.shown is None else reference.shown & ~barred


def _reason(view: View, hole: Hole, reference: Reference, answers: Sequence[Stitched], place: int) -> str | None:
    """Return why a reference gave no pixel in any of the answers, ``None`` if it gave some."""
    if any((answer.source == place).any() for answer in answers):
        return None
    if any(answer.filled.any() for answer in answers):
        return "another reference agrees better"
    refused = [answer.reasons[place] for answer in answers if place in answer.reasons]
    if len(refused) == len(answers):
        if view.traces(reference).share(hole.hidden) >= COVERED:
            return "it shows what hides the object, at the same place"
        return refused[0]
    promise = max(answer.measures.get("confidence", 0.0) for answer in answers)
    notes = [answer.notes[-1] for answer in answers if answer.measures and answer.notes]
    return notes[0].removeprefix("references not used: ") if notes else f"too little agreement ({promise:.2f})"


def _placed(hole: Hole, answers: Sequence[Stitched], tried: Sequence[int]) -> Fill:
    """Return the filled pixels of all pieces in one crop."""
    answers = [answer for answer in answers if answer.filled.any()]
    masks = [Mask.from_crop(answer.filled, answer.box[:2], hole.own.size) for answer in answers]
    filled = union(masks, hole.own.size)
    box, shape = filled.box, filled.pixels.shape
    codes, sure = np.full(shape, Provenance.NOTHING, np.uint8), np.zeros(shape, np.uint8)
    rgb = np.zeros((*shape, 3), np.uint8)
    for mask, answer in zip(masks, answers, strict=True):
        here, there = mask.box.window(box), mask.box.window(answer.box)
        part = mask.pixels
        codes[here][part] = np.array(tried)[answer.source[there][part]] + Provenance.REFERENCE
        rgb[here][part] = answer.rgb[there][part]
        sure[here][part] = np.rint(answer.confidence[there][part] * 255)
    return Fill(hole.id, box, filled.pixels, rgb, codes, sure, NAME)


def recoded(part: Fill, numbers: dict[int, int]) -> Fill:
    """Return the pixels with other numbers of references: ``numbers`` maps old to new ones."""
    table = np.arange(256, dtype=np.uint8)
    for old, new in numbers.items():
        table[Provenance.REFERENCE + old] = Provenance.REFERENCE + new
    return replace(part, provenance=table[part.provenance])


def within(part: Fill, hidden: Mask) -> Fill | None:
    """Return the pixels that are still hidden, ``None`` where none is."""
    kept = part.hole & hidden.crop(part.box)
    if not kept.any():
        return None
    whole = Mask.from_crop(kept, part.box[:2], Size(*hidden.size))
    inner = whole.box.window(part.box)
    inside = kept[inner]
    return replace(
        part,
        box=whole.box,
        hole=inside,
        rgb=np.where(inside[..., None], part.rgb[inner], 0).astype(np.uint8),
        provenance=np.where(inside, part.provenance[inner], 0).astype(np.uint8),
        confidence=np.where(inside, part.confidence[inner], 0).astype(np.uint8),
    )
