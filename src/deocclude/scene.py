"""A photo's objects: what every reader produces and every stage starts from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask


@dataclass(frozen=True)
class Instance:
    """One object of a scene.

    Attributes:
        id: positive number, unique in the scene; arrows, files and corrections refer to it.
        modal: the visible mask.
        name: free text; may be empty.
        amodal: the true whole mask, hidden part included, where the annotation has it.
        category: class name, or empty when unknown.
        category_id: the class number of the file, if any (KINS, COCO).
        is_stuff: background region (sky, road) in COCOA.
        depth_rank: COCOA ``order`` or KINS ``ico_id``: 1 is nearest; ``None`` when not annotated.
        cluster: KINS ``oco_id``: ranks compare only within one cluster.
        score: confidence of a detector, if any.
        annotation_id: the id that the file gives the object, where it gives one; ``id`` is another where those of the
            file are too large to read.
    """

    id: int
    modal: Mask
    name: str = ""
    amodal: Mask | None = None
    category: str = ""
    category_id: int | None = None
    is_stuff: bool = False
    depth_rank: int | None = None
    cluster: int | None = None
    score: float | None = None
    annotation_id: int | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """What to call the object in tables and pictures."""
        return self.name or self.category or f"object {self.id}"


@dataclass(frozen=True)
class Scene:
    """The objects of one photo, in the order of their file.

    Attributes:
        size: height and width of the photo, in pixels.
        instances: the objects; ids are unique, masks have the size of the scene.
        image_file: file name of the photo, with its folders where the annotation states them, or empty.
        image_id: number of the photo in its data set, if any.
        order_truth: pairs (front id, behind id) that the annotation states, or ``None`` when it states none.
        source: the file that the scene was read from, for messages.
        notes: one line each for what a user should know of the reading, such as shapes that were left out.
        only_image: ``source`` holds no other image.
    """

    size: Size
    instances: tuple[Instance, ...]
    image_file: str = ""
    image_id: int | str | None = None
    order_truth: frozenset[tuple[int, int]] | None = None
    source: Path | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    only_image: bool = field(default=False, compare=False)

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.instances)

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the objects, in order."""
        return tuple(instance.id for instance in self.instances)

    @property
    def modal(self) -> tuple[Mask, ...]:
        """The visible masks, in order."""
        return tuple(instance.modal for instance in self.instances)

    def __getitem__(self, instance_id: int) -> Instance:
        """Return the object with this id.

        Raises:
            InputError: there is none.
        """
        for instance in self.instances:
            if instance.id == instance_id:
                return instance
        raise InputError(
            f"an object id among {', '.join(map(str, self.ids))}", str(instance_id), field="object", file=self.source
        )

    def with_modal(self, masks: Sequence[Mask]) -> Scene:
        """Return the scene with other visible masks, one an object, in order."""
        pairs = zip(self.instances, masks, strict=True)
        return replace(self, instances=tuple(replace(instance, modal=mask) for instance, mask in pairs))

    def subset(self, ids: Iterable[int]) -> Scene:
        """Return the scene with only the objects of ``ids``, in their order."""
        wanted = set(ids)
        pairs = None if self.order_truth is None else frozenset(p for p in self.order_truth if wanted.issuperset(p))
        return replace(self, instances=tuple(item for item in self.instances if item.id in wanted), order_truth=pairs)


def validate(scene: Scene, *, allow_empty: bool = False) -> Scene:
    """Return ``scene`` if stages can work with it.

    Args:
        scene: what a reader returned.
        allow_empty: accept objects without a visible pixel (fully hidden ones in amodal data sets).

    Raises:
        InputError: no object, an object without a pixel, an id that is not positive or occurs twice,
            or a mask of another size.
    """
    file = scene.source
    if not scene.instances:
        found = f"none ({'; '.join(scene.notes)})" if scene.notes else "none"
        raise InputError("at least one object", found, file=file, hint="check --image-id and the file")
    seen: set[int] = set()
    for instance in scene.instances:
        where = f"object {instance.id}"
        if instance.id < 1:
            raise InputError("an id of 1 or more", str(instance.id), file=file, field=where)
        if instance.id in seen:
            raise InputError("ids that occur once", f"{instance.id} twice", file=file, field="id")
        seen.add(instance.id)
        for mask in (instance.modal, instance.amodal):
            if mask is not None and mask.size != scene.size:
                raise InputError(f"a mask of {scene.size}", f"{mask.size}", file=file, field=where)
        if not instance.modal and not allow_empty:
            raise InputError(
                "a visible mask with at least one pixel",
                "an empty one",
                file=file,
                field=f"{where} ({instance.label})",
                hint="remove the object, or pass --skip-empty",
            )
    return scene


def scene_from_arrays(masks: NDArray[np.bool_] | Sequence[NDArray[np.bool_]], names: Sequence[str] = ()) -> Scene:
    """Return the scene of full visible masks.

    Args:
        masks: bool [n, H, W], or as many arrays [H, W].
        names: one an object, or none.

    Raises:
        InputError: the array is not three-dimensional, or holds more than two values (of unsigned numbers all
            but 0 are true).
    """
    masks = _stacked(masks)
    if masks.ndim != 3:
        hint = "of records such as SAM's, hand in the arrays under 'segmentation'" if masks.dtype == object else None
        found = f"shape {masks.shape}"
        raise InputError("visible masks as an array [n, H, W]", found, field="masks", hint=hint)
    if masks.dtype.kind not in "bu" and not np.isin(masks, (0, masks.max(initial=0))).all():
        hint = "compare them with a threshold first, such as masks > 0"
        found = f"{masks.dtype} with other values than 0 and one more"
        raise InputError("visible masks of true and false", found, field="masks", hint=hint)
    named = [*names, *[""] * (len(masks) - len(names))]
    instances = tuple(
        Instance(position + 1, Mask.from_array(mask), name=name)
        for position, (mask, name) in enumerate(zip(masks, named, strict=True))
    )
    return Scene(Size(*masks.shape[1:]), instances)


def _stacked(masks: NDArray[np.bool_] | Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    try:
        return np.asarray(masks)
    except ValueError:
        raise InputError("visible masks of one size", "several sizes", field="masks") from None
