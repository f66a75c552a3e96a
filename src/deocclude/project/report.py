"""A project as one HTML page that needs nothing else: pictures, style and script are inside."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from string import Template

import numpy as np
from numpy.typing import NDArray

from deocclude import __version__
from deocclude.content.patch import BACKGROUND
from deocclude.images import RGBArray
from deocclude.project import report_objects as objects
from deocclude.project import report_sections as sections
from deocclude.project.markup import Html, escape, join, tag
from deocclude.project.report_facts import describe_background, describe_objects, total_sources
from deocclude.project.report_pictures import photo_picture
from deocclude.project.report_references import references
from deocclude.project.state import Project

_CONTENTS = {
    "compare": "Before and after", "apart": "Take apart", "order": "Order", "layers": "Layers",
    "provenance": "Sources", "references": "References", "stages": "Stages",
}  # fmt: skip


def render_report(project: Project, drawing: RGBArray | None = None) -> str:
    """Return a report on whatever stages of ``project`` have run.

    The page asks the network for nothing (its own content policy forbids it), stays below about 6 MB whatever the
    size of the photo (8 MB with what references gave), and is the same text for the same project.

    Args:
        project: what to report on.
        drawing: the order as :func:`deocclude.ordering.draw.draw_order` draws it; drawn here if not given.

    Returns:
        A whole HTML document.
    """
    parts, background = describe_objects(project), describe_background(project)
    everything = total_sources((*parts, *((background,) if background else ())))
    photo = photo_picture(project.photo.pixels)
    ground = _ground(project)
    ground_picture = photo_picture(ground) if ground is not None else None
    content = (
        sections.fallbacks(project),
        sections.compare(project, photo, ground_picture),
        objects.take_apart(project, parts, ground_picture),
        sections.order(project, drawing),
        objects.cards(project, parts, background, ground),
        sections.provenance(project, parts, background),
        references(project, everything),
        sections.stages(project),
    )
    return _page(sections.photo_name(project), sections.header(project, parts), join(content))


def _ground(project: Project) -> NDArray[np.uint8] | None:
    """Return the photo without its objects, uint8 [H, W, 3], or ``None`` as long as nothing has painted it."""
    if project.stack is not None:
        return project.stack.background
    fill = (project.fills or {}).get(BACKGROUND)
    if fill is None:
        return None
    ground = project.photo.pixels.copy()
    ground[fill.box.slices][fill.hole] = fill.rgb[fill.hole]
    return ground


def _page(name: str, header: Html, content: Html) -> str:
    script = _asset("script.js")
    return Template(_asset("template.html")).substitute(
        title=escape(f"{name} – deocclude"),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        style=_asset("style.css"),
        script=script,
        header=header,
        contents=join(tag("a", title, href=f"#{identity}") for identity, title in _CONTENTS.items()),
        content=content,
        version=__version__,
    )


def _asset(name: str) -> str:
    return (resources.files("deocclude.project") / "report_assets" / name).read_text(encoding="utf-8")
