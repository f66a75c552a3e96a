from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from deocclude.amodal.result import AmodalMasks
from deocclude.content.patch import BACKGROUND, Fill, Provenance
from deocclude.images import Photo
from deocclude.layers.build import build_layers
from deocclude.masks import Mask, union
from deocclude.ordering.graph import OrderGraph, Override
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.project import report_pictures as pictures
from deocclude.project.markup import VOID, Html, tag
from deocclude.project.report import render_report
from deocclude.project.report_facts import count_sources
from deocclude.project.state import Project
from deocclude.scene import Scene, scene_from_arrays
from deocclude.stages import StageRecord

STYLE = Path(pictures.__file__).parent / "report_assets" / "style.css"
EVIL = "<script>alert(\"x\")</script> & 'co'"


class Checked(HTMLParser):
    """Fails on tags that do not balance; keeps elements, text and ids."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        assert len({key for key, _ in attributes}) == len(attributes), f"an attribute twice in <{name}>"
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open, f"</{name}> closes nothing"
        assert self.open.pop() == name, f"</{name}> in the wrong place"

    def handle_data(self, data):
        if "style" not in self.open and "script" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, name: str) -> Iterator[dict[str, str | None]]:
        return (attributes for element, attributes in self.elements if element == name)


def fill(identity: int, hole: Mask, code: int, *, reason: str | None = None, confidence: int = 51) -> Fill:
    shape = hole.pixels.shape
    return Fill(
        identity,
        hole.box,
        hole.pixels,
        np.full((*shape, 3), 40 + 20 * identity, np.uint8),
        np.where(hole.pixels, np.uint8(code), np.uint8(0)),
        np.where(hole.pixels, np.uint8(confidence), np.uint8(0)),
        "exemplar",
        reason,
    )


def small_scene() -> Scene:
    """Three squares of 20 px in a row; 1 over 2 over 3, 10 px of each neighbour hidden."""
    masks = np.zeros((3, 50, 90), bool)
    masks[0, 15:35, 10:30] = True
    masks[1, 15:35, 30:40] = True
    masks[2, 15:35, 40:50] = True
    return scene_from_arrays(masks, ["cup", EVIL, ""])


def make_project(until: str = "layers") -> Project:
    scene = small_scene()
    pixels = np.random.default_rng(3).integers(0, 256, (50, 90, 3)).astype(np.uint8)
    front = np.zeros((3, 3))
    front[0, 1], front[1, 0], front[1, 2] = 0.93, 0.07, 0.81
    record = StageRecord("convex", {"radius": 3}, 1.25)
    pairs = PairwiseOrder(scene.ids, front, record)
    project = Project(
        Photo(pixels, Path("some/table <1>.png")), scene, scene=scene, pairs=pairs, graph=OrderGraph.build(pairs)
    )
    whole = {item.id: item.modal for item in scene.instances}
    for identity, x0 in ((2, 20), (3, 30)):
        grown = Mask.from_crop(np.ones((20, 10)), (x0, 15), scene.size)
        whole[identity] = whole[identity] | grown
    hidden = {item.id: whole[item.id] - item.modal for item in scene.instances}
    fills = {
        1: fill(1, hidden[1], Provenance.DIFFUSION),
        2: fill(2, hidden[2], Provenance.DIFFUSION, reason="the hole touches nothing & more"),
        3: fill(3, hidden[3], Provenance.REFERENCE + 2, confidence=204),
        BACKGROUND: fill(BACKGROUND, union(scene.modal, scene.size), Provenance.OWN_TEXTURE),
    }
    steps = ("none", "order", "amodal", "content", "layers")
    reached = steps.index(until)
    if reached == 0:
        return replace(project, scene=None, pairs=None, graph=None)
    records = {"repair": StageRecord("repair"), "order": record}
    if reached >= 2:
        project = replace(project, amodal=AmodalMasks(whole, StageRecord("convexR")))
        records["amodal"] = StageRecord("convexR", seconds=0.5)
    if reached >= 3:
        project = replace(project, fills=fills)
        records["content"] = StageRecord("auto", {}, 2.0, "cup (1): too little to copy from", ("half scale",))
    if reached >= 4:
        stack = build_layers(pixels, scene, whole, (3, 2, 1), fills, fills[BACKGROUND])
        project = replace(project, stack=stack)
        records["layers"] = StageRecord("hard", {}, 0.25)
    return replace(project, records=records)


@pytest.fixture(scope="module")
def page() -> Checked:
    return Checked(render_report(make_project()))


@pytest.mark.parametrize("until", ["none", "order", "amodal", "content", "layers"])
def test_valid_html_whatever_has_run(until):
    page = Checked(render_report(make_project(until)))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for key in ("aria-labelledby", "for"):
            assert attributes.get(key) is None or attributes[key] in ids
    assert all(attributes["href"] in [f"#{name}" for name in ids] for attributes in page.all("a"))
    assert all("alt" in attributes for attributes in page.all("img"))
    assert [name for name, _ in page.elements if name == "h1"] == ["h1"]


@pytest.mark.parametrize("until", ["none", "amodal", "layers"])
def test_names_are_text_never_markup(until):
    text = render_report(make_project(until))
    assert "alert(" in text
    assert '<script>alert("x")' not in text
    page = Checked(text)
    assert len(list(page.all("script"))) == 1
    assert EVIL in page.text
    assert "table <1>.png" in page.text


def test_nothing_is_loaded_from_anywhere(page):
    for name, attributes in page.elements:
        assert name not in ("iframe", "object", "embed", "base")
        for key in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(key) or "data:"
            assert value.startswith(("data:", "#")), f"{name} {key}={value[:60]}"
        assert "url(" not in (attributes.get("style") or "")
    style = STYLE.read_text()
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:")


def test_script_matches_its_hash_in_the_policy():
    import base64
    import hashlib

    text = render_report(make_project("none"))
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_same_project_same_page():
    assert render_report(make_project()) == render_report(make_project())


@pytest.mark.parametrize(
    ("until", "commands"),
    [
        ("none", {"deocclude order", "deocclude complete", "deocclude run"}),
        ("order", {"deocclude complete", "deocclude run"}),
        ("amodal", {"deocclude run"}),
        ("content", {"deocclude run"}),
        ("layers", set()),
    ],
)
def test_missing_stages_name_their_command(until, commands):
    text = Checked(render_report(make_project(until))).text
    assert set(re.findall(r"Run (deocclude \w+)", text)) == commands
    assert ("Not computed yet" in text) == bool(commands)


def test_head_counts_objects_hidden_pixels_and_seconds(page):
    assert "pixels 90 × 50" in page.text
    assert "objects 3" in page.text
    assert "hidden pixels found 400" in page.text
    assert "computing time 4.0 s" in page.text


def test_cards_state_the_facts(page):
    last = page.text.index("object 3 #3 Place z = 0")
    card = page.text[last : last + 200]
    assert "Visible 200 px Hidden 200 px (50.0% of the whole)" in card
    assert "Painted by exemplar" in card
    assert "reference 2 100%" in card
    assert "Confidence 80% on average" in card


def test_fallbacks_stand_at_the_top_and_at_their_place(page):
    assert page.text.index("Another method than the one asked for") < page.text.index("Take the scene apart")
    assert page.text.count("cup (1): too little to copy from") == 2
    assert "Fallback: the hole touches nothing & more" in page.text
    clean = make_project()
    clean = replace(clean, records={}, fills={key: replace(f, fallback_reason=None) for key, f in clean.fills.items()})
    assert "allback" not in Checked(render_report(clean)).text


def test_sources_share_all_hidden_pixels(page):
    table = page.text[page.text.index("Sources of hidden pixels") :]
    assert "own texture 0 800 66.7% 20%" in table
    assert "diffusion 200 0 16.7% 20%" in table
    assert "reference 2 200 0 16.7% 80%" in table


def test_references_are_listed_or_said_to_be_absent(page):
    assert "References used" in page.text
    project = make_project("content")
    fills = {key: part for key, part in project.fills.items() if key != 3}
    assert "No references were used." in Checked(render_report(replace(project, fills=fills))).text


def test_relations_tell_hand_mutual_dropped_and_none():
    project = make_project("order")
    front = np.array([[0, 0.9, 0.2], [0.1, 0, 0.8], [0.6, 0.2, 0]])
    pairs = replace(project.pairs, front=front)
    text = Checked(render_report(replace(project, pairs=pairs, graph=OrderGraph.build(pairs)))).text
    assert "object 3 #3 cup #1 0.60 0.20 dropped: closes a cycle" in text
    by_hand = [Override(2, 1), Override(2, 3, "both"), Override(1, 3, "none")]
    text = Checked(render_report(replace(project, pairs=pairs, graph=OrderGraph.build(pairs, by_hand)))).text
    assert f"{EVIL} #2 cup #1 0.10 0.90 by hand" in text, "the model's numbers stay visible"
    assert f"object 3 #3 {EVIL} #2 0.20 0.80 mutual by hand" in text
    assert "cup #1 object 3 #3 0.20 0.60 no relation by hand" in text


def test_scene_without_relations_or_hidden_pixels():
    project = make_project("order")
    pairs = replace(project.pairs, front=np.zeros((3, 3)))
    whole = {item.id: item.modal for item in project.objects}
    project = replace(project, pairs=pairs, graph=OrderGraph.build(pairs), amodal=AmodalMasks(whole, pairs.record))
    assert "No object hides part of another." in Checked(render_report(project)).text


def test_object_dropped_to_nothing_still_gets_a_card():
    project = make_project("none")
    given = project.given.with_modal([Mask.empty(project.given.size), *project.given.modal[1:]])
    assert "no pixels" in Checked(render_report(replace(project, given=given))).text


def test_large_noisy_photo_with_many_objects_stays_small():
    pixels = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    masks = np.zeros((40, 1500, 2000), bool)
    for k in range(40):
        y, x = divmod(k, 8)
        masks[k, y * 300 : y * 300 + 280, x * 250 : x * 250 + 240] = True
    scene = scene_from_arrays(masks)
    whole = {item.id: item.modal for item in scene.instances}
    ground = fill(0, union(scene.modal, scene.size), Provenance.MEAN_COLOUR)
    ground = replace(ground, rgb=pixels[ground.box.slices])
    stack = build_layers(pixels, scene, whole, scene.ids, {}, ground)
    project = Project(Photo(pixels), scene, scene=scene, fills={0: ground}, stack=stack)
    assert len(render_report(project)) < 6_000_000


def test_budgets_add_up():
    most = 5 * pictures.PREVIEW_BYTES + pictures.LAYERS_BYTES + pictures.THUMBNAILS_BYTES
    assert most * 4 / 3 < 5_600_000


@pytest.mark.parametrize("shape", [(700, 900), (3, 900), (900, 1), (1, 1)])
def test_pictures_keep_to_size_and_budget(shape):
    rgba = np.random.default_rng(0).integers(0, 256, (*shape, 4)).astype(np.uint8)
    picture = pictures.cutout_picture(rgba, 300, 9_000)
    assert max(picture.width, picture.height) <= 300
    assert min(picture.width, picture.height) >= 1
    assert len(picture.uri) < 9_000 * 1.4
    marked = pictures.hidden_picture(rgba[..., 0] > 100)
    assert max(marked.width, marked.height) == pictures.THUMBNAIL


def test_count_sources_weighs_confidence():
    codes = np.array([[1, 2, 2, 0], [2, 16, 1, 2]], np.uint8)
    sure = np.array([[255, 255, 0, 9], [255, 51, 255, 0]], np.uint8)
    first, second = count_sources(codes, sure)
    assert (first.code, first.pixels, first.confidence) == (2, 4, pytest.approx(0.5))
    assert (second.code, second.pixels, second.confidence) == (16, 1, pytest.approx(0.2))
    assert count_sources(np.ones((2, 2), np.uint8), np.ones((2, 2), np.uint8)) == ()


def test_markup_escapes_text_and_attributes():
    made = tag("p", "a < b", Html("<b>x</b>"), None, 3, class_='"&', hidden=True, title=None, data_id=0)
    assert made == '<p class="&quot;&amp;" hidden data-id="0">a &lt; b<b>x</b>3</p>'
    assert tag("img", alt="") == '<img alt="">'


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "paper"),
        ("ink", "wash"),
        ("soft", "paper"),
        ("soft", "card"),
        ("accent", "paper"),
        ("accent", "card"),
        ("bad", "bad-wash"),
        ("warn", "warn-wash"),
    ],
)
def test_contrast_is_enough_for_small_text(scheme, ink, ground):
    root = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", root))
    light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("cell", ["td code", ".scroll .object"])
def test_tables_scroll_rather_than_break_words_and_long_words_rather_than_grow(cell):
    rule = re.search(re.escape(cell) + r" \{(.*?)\}", STYLE.read_text())
    assert "overflow-wrap: break-word" in rule[1]
    assert "max-width" in rule[1]


def _luminance(colour: str) -> float:
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
