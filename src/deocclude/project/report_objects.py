"""The sections of a report that show layers: the take-apart to play with, and a card for each layer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box, Size
from deocclude.ordering.draw import colour
from deocclude.project.markup import Child, Html, tag
from deocclude.project.provenance import PROVENANCE_COLOURS, provenance_name
from deocclude.project.report_certainty import certainty_panel
from deocclude.project.report_facts import Cutout, Part, cutout
from deocclude.project.report_pictures import (
    LAYERS_BYTES,
    PREVIEW,
    THUMBNAIL,
    THUMBNAILS_BYTES,
    Picture,
    cutout_picture,
    hidden_picture,
    photo_picture,
)
from deocclude.project.report_sections import (
    colour_dot,
    frame_style,
    image,
    object_name,
    section,
    source_name,
    to_do,
)
from deocclude.project.state import Project

_LEAST_BYTES = 4_000


def take_apart(project: Project, parts: tuple[Part, ...], background: Picture | None) -> Html:
    """Return the layers on top of each other, with a check box each and a control that pulls them apart."""
    title = "Take the scene apart"
    if project.stack is None or background is None:
        return section("apart", title, to_do("layers"))
    ground = image(background, "The background", class_="ground")
    stage = tag("div", ground, *_sheets(project, parts), class_="stage", style=f"--count:{len(parts)}")
    shape = frame_style(background.width, background.height)
    view = tag("div", stage, class_="view", style=shape, role="group", aria_label="The layers")
    panel = tag("div", _controls(), tag("ul", *(_switch(part) for part in parts), class_="switches"),
                tag("p", class_="shown", role="status"), class_="panel")  # fmt: skip
    return section("apart", title, tag("div", view, panel, class_="apart"))


def _sheets(project: Project, parts: tuple[Part, ...]) -> list[Html]:
    """Return one transparent sheet the size of the photo for each layer, bottom first."""
    size = project.photo.size
    scale = min(1.0, PREVIEW / max(size))
    pieces = [(part, cutout(project, part.id)) for part in reversed(parts)]
    total = sum(piece.box.width * piece.box.height for _, piece in pieces)

    def sheet(part: Part, piece: Cutout) -> Html:
        budget = _budget(piece, total, LAYERS_BYTES)
        picture = cutout_picture(piece.rgba, max(1, round(scale * max(piece.rgba.shape[:2]))), budget)
        place = _place(piece.box, size)
        content = tag("img", src=picture.uri, alt=part.name, style=place, decoding="async")
        return tag("div", content, class_="sheet", data_id=part.id, style=f"--z:{(part.z or 0) + 1}")

    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda one: sheet(*one), [one for one in pieces if not one[1].box.empty]))


def _place(box: Box, size: Size) -> str:
    left, top = 100 * box.x0 / size.width, 100 * box.y0 / size.height
    width, height = 100 * box.width / size.width, 100 * box.height / size.height
    return f"left:{left:.4f}%;top:{top:.4f}%;width:{width:.4f}%;height:{height:.4f}%"


def _budget(piece: Cutout, total: int, available: int) -> int:
    return max(_LEAST_BYTES, available * piece.box.width * piece.box.height // max(1, total))


def _controls() -> Html:
    def dial(name: str, word: str, low: int, high: int) -> Html:
        slider = tag("input", type="range", min=low, max=high, value=0, id=name, class_=name)
        return tag("p", tag("label", word, for_=name), slider, class_="dial")

    buttons = tag("p", tag("button", "Show all", type="button", data_all="1"),
                  tag("button", "Remove all", type="button", data_all="0"), class_="buttons")  # fmt: skip
    return tag("div", dial("explode", "Pull apart", 0, 100), dial("turn", "Turn", -60, 60), buttons, class_="controls")


def _switch(part: Part) -> Html:
    box = tag("input", type="checkbox", checked=True, data_id=part.id)
    name = tag("span", colour_dot(colour(part.position)), part.name, " ", tag("small", f"#{part.id}"), class_="object")
    return tag("li", tag("label", box, name), data_id=part.id)


def cards(project: Project, parts: tuple[Part, ...], background: Part | None, ground: NDArray[np.uint8] | None) -> Html:
    """Return a card for each layer, front-most first, the background last."""
    results = {"amodal": project.amodal, "content": project.fills, "layers": project.stack}
    missing = next((stage for stage, result in results.items() if result is None), None)
    tint = tag("input", type="checkbox", class_="tint", checked=project.stack is None)
    switch = tag("p", tag("label", tint, "Mark the hidden parts"), class_="tool")
    pieces = [cutout(project, part.id) for part in parts]
    total = sum(piece.box.width * piece.box.height for piece in pieces)

    def card(part: Part, piece: Cutout) -> Html:
        return _card(project, part, _thumbnail(part, piece, _budget(piece, total, THUMBNAILS_BYTES)))

    with ThreadPoolExecutor() as threads:
        shown = list(threads.map(card, parts, pieces))
    if background is not None and ground is not None:
        picture = photo_picture(ground, THUMBNAIL)
        whole = tag("div", image(picture, "The background, painted where objects were"), class_="piece",
                    style=frame_style(picture.width, picture.height))  # fmt: skip
        shown.append(_card(project, background, whole))
    anything_hidden = any(part.hidden for part in parts)
    return section("layers", "Layers", to_do(missing) if missing else None, switch if anything_hidden else None,
                   tag("div", *shown, class_="cards"))  # fmt: skip


def _thumbnail(part: Part, piece: Cutout, budget: int) -> Html:
    if piece.box.empty:
        return tag("p", "no pixels", class_="empty")
    picture = image(cutout_picture(piece.rgba, THUMBNAIL, budget), f"Layer {part.name}")
    overlay = None
    if piece.hidden.any():
        overlay = tag("img", src=hidden_picture(piece.hidden).uri, alt="", class_="mark", data_id=part.id)
    return tag("div", picture, overlay, class_="piece", style=frame_style(piece.box.width, piece.box.height))


def _card(project: Project, part: Part, picture: Html) -> Html:
    dot = colour_dot(colour(part.position)) if part.position >= 0 else None
    identity = tag("small", f"#{part.id}") if part.position >= 0 else None
    warning = tag("p", tag("strong", "Fallback: "), part.fallback, class_="warning") if part.fallback else None
    notes = tag("ul", *(tag("li", note) for note in part.notes), class_="notes") if part.notes else None
    return tag(
        "article",
        tag("div", picture, class_="checker"),
        tag("h3", tag("span", dot, part.name, " ", identity, class_="object" if dot else None)),
        _facts(project, part),
        _source_bar(part),
        certainty_panel(project, part.id) if part.hidden else None,
        warning,
        notes,
        class_="card",
    )


def _facts(project: Project, part: Part) -> Html:
    known: list[tuple[str, Child]] = [("Visible", f"{part.visible:,} px")]
    if part.z is not None and part.z >= 0:
        known.insert(0, ("Place", f"z = {part.z}"))
    if part.hidden is not None:
        share = f"{part.hidden:,} px ({part.hidden_share:.1%} of the whole)"
        known.append(("Hidden", share if part.hidden else "nothing"))
    if part.position >= 0 and part.hidden_by is not None:
        scene = project.scene or project.given
        names = [tag("li", object_name(scene, identity)) for identity in part.hidden_by]
        known.append(("Hidden by", tag("ul", *names) if names else "nothing"))
    if part.method and part.hidden:
        known.append(("Painted by", tag("code", part.method)))
    if part.sources:
        pixels = sum(source.pixels for source in part.sources)
        mean = sum(source.pixels * source.confidence for source in part.sources) / pixels
        known.append(("Confidence", f"{mean:.0%} on average"))
    return tag("dl", *(tag("div", tag("dt", word), tag("dd", value)) for word, value in known))


def _source_bar(part: Part) -> Html | None:
    if not part.sources or not part.hidden:
        return None
    total = sum(source.pixels for source in part.sources)
    slices, words = [], []
    for source in part.sources:
        red, green, blue = PROVENANCE_COLOURS[source.code]
        share = source.pixels / total
        slices.append(tag("span", style=f"width:{100 * share:.2f}%;background:rgb({red},{green},{blue})",
                          title=f"{provenance_name(source.code)} {_percent(share)}"))  # fmt: skip
        words.append(tag("li", source_name(source.code), f" {_percent(share)}"))
    return tag("div", tag("div", *slices, class_="slices", aria_hidden="true"), tag("ul", *words, class_="legend"),
               class_="sources")  # fmt: skip


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.005 else "< 1%"
