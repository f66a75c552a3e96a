"""The state of a scene being taken apart: what was given, what a user corrected, what each stage found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from deocclude.amodal.result import AmodalMasks
from deocclude.content.patch import Fill
from deocclude.content.reference_record import References
from deocclude.errors import InputError
from deocclude.images import Photo
from deocclude.layers.stack import LayerStack
from deocclude.masks import Mask
from deocclude.ordering.graph import OrderGraph, Override
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.references.choice import Choice
from deocclude.scene import Instance, Scene
from deocclude.stages import StageRecord

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Corrections:
    """What a user set by hand; it outranks every model.

    Attributes:
        order: arrows set, removed or doubled, oldest first; the last word on a pair counts.
        amodal: whole shapes painted by hand, by object id.
        painters: the fill method picked for the hidden part of an object, by its id (0 is the background).
        references: pictures picked or rejected as references, oldest first; the last word on one counts.
    """

    order: tuple[Override, ...] = ()
    amodal: Mapping[int, Mask] = field(default_factory=dict)
    painters: Mapping[int, str] = field(default_factory=dict)
    references: tuple[Choice, ...] = ()

    def with_order(self, *overrides: Override) -> Corrections:
        """Return the corrections with more arrows; earlier ones on the same pair give way."""
        new_pairs = {frozenset((item.first, item.second)) for item in overrides}
        kept = [item for item in self.order if frozenset((item.first, item.second)) not in new_pairs]
        return replace(self, order=(*kept, *overrides))

    def without_order(self, first: int, second: int) -> Corrections:
        """Return the corrections without any arrow between two objects: the model decides again."""
        return replace(self, order=tuple(item for item in self.order if {item.first, item.second} != {first, second}))

    def with_amodal(self, identity: int, mask: Mask | None) -> Corrections:
        """Return the corrections with a whole shape painted by hand, or (``None``) without it."""
        painted = {key: value for key, value in self.amodal.items() if key != identity}
        return replace(self, amodal=painted if mask is None else {**painted, identity: mask})

    def with_reference(self, choice: Choice) -> Corrections:
        """Return the corrections with a reference picked or rejected; an earlier word on the same one gives way."""
        kept = self.without_reference(choice.path, choice.sha256, choice.object).references
        return replace(self, references=(*kept, choice))

    def without_reference(self, path: str, sha256: str = "", identity: int | None = None) -> Corrections:
        """Return the corrections without a word on a reference: agreement decides again.

        Args:
            path: of the reference.
            sha256: of its content, where it is known.
            identity: the object that the word was about; ``None`` for the word about all of them.
        """
        kept = (one for one in self.references if one.object != identity or not one.means(path, sha256))
        return replace(self, references=tuple(kept))


@dataclass(frozen=True, eq=False)
class Project:
    """A photo, its objects, and as many stage results as have been computed.

    Attributes:
        photo: the photo, upright.
        given: the objects as they were handed in.
        settings: the pipeline's settings as plain values, as last used.
        corrections: what was set by hand.
        scene: the objects with repaired visible masks.
        pairs: pairwise order, before corrections.
        graph: the order in force.
        amodal: whole shapes, corrections included.
        references: what similar pictures show of the hidden parts, and what became of each picture.
        fills: painted hidden parts by object id; 0 is the background's.
        stack: the layers.
        records: how each stage came to its result, by stage name.
        fingerprints: what each stage's result was computed from, by stage name; a stage whose fingerprint has not
            changed is not computed again.
    """

    photo: Photo
    given: Scene
    settings: Mapping[str, Any] = field(default_factory=dict)
    corrections: Corrections = field(default_factory=Corrections)
    scene: Scene | None = None
    pairs: PairwiseOrder | None = None
    graph: OrderGraph | None = None
    amodal: AmodalMasks | None = None
    references: References = field(default_factory=References)
    fills: Mapping[int, Fill] | None = None
    stack: LayerStack | None = None
    records: Mapping[str, StageRecord] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> OrderGraph:
        """The order in force.

        Raises:
            InputError: the order stage has not run.
        """
        return _present(self.graph, "the order", "order")

    @property
    def layers(self) -> LayerStack:
        """The layers.

        Raises:
            InputError: the layers stage has not run.
        """
        return _present(self.stack, "layers", "run")

    @property
    def objects(self) -> tuple[Instance, ...]:
        """The objects, with repaired masks where the repair has run."""
        return (self.scene or self.given).instances

    def save(self, folder: Any, *, force: bool = False) -> None:
        """Write the project folder (see :func:`deocclude.project.store.write_project`)."""
        from pathlib import Path

        from deocclude.project.store import write_project

        write_project(self, Path(folder), force=force)


def _present(value: T | None, what: str, command: str) -> T:
    if value is None:
        raise InputError(f"a project with {what}", "one without", hint=f"run 'deocclude {command}' on it first")
    return value
