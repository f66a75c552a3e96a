"""The section of a report about references: whose they are, what each gave, and why others gave nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deocclude.content.patch import BACKGROUND, Fill, Provenance
from deocclude.content.reference_record import ReferenceUsed, Trial
from deocclude.geometry import Box, Size
from deocclude.project.markup import Child, Html, join, tag
from deocclude.project.report_facts import Source
from deocclude.project.report_pictures import Picture, small_picture
from deocclude.project.report_sections import image, object_name, section, source_name, table
from deocclude.project.state import Project
from deocclude.references.credit import Credit

PAIRS = 12
"""Hidden parts that are shown before and after, those with most pixels from references."""
SIDE = 420
"""Longer side of such a picture, in pixels."""
PAIR_BYTES = 60_000
"""Most bytes of one of them."""


def references(project: Project, everything: tuple[Source, ...]) -> Html:
    """Return which reference gave which pixels, with its licence, and which gave none, with the reason."""
    used = [picture for picture in project.references.pictures if picture.number is not None]
    others = [picture for picture in project.references.pictures if picture.number is None]
    known = {picture.number for picture in used}
    codes = [source.code for source in everything if source.code >= Provenance.REFERENCE]
    unknown = [code for code in sorted(codes) if code - Provenance.REFERENCE not in known]
    rows = [*(_used_row(project, picture) for picture in used), *map(_unknown_row, unknown)]
    if not rows and not others:
        return section("references", "References", tag("p", "No references were used."))
    head = ("Reference", "Whose it is", "Licence", "Used for", "Probability")
    return section(
        "references", "References",
        table("References used", head, rows) if rows else tag("p", "No reference agrees with what is visible."),
        _pairs(project),
        _rejected(project, others),
    )  # fmt: skip


def _used_row(project: Project, picture: ReferenceUsed) -> Html:
    gave = [trial for trial in picture.trials if trial.pixels]
    items = (tag("li", _name(project, trial.object), f" {trial.pixels:,} px") for trial in gave)
    chances = (trial.probability for trial in gave if trial.probability is not None)
    chance = max(chances, default=None)
    return tag(
        "tr",
        tag("td", _small(picture), source_name(Provenance.REFERENCE + (picture.number or 0)), tag("br"),
            _title(picture), class_="reference"),
        tag("td", _whose(picture.credit)),
        tag("td", _licence(picture.credit)),
        tag("td", tag("ul", *items)),
        tag("td", "named by the user" if chance is None else f"{chance:.0%}", class_="number"),
    )  # fmt: skip


def _unknown_row(code: int) -> Html:
    return tag("tr", tag("td", source_name(code)), tag("td", "not recorded in this project", colspan=4))


def _rejected(project: Project, pictures: Iterable[ReferenceUsed]) -> Html | None:
    rows = [
        tag("tr", tag("td", _small(picture), _title(picture), class_="reference"),
            tag("td", tag("ul", *(_reason(project, trial) for trial in picture.trials))))
        for picture in pictures
    ]  # fmt: skip
    return table("References not used", ("Not used", "Why"), rows) if rows else None


def _reason(project: Project, trial: Trial) -> Html:
    return tag("li", _name(project, trial.object), ": ", trial.reason or "not needed")


def _pairs(project: Project) -> Html | None:
    """Return the hidden parts that references gave most of, before and after."""
    fills = project.fills or {}
    given = {identity: int(part.hole.sum()) for identity, part in project.references.parts.items() if identity in fills}
    chosen = sorted(given, key=lambda identity: -given[identity])[:PAIRS]
    if not chosen:
        return None
    return tag("div", *(_pair(project, fills[identity], given[identity]) for identity in chosen), class_="pairs")


def _pair(project: Project, fill: Fill, pixels: int) -> Html:
    size = project.photo.size
    box = _around(fill.box, size)
    before = project.photo.pixels[box.slices]
    after = before.copy()
    window = fill.box.window(box)
    after[window][fill.hole] = fill.rgb[fill.hole]
    codes = np.zeros(after.shape[:2], np.uint8)
    codes[window] = np.where(fill.hole, fill.provenance, 0)
    traced = _outlined(after, codes >= Provenance.REFERENCE)
    name = _name(project, fill.instance_id)
    total = int(np.count_nonzero(fill.hole))
    caption = tag("figcaption", name, f": {pixels:,} of {total:,} hidden pixels from references, outlined")
    label = _plain_name(project, fill.instance_id)
    shown = (
        image(small_picture(before, SIDE, PAIR_BYTES), f"{label} as in the photo"),
        image(small_picture(traced, SIDE, PAIR_BYTES), f"{label} with its hidden part filled"),
    )
    return tag("figure", tag("div", *shown, class_="two"), caption)


def _outlined(picture: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the picture with a thin line around ``where``."""
    inner = where.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        inner &= np.roll(where, step, axis)
    traced = picture.copy()
    traced[where & ~inner] = (30, 220, 120)
    return traced


def _around(box: Box, size: Size) -> Box:
    return box.grow(8 + max(box.width, box.height) // 6).clip(size)


def _small(picture: ReferenceUsed) -> Html | None:
    if not picture.thumbnail:
        return None
    try:
        with Image.open(io.BytesIO(picture.thumbnail), formats=["JPEG"]) as opened:
            width, height = opened.size
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None  # the file in the project folder was tampered with
    uri = f"data:image/jpeg;base64,{base64.b64encode(picture.thumbnail).decode('ascii')}"
    return image(Picture(uri, width, height), f"Reference {Path(picture.path).name}")


def _title(picture: ReferenceUsed) -> Html:
    credit = picture.credit
    text = credit.title or Path(picture.path).name
    return _linked(text, credit.page or credit.url)


def _whose(credit: Credit) -> Html:
    words = [credit.creator, f"via {credit.provider}" if credit.provider else None]
    known = [word for word in words if word]
    return join(known, ", ") if known else join(["unknown"])


def _licence(credit: Credit) -> Html:
    return _linked(credit.licence or "unknown", credit.licence_url)


def _linked(text: str, address: str | None) -> Html:
    """Return text that leads to an address; one that is no plain web address leads nowhere."""
    if address is None or not address.lower().startswith(("https://", "http://")):
        return tag("span", text)
    return tag("a", text, href=address, rel="noreferrer")


def _name(project: Project, identity: int) -> Child:
    if identity == BACKGROUND:
        return "background"
    scene = project.scene or project.given
    return object_name(scene, identity) if identity in scene.ids else f"object {identity}"


def _plain_name(project: Project, identity: int) -> str:
    labels = {item.id: item.label for item in project.objects}
    return "background" if identity == BACKGROUND else labels.get(identity, f"object {identity}")
