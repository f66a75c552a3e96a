"""What is hidden in a project: a part of each object and of the background, and how it is filled."""

from __future__ import annotations

from dataclasses import dataclass

from deocclude.content.completed import complete_background, complete_hidden
from deocclude.content.fill import AUTO, fill_background, fill_hidden
from deocclude.content.patch import BACKGROUND, Fill, Painter
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
    """Return a hidden part filled.

    Args:
        photo: uint8 [H, W, 3].
        part: what is hidden.
        shown: what references show of it, if anything.
        method: who paints the rest; see :func:`deocclude.content.fill.fill_hidden`.
        seed: for painters that draw random numbers.

    Raises:
        InputError: no painter has that name.
    """
    if part.id == BACKGROUND and shown is None:
        return fill_background(photo, part.whole, method=method, seed=seed)
    if part.id == BACKGROUND and shown is not None:
        return complete_background(photo, part.whole, shown, method=method, seed=seed)
    if shown is None:
        return fill_hidden(photo, part.modal, part.whole, instance_id=part.id, method=method, seed=seed,
                           occluders=part.front)  # fmt: skip
    return complete_hidden(photo, part.modal, part.whole, shown, method=method, seed=seed, occluders=part.front)
