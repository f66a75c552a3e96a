"""Readers and writers of mask files, chosen by content: the way into and out of the package.

>>> from deocclude.formats import read_scene
>>> scene = read_scene("masks.json")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from deocclude.errors import InputError, unknown_choice
from deocclude.formats.base import Document, Format, ImageEntry
from deocclude.formats.coco import COCO
from deocclude.formats.cocoa import COCOA
from deocclude.formats.kins import KINS
from deocclude.formats.label_png import LABEL_PNG
from deocclude.formats.labelme import LABELME
from deocclude.formats.mask_folder import MASK_FOLDER
from deocclude.formats.photo_names import agreement
from deocclude.formats.sam import SAM
from deocclude.formats.source import Kind, Source, open_source, visible_files
from deocclude.geometry import Size
from deocclude.scene import Scene, validate

__all__ = [
    "FORMATS",
    "Format",
    "ImageEntry",
    "OpenedImage",
    "list_images",
    "open_images",
    "read_scene",
    "read_scenes",
    "recognise",
    "write_scene",
]

FORMATS: dict[str, Format] = {item.name: item for item in (COCOA, KINS, COCO, LABELME, SAM, LABEL_PNG, MASK_FOLDER)}
"""All formats by name, in the order in which they are tried: the more specific first."""


@dataclass(frozen=True)
class OpenedImage:
    """One image of one opened file, whose objects are read when asked for.

    Attributes:
        format: of the file.
        document: the opened file.
        file: where it is.
        index: of the image in it.
    """

    format: Format
    document: Document
    file: Path
    index: int

    @property
    def entry(self) -> ImageEntry:
        """What the file says about the image."""
        return self.document.images[self.index]

    @property
    def only(self) -> bool:
        """Whether the file holds no other image."""
        return len(self.document.images) == 1

    def read(self, photo_size: Size | None = None) -> Scene:
        """Return the objects, unvalidated.

        Args:
            photo_size: the photo's size, used only where the file states none.

        Raises:
            InputError: the content is not usable.
        """
        scene = self.document.scene(self.index, photo_size)
        return replace(scene, only_image=self.only)


def recognise(path: Path | str) -> str:
    """Return the name of the format of ``path``, by its content; for a folder of JSON files that of the first.

    Raises:
        InputError: nothing is there, it is damaged, or no format fits.
    """
    return _sources(Path(path), None)[0][0].name


def list_images(path: Path | str, *, format: str | None = None) -> list[ImageEntry]:
    """Return the images that the file (or the files of the folder) annotates.

    Raises:
        InputError: it cannot be read.
    """
    return [opened.entry for opened in open_images(path, format=format)]


def open_images(path: Path | str, *, format: str | None = None) -> list[OpenedImage]:
    """Return the images of a file or folder, in order; their objects are read when asked for.

    Args:
        path: as for :func:`read_scene`.
        format: as for :func:`read_scene`.

    Raises:
        InputError: it cannot be read, or holds no image.
    """
    chosen = _format(format) if format is not None else None
    opened = []
    for form, source in _sources(Path(path), chosen):
        document = form.open(source)
        opened += [OpenedImage(form, document, source.path, index) for index in range(len(document.images))]
    if not opened:
        raise InputError("at least one image", "none", file=path)
    return opened


def read_scene(
    path: Path | str,
    *,
    photo_size: Size | None = None,
    photo_name: str | None = None,
    image_id: int | str | None = None,
    format: str | None = None,
    skip_empty: bool = False,
) -> Scene:
    """Read the objects of one photo.

    Args:
        path: a file of any format of :data:`FORMATS`, a folder of mask PNGs, or a folder of JSON files.
        photo_size: height and width that the masks must have; also the size where the file states none.
        photo_name: the photo's file name or path; picks the image of that name where there are many, of several
            the one whose folders fit best, else the one that stands in a file named like the photo.
        image_id: picks the image where the file has many; comes before ``photo_name``.
        format: a name of :data:`FORMATS`, to skip the recognition.
        skip_empty: leave out objects without a visible pixel instead of refusing them.

    Raises:
        InputError: the file, the choice of the image or the content is not usable.
    """
    images = open_images(path, format=format)
    opened = _pick(images, Path(path), image_id, photo_name)
    scene = _filter(opened.read(photo_size), skip_empty)
    if photo_size is not None and scene.instances and scene.size != photo_size:
        turned = scene.size == (photo_size[1], photo_size[0])
        hint = (
            "the masks may be made for the photo as stored, before its EXIF orientation is applied: "
            "make them again for the upright photo, or work on a copy of it without that tag"
            if turned
            else None
        )
        expected, found = f"masks of the photo's size {Size(*photo_size)}", f"masks of {scene.size}"
        raise InputError(expected, found, file=scene.source, hint=hint or "use the masks made for this photo")
    return validate(scene)


def read_scenes(
    path: Path | str,
    *,
    format: str | None = None,
    skip_empty: bool = False,
    allow_empty: bool = False,
) -> Iterator[Scene]:
    """Read all images of a file or folder, one after the other; images without an object are passed over.

    Args:
        path: as for :func:`read_scene`.
        format: as for :func:`read_scene`.
        skip_empty: as for :func:`read_scene`.
        allow_empty: keep objects without a visible pixel (fully hidden ones in amodal data sets).

    Raises:
        InputError: something is not usable; the images before it have been given.
    """
    for opened in open_images(path, format=format):
        scene = _filter(opened.read(), skip_empty)
        if scene.instances:
            yield validate(scene, allow_empty=allow_empty)


def write_scene(scene: Scene, path: Path | str, format: str) -> None:
    """Write the objects of one photo; an existing file or folder is replaced whole or left as it was.

    What a format cannot hold is left out where :attr:`Format.holds` says so, and refused where the masks
    themselves would change.

    Raises:
        InputError: unknown format, or one that cannot hold these masks.
        OutputError: the place is not writable.
    """
    _format(format).write(scene, Path(path))


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise unknown_choice("format", name, FORMATS)
    return FORMATS[name]


def _filter(scene: Scene, skip_empty: bool) -> Scene:
    if not skip_empty or all(item.modal for item in scene.instances):
        return scene
    return scene.subset(item.id for item in scene.instances if item.modal)


def _sources(path: Path, chosen: Format | None) -> list[tuple[Format, Source]]:
    """Return what is to be read with its format: one source, or the JSON files of a folder."""
    source = open_source(path)
    if source.kind is not Kind.FOLDER:
        return [(chosen or _recognised(source), source)]
    if chosen is None or not chosen.recognise(source):
        inside = [open_source(file) for file in visible_files(path, ".json")]
        known = [(chosen or form, item) for item in inside if (form := chosen or _first_fit(item))]
        if known:
            return known
    return [(chosen or _recognised(source), source)]


def _first_fit(source: Source) -> Format | None:
    return next((form for form in FORMATS.values() if form.recognise(source)), None)


def _recognised(source: Source) -> Format:
    found = _first_fit(source)
    if found is None:
        known = ", ".join(form.title for form in FORMATS.values())
        raise InputError("masks in a known format", source.description, file=source.path, hint=f"known are {known}")
    return found


def _pick(images: list[OpenedImage], path: Path, image_id: int | str | None, photo_name: str | None) -> OpenedImage:
    if image_id is not None:
        fitting = [image for image in images if str(image.entry.image_id) == str(image_id)]
        if len(fitting) == 1:
            return fitting[0]
        found = repr(image_id) + (f" in {len(fitting)} of the files" if fitting else "")
        expected = f"the id of an image ({len(images)} in all), {_some_ids(images)}"
        raise InputError(expected, found, file=path, field="image id")
    if len(images) == 1:
        return images[0]
    if not photo_name:
        hint = f"pick one with --image-id, {_some_ids(images)}"
        raise InputError("one image", f"{len(images)} images", file=path, hint=hint)
    wanted = Path(photo_name)
    alike: list[OpenedImage] = []
    for fitting in (
        [image for image in images if Path(image.entry.file_name).name == wanted.name],
        [image for image in images if Path(image.entry.file_name).stem == wanted.stem],
        [image for image in images if image.file.stem == wanted.stem],  # a folder with one file a photo
    ):
        nearest = _nearest(fitting, wanted)
        if len(nearest) == 1:
            return nearest[0]
        alike = alike or nearest
    found = f"{len(images)} images, {len(alike) or 'none'} of them named {wanted.name!r}"
    raise InputError("one image", found, file=path, hint=f"pick one with --image-id, {_some_ids(alike or images)}")


def _nearest(images: list[OpenedImage], photo: Path) -> list[OpenedImage]:
    """Return those of ``images`` whose folders fit the path of the photo best."""
    fits = [agreement(image.entry.file_name, photo) for image in images]
    return [image for image, fit in zip(images, fits, strict=True) if fit == max(fits)]


def _some_ids(images: list[OpenedImage]) -> str:
    ids = [str(image.entry.image_id) for image in images if image.entry.image_id is not None]
    if not ids:
        return "or name the file of this photo, since these have no image ids"
    shown = ", ".join(ids[:5])
    return f"one of {shown}" if len(ids) <= 5 else f"such as {shown}"
