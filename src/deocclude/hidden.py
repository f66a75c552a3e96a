"""What is hidden in a project: a part of each object and of the background, and how it is filled."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deocclude.content.fill import AUTO, fill_background, fill_hidden, merged
from deocclude.content.patch import BACKGROUND, Fill, Painter
from deocclude.geometry import EMPTY_BOX
from deocclude.images import RGBArray
from deocclude.masks import Mask, union
from deocclude.project.state import Project


@dataclass(frozen=True, eq=False)
class HiddenPart:
    """What is hidden of an object, or of the background.

    Attributes:
        id: the object; 0 is the background.
        modal: its visible mask; empty for the background.
        whole: its whole shape; for the background what all objects cover.
        front: the visible pixels of all that may hide it: its ancestors, and what its shape runs under (more than the
            order says where an arrow was dropped or a shape was painted by hand). Empty for the background.
    """

    id: int
    modal: Mask
    whole: Mask
    front: Mask

    @property
    def masks(self) -> tuple[Mask, Mask, Mask]:
        """Visible mask, whole shape and what may hide it."""
        return self.modal, self.whole, self.front


def hidden_part(project: Project, identity: int) -> HiddenPart | None:
    """Return what is hidden of an object (0: of the background); ``None`` before whole shapes are computed."""
    if project.scene is None or project.amodal is None:
        return None
    size = project.photo.size
    if identity == BACKGROUND:
        nothing = Mask.empty(size)
        return HiddenPart(BACKGROUND, nothing, union(project.scene.modal, size), nothing)
    if identity not in project.scene.ids:
        return None
    modal, whole = project.scene[identity].modal, project.amodal.masks[identity]
    hidden, ancestors = whole - modal, project.order.ancestors(identity)
    front = [one.modal for one in project.scene.instances if one.id in ancestors or one.modal.overlap(hidden)]
    return HiddenPart(identity, modal, whole, union(front, size))


def fill_part(
    photo: RGBArray, part: HiddenPart, shown: Fill | None = None, *, method: str | Painter = AUTO, seed: int = 0
) -> Fill:
    """Return a hidden part filled: with what references show of it, and the rest painted with a look at both.

    Args:
        photo: uint8 [H, W, 3].
        part: what is hidden.
        shown: what references show of it, if anything.
        method: who paints the rest; see :func:`deocclude.content.fill.fill_hidden`.
        seed: for painters that draw random numbers.

    Raises:
        InputError: no painter has that name.
    """
    if part.id == BACKGROUND:
        rest = fill_background(photo, part.whole, method=method, seed=seed, shown=shown)
    else:
        seen = part.modal if shown is None else part.modal | shown.mask(part.modal.size)
        rest = fill_hidden(photo, seen, part.whole, instance_id=part.id, method=method, seed=seed,
                           occluders=part.front, shown=shown)  # fmt: skip
    return rest if shown is None else _joined(shown, rest, part.whole - part.modal)


def _joined(shown: Fill, rest: Fill, hidden: Mask) -> Fill:
    if rest.box == EMPTY_BOX:
        return merged([shown], hidden, shown.instance_id)
    whole = merged([shown, rest], hidden, shown.instance_id)
    return replace(whole, method=f"{shown.method} + {rest.method}")
