"""The numbers of a report: what each stage found about each object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.content.patch import BACKGROUND, Fill, Provenance
from deocclude.geometry import Box
from deocclude.project.provenance import hidden_codes
from deocclude.project.state import Project
from deocclude.scene import Instance


@dataclass(frozen=True)
class Source:
    """Hidden pixels that came from one place.

    Attributes:
        code: a value of :class:`~deocclude.content.patch.Provenance`.
        pixels: how many.
        confidence: their mean confidence, 0..1.
    """

    code: int
    pixels: int
    confidence: float


@dataclass(frozen=True)
class Part:
    """What is known of one layer, the background (id 0) included; ``None`` stands for a stage that has not run.

    Attributes:
        id: the object's id, or 0.
        name: what to call it.
        position: place in the scene, which decides the colour; -1 for the background.
        z: place in the stack, 0 is just above the background.
        visible: visible pixels.
        hidden: hidden pixels.
        hidden_by: ids of the objects in front.
        sources: where the hidden pixels came from, most first.
        method: painter of the hidden pixels.
        fallback: why it was not the painter asked for.
        notes: one line each for what a user should know.
    """

    id: int
    name: str
    position: int
    z: int | None
    visible: int
    hidden: int | None
    hidden_by: tuple[int, ...] | None
    sources: tuple[Source, ...] = ()
    method: str | None = None
    fallback: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def hidden_share(self) -> float:
        """Hidden part of the whole, 0..1."""
        return (self.hidden or 0) / max(1, self.visible + (self.hidden or 0))


@dataclass(frozen=True, eq=False)
class Cutout:
    """The pixels of one object.

    Attributes:
        box: where they lie in the photo.
        rgba: uint8 [h, w, 4], straight alpha.
        hidden: bool [h, w], the hidden part; clear in ``rgba`` as long as nothing has been painted.
    """

    box: Box
    rgba: NDArray[np.uint8]
    hidden: NDArray[np.bool_]


def count_sources(codes: NDArray[np.uint8], confidence: NDArray[np.uint8]) -> tuple[Source, ...]:
    """Return how many pixels beyond ``VISIBLE`` each source gave, most first; both arrays uint8 [h, w]."""
    hidden = codes > Provenance.VISIBLE
    counts = np.bincount(codes[hidden], minlength=1)
    sure = np.bincount(codes[hidden], weights=confidence[hidden], minlength=1)
    found = [
        Source(int(code), int(counts[code]), float(sure[code] / counts[code] / 255)) for code in np.flatnonzero(counts)
    ]
    return tuple(sorted(found, key=lambda item: (-item.pixels, item.code)))


def total_sources(parts: Iterable[Part]) -> tuple[Source, ...]:
    """Return the sources of all parts together, most pixels first."""
    pixels: dict[int, int] = {}
    sure: dict[int, float] = {}
    for source in (source for part in parts for source in part.sources):
        pixels[source.code] = pixels.get(source.code, 0) + source.pixels
        sure[source.code] = sure.get(source.code, 0.0) + source.pixels * source.confidence
    found = [Source(code, count, sure[code] / count) for code, count in pixels.items()]
    return tuple(sorted(found, key=lambda item: (-item.pixels, item.code)))


def describe_objects(project: Project) -> tuple[Part, ...]:
    """Return the objects, front-most first where layers exist, else in the order of their file."""
    parts = [_object(project, item, position) for position, item in enumerate(project.objects)]
    return tuple(sorted(parts, key=lambda part: -1 if part.z is None else -part.z))


def describe_background(project: Project) -> Part | None:
    """Return the background, or ``None`` as long as nothing has painted it."""
    fill = (project.fills or {}).get(BACKGROUND)
    if fill is None:
        return None
    sources = _fill_sources(fill)
    hidden = int(np.count_nonzero(fill.hole))
    height, width = project.photo.size
    return Part(
        id=BACKGROUND, name="background", position=-1, z=-1, visible=height * width - hidden, hidden=hidden,
        hidden_by=tuple(item.id for item in project.objects), sources=sources, method=fill.method,
        fallback=fill.fallback_reason, notes=(*fill.notes, *_stack_notes(project, BACKGROUND)),
    )  # fmt: skip


def cutout(project: Project, identity: int) -> Cutout:
    """Return the pixels of an object as far as they are known: its layer, else its visible part cut from the photo."""
    if project.stack is not None:
        layer = project.stack[identity]
        return Cutout(layer.box, layer.rgba, layer.provenance > Provenance.VISIBLE)
    modal = next(item.modal for item in project.objects if item.id == identity)
    whole = project.amodal.masks[identity] | modal if project.amodal else modal
    visible = modal.crop(whole.box)
    alpha = np.where(visible, np.uint8(255), np.uint8(0))
    return Cutout(whole.box, np.dstack([project.photo.pixels[whole.box.slices], alpha]), whole.pixels & ~visible)


def _object(project: Project, item: Instance, position: int) -> Part:
    fill = (project.fills or {}).get(item.id)
    z: int | None = None
    hidden: int | None = None
    sources: tuple[Source, ...] = ()
    if project.stack is not None:
        layer = project.stack[item.id]
        z, sources = layer.z, count_sources(layer.provenance, layer.confidence)
        hidden = sum(source.pixels for source in sources)
    elif project.amodal is not None:
        hidden = (project.amodal.masks[item.id] - item.modal).area
        sources = _fill_sources(fill)
    return Part(
        id=item.id, name=item.label, position=position, z=z, visible=item.modal.area, hidden=hidden,
        hidden_by=project.graph.occluders(item.id) if project.graph else None, sources=sources,
        method=fill.method if fill else None, fallback=fill.fallback_reason if fill else None,
        notes=(*(fill.notes if fill else ()), *_stack_notes(project, item.id)),
    )  # fmt: skip


def _fill_sources(fill: Fill | None) -> tuple[Source, ...]:
    return count_sources(hidden_codes(fill.provenance, fill.hole), fill.confidence) if fill else ()


def _stack_notes(project: Project, identity: int) -> tuple[str, ...]:
    if project.stack is None:
        return ()
    clipped, patched = project.stack.clipped.get(identity, 0), project.stack.patched.get(identity, 0)
    notes = []
    if clipped:
        notes.append(f"{clipped:,} px of the whole shape cut: they would cover what is visible")
    if patched:
        notes.append(f"{patched:,} hidden px that nothing painted have the nearest known colour")
    return tuple(notes)
