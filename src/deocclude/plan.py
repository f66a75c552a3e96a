"""What the stages are asked to do: their names in order, the settings, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

from deocclude import amodal, ordering
from deocclude.content import fill
from deocclude.errors import InputError, unknown_choice
from deocclude.nets.chosen import SHIPPED
from deocclude.references.supply import SupplySettings

WIDEST_GAP = 200
"""Largest ``max_gap``, in pixels; wider slits are background, and cost grows with the square."""
LARGEST_SEED = 2**32 - 1
STAGES = ("repair", "order", "amodal", "references", "content", "layers")


@dataclass(frozen=True)
class Settings:
    """What the pipeline does; every field is a key of a settings file and an option of ``deocclude run``."""

    order: str = "pcnet-m"
    """Ordering method."""
    amodal: str = "pcnet-m"
    """Amodal completion method."""
    fill: str = "auto"
    """How hidden pixels are painted: ``auto`` keeps texture, ``chosen`` lets all painters compete for the least error
    (slower, smoother), or the name of one painter."""
    edges: str = "soft"
    """Layer edges: ``soft`` is anti-aliased, ``hard`` has alpha 0 or 255 and is exactly the whole shape. Both
    recompose to the photo byte for byte."""
    max_gap: int = 4
    """Widest slit between neighbouring masks that the repair closes, in pixels."""
    seed: int = 0
    """For all that draws random numbers."""
    references: tuple[str, ...] = ()
    """Folders of similar pictures, or indexes of such: what they show of a hidden part is taken from them."""
    reference: tuple[str, ...] = ()
    """Similar pictures to try on every hidden part; they too are used only where they agree with what is visible."""
    weights: str = SHIPPED
    """Of the mask network: a bundled name, a weights file, or the folder of a training run."""

    @property
    def supply(self) -> SupplySettings:
        """Where references are looked for."""
        return SupplySettings(self.references, self.reference)


def check(settings: Settings) -> None:
    """Refuse settings that no stage can follow.

    Raises:
        InputError: an unknown method or kind of edges, or a number out of range.
    """
    from deocclude.layers.build import EDGES

    for kind, name, known in (
        ("ordering method", settings.order, ordering.METHODS),
        ("amodal method", settings.amodal, amodal.METHODS),
        ("fill method", settings.fill, fill.names()),
        ("edges", settings.edges, EDGES),
    ):
        if name not in known:
            raise unknown_choice(kind, name, known)
    if not 0 <= settings.max_gap <= WIDEST_GAP:
        raise InputError(f"0 to {WIDEST_GAP} pixels", str(settings.max_gap), field="max_gap")
    if not 0 <= settings.seed <= LARGEST_SEED:
        raise InputError(f"0 to {LARGEST_SEED}", str(settings.seed), field="seed")
