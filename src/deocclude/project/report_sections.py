"""The sections of a report that speak of the scene as a whole: header, before and after, order, sources, stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deocclude.images import RGBArray
from deocclude.ordering.draw import colour, draw_order
from deocclude.ordering.graph import Edge, OrderGraph
from deocclude.project.markup import Child, Html, join, tag
from deocclude.project.provenance import PROVENANCE_COLOURS, provenance_name, provenance_picture
from deocclude.project.report_facts import Part, Source, total_sources
from deocclude.project.report_pictures import Picture, photo_picture, provenance_overlay
from deocclude.project.state import Project
from deocclude.scene import Scene
from deocclude.stages import StageRecord

STAGES = {
    "repair": ("Repair of the masks", "order"),
    "order": ("Order", "order"),
    "amodal": ("Whole shapes", "complete"),
    "references": ("References", "run"),
    "content": ("Hidden pixels", "run"),
    "layers": ("Layers", "run"),
}
"""Title of each stage, and the command that computes it."""


def photo_name(project: Project) -> str:
    """Return what to call the photo."""
    return project.photo.name or project.given.image_file or "photo"


def section(identity: str, title: str, *children: Child) -> Html:
    """Return a section with its heading."""
    heading = tag("h2", title, id=f"{identity}-title")
    return tag("section", heading, *children, id=identity, aria_labelledby=f"{identity}-title")


def image(picture: Picture, alt: str, class_: str | None = None) -> Html:
    """Return an ``img`` element."""
    return tag(
        "img", src=picture.uri, width=picture.width, height=picture.height, alt=alt, class_=class_, decoding="async"
    )


def to_do(stage: str) -> Html:
    """Return the line that says which command computes a stage that has not run."""
    title, command = STAGES[stage]
    return tag("p", f"Not computed yet: {title.lower()}. Run ", tag("code", f"deocclude {command}"),
               " on the project folder.", class_="todo")  # fmt: skip


def badge(word: str, kind: str = "") -> Html:
    """Return a small label."""
    return tag("span", word, class_=f"badge {kind}".strip())


def colour_dot(rgb: tuple[int, int, int]) -> Html:
    """Return a spot of colour."""
    return tag("span", class_="dot", style=f"background:rgb({rgb[0]},{rgb[1]},{rgb[2]})", aria_hidden="true")


def table(caption: str, head: Iterable[str], rows: Iterable[Html]) -> Html:
    """Return a table that scrolls by itself where the page is too narrow."""
    header = tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in head)))
    whole = tag("table", tag("caption", caption), header, tag("tbody", *rows))
    return tag("div", whole, class_="scroll", role="region", aria_label=caption, tabindex=0)


def header(project: Project, parts: tuple[Part, ...]) -> Html:
    """Return the head of the page: what it is about, in figures."""
    hidden = [part.hidden for part in parts if part.hidden is not None]
    seconds = sum(record.seconds for record in project.records.values())
    figures = (
        (f"{project.photo.size.width} × {project.photo.size.height}", "pixels"),
        (f"{len(parts):,}", "object" if len(parts) == 1 else "objects"),
        (f"{sum(hidden):,}" if hidden else "–", "hidden pixels found"),
        (f"{seconds:,.1f} s" if project.records else "–", "computing time"),
    )
    tiles = (tag("div", tag("dt", label), tag("dd", value)) for value, label in figures)
    return tag(
        "header",
        tag("p", "A photo taken apart", class_="kicker"),
        tag("h1", photo_name(project)),
        tag("dl", *tiles, class_="figures"),
    )


def fallbacks(project: Project) -> Html | None:
    """Return a box that names every fallback, or nothing when there was none."""
    found = [(name, record) for name, record in project.records.items() if record.fallback_reason]
    if not found:
        return None
    lines = (tag("li", tag("strong", f"{STAGES.get(name, (name,))[0]}: "), record.fallback_reason)
             for name, record in found)  # fmt: skip
    heading = tag("h2", "Another method than the one asked for was used")
    return tag("div", heading, tag("ul", *lines), class_="warning", role="note")


def compare(project: Project, photo: Picture, background: Picture | None) -> Html:
    """Return the photo against the scene without its objects."""
    shape = frame_style(photo.width, photo.height)
    if background is None:
        only = tag("figure", image(photo, "The photo"), tag("figcaption", "Photo"), class_="before")
        frame = tag("div", only, class_="compare single", style=shape)
        return section("compare", "Before and after", to_do("content"), frame)
    before = tag("figure", image(photo, "The photo"), tag("figcaption", "Photo"), class_="before")
    after = tag("figure", image(background, "The scene with all objects removed"),
                tag("figcaption", "Objects removed"), class_="after")  # fmt: skip
    slider = tag("input", type="range", min=0, max=100, step=1, value=50, class_="wipe",
                 aria_label="How much of the photo to show, in percent")  # fmt: skip
    handle = tag("div", tag("span", "‹ ›"), class_="handle", aria_hidden="true")
    frame = tag("div", after, before, slider, handle, class_="compare", style=shape)
    return section("compare", "Before and after", frame)


def order(project: Project, drawing: RGBArray | None = None) -> Html:
    """Return the order picture, drawn here if it is not given, and the table of relations."""
    if project.graph is None:
        return section("order", "Order: who hides whom", to_do("order"))
    scene = project.scene or project.given
    if drawing is None:
        drawing = draw_order(project.photo.pixels, scene, project.graph)
    caption = (
        "An arrow points from what hides to what is hidden; dashed ones were dropped to break a cycle. "
        "Mutual: each hides part of the other."
    )
    picture = image(photo_picture(drawing), "The photo with an arrow for each relation; the table lists the same")
    figure = tag("figure", picture, tag("figcaption", caption), class_="wide")
    return section(
        "order", "Order: who hides whom", tag("div", figure, _relations(project, scene, project.graph), class_="split")
    )


def _relations(project: Project, scene: Scene, graph: OrderGraph) -> Html:
    rows = list(_relation_rows(project, scene, graph))
    if not rows:
        return tag("p", "No object hides part of another.")
    return table("Relations", ("In front", "Behind", "Probability", "Other way", "Remarks"), rows)


def _relation_rows(project: Project, scene: Scene, graph: OrderGraph) -> Iterable[Html]:
    for edge in graph.edges:
        pair = (min(edge.front, edge.behind), max(edge.front, edge.behind))
        remarks = [badge("mutual")] if pair in graph.mutual else []
        yield _relation(project, scene, edge, [*remarks, *([badge("by hand", "hand")] if edge.by_user else [])])
    for edge in graph.dropped:
        yield _relation(project, scene, edge, [badge("dropped: closes a cycle", "bad")])
    for item in graph.overrides:
        if item.relation == "none":
            edge = Edge(item.first, item.second, 0.0)
            yield _relation(project, scene, edge, [badge("no relation"), badge("by hand", "hand")])


def _relation(project: Project, scene: Scene, edge: Edge, remarks: list[Html]) -> Html:
    there, back = _probabilities(project, edge)
    return tag(
        "tr",
        tag("td", object_name(scene, edge.front)),
        tag("td", object_name(scene, edge.behind)),
        tag("td", _probability(there), class_="number"),
        tag("td", _probability(back), class_="number"),
        tag("td", join(remarks, " ")),
    )


def _probabilities(project: Project, edge: Edge) -> tuple[float, float]:
    """Return what the model says, also where a hand has overruled it."""
    pairs = project.pairs
    if pairs is None or not {edge.front, edge.behind} <= set(pairs.ids):
        return edge.probability, edge.reverse
    front, behind = pairs.ids.index(edge.front), pairs.ids.index(edge.behind)
    return float(pairs.front[front, behind]), float(pairs.front[behind, front])


def _probability(value: float) -> Html:
    bar = tag("span", class_="bar", style=f"--share:{100 * value:.0f}%", aria_hidden="true")
    return join([bar, f"{value:.2f}"])


def object_name(scene: Scene, identity: int) -> Html:
    """Return the colour, name and id of an object."""
    position = scene.ids.index(identity)
    label = scene.instances[position].label
    return tag("span", colour_dot(colour(position)), label, " ", tag("small", f"#{identity}"), class_="object")


def provenance(project: Project, parts: tuple[Part, ...], background: Part | None) -> Html:
    """Return where every hidden pixel came from."""
    title = "Where every hidden pixel came from"
    if project.fills is None:
        return section("provenance", title, to_do("content"))
    everything = total_sources((*parts, *((background,) if background else ())))
    overlay = provenance_overlay(project.photo.pixels, provenance_picture(project))
    caption = "The front-most hidden content of each pixel; grey where nothing is hidden."
    figure = tag("figure", image(overlay, "Grey photo with hidden pixels in the colours of the table"),
                 tag("figcaption", caption), class_="wide")  # fmt: skip
    return section(
        "provenance", title, tag("div", figure, _source_table(parts, background, everything), class_="split")
    )


def _source_table(parts: tuple[Part, ...], background: Part | None, everything: tuple[Source, ...]) -> Html:
    if not everything:
        return tag("p", "Nothing is hidden in this scene.")
    of_objects = {source.code: source.pixels for source in total_sources(parts)}
    of_ground = {source.code: source.pixels for source in (background.sources if background else ())}
    total = sum(source.pixels for source in everything)
    rows = (
        tag(
            "tr",
            tag("td", source_name(source.code)),
            tag("td", f"{of_objects.get(source.code, 0):,}", class_="number"),
            tag("td", f"{of_ground.get(source.code, 0):,}", class_="number"),
            tag("td", _share(source.pixels / total), class_="number"),
            tag("td", f"{source.confidence:.0%}", class_="number"),
        )
        for source in everything
    )
    head = ("Source", "Pixels in objects", "In the background", "Share", "Confidence")
    return table("Sources of hidden pixels", head, rows)


def _share(value: float) -> Html:
    bar = tag("span", class_="bar", style=f"--share:{100 * value:.1f}%", aria_hidden="true")
    return join([bar, f"{value:.1%}" if value >= 0.0005 else "< 0.1%"])


def source_name(code: int) -> Html:
    """Return the colour and name of a source."""
    return tag("span", colour_dot(PROVENANCE_COLOURS[code]), provenance_name(code), class_="object")


def stages(project: Project) -> Html:
    """Return how each stage came to its result."""
    # A project of before there were references is not asked to compute them.
    listed = {name: title for name, (title, _) in STAGES.items() if name != "references" or name in project.records}
    rows = [_stage_row(name, title, project.records.get(name)) for name, title in listed.items()]
    rows += [_stage_row(name, name, record) for name, record in project.records.items() if name not in STAGES]
    return section("stages", "Stages",
                   table("Stages", ("Stage", "Method", "Settings", "Seconds", "Remarks"), rows))  # fmt: skip


def _stage_row(name: str, title: str, record: StageRecord | None) -> Html:
    if record is None:
        return tag("tr", tag("th", title, scope="row"), tag("td", to_do(name), colspan=4))
    reason = record.fallback_reason
    warning = tag("p", tag("strong", "Fallback: "), reason, class_="warning") if reason else None
    notes = tag("ul", *(tag("li", note) for note in record.notes)) if record.notes else None
    return tag(
        "tr",
        tag("th", title, scope="row"),
        tag("td", tag("code", record.method)),
        tag("td", _settings(record.settings)),
        tag("td", f"{record.seconds:,.2f}", class_="number"),
        tag("td", warning, notes, None if warning or notes else "–"),
    )


def _settings(values: Mapping[str, Any]) -> Html:
    shown = [tag("code", f"{key} = {value}") for key, value in values.items()]
    return join(shown, " ") if shown else Html("–")


def frame_style(width: int, height: int) -> str:
    """Return the style that gives a frame the shape of a picture, so that the page does not jump while it loads."""
    return f"--ratio:{width / max(1, height):.5f};--width:{width}"
