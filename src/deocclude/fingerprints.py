"""What each stage's result was computed from: a stage whose fingerprint has not changed is not run again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from deocclude import amodal, ordering, rle
from deocclude.content.patch import Fill
from deocclude.files import sha256
from deocclude.masks import Mask
from deocclude.nets.chosen import check_weights
from deocclude.plan import STAGES, Settings
from deocclude.project.state import Corrections, Project
from deocclude.referencing import with_stamp
from deocclude.weights import weights_path

_DEPENDS = {
    "repair": ("max_gap",),
    "order": ("order",),
    "amodal": ("amodal",),
    "references": ("references", "reference"),
    "content": ("fill", "seed"),
    "layers": ("edges",),
}
"""The settings that each stage looks at; a stage whose method is a network looks at its weights too."""
_NETWORKS = {"order": ordering.NETWORKS, "amodal": amodal.NETWORKS}
_PCNET_C = "weights_data/pcnet_c.safetensors"
_MODELS: dict[str, dict[str, tuple[str, ...]]] = {
    "order": {"pcnet-m": ("weights_data/pair_net.safetensors", "ordering/pair_model.json")},
    "amodal": {"pcnet-m-rgb": ("weights_data/pcnet_m_rgb.safetensors",)},
    "references": {
        "": (_PCNET_C, "weights_data/fusion.safetensors", "content/stitch_model.json", "references/verify_model.json")
    },
    "content": {"": (_PCNET_C, "content/choice.json", "content/confidence.json")},
}
"""Files of the package from which a stage, or one method of it, knows what it knows, beside the weights that a setting
names: a project that an earlier version made is computed again where they have changed."""


def stage_fingerprints(project: Project, settings: Settings) -> dict[str, str]:
    """Return what the result of each stage depends on; each stage depends on those before it."""
    upstream, prints = _input_fingerprint(project), {}
    for stage in STAGES:
        upstream = prints[stage] = _fingerprint(
            upstream,
            {key: getattr(settings, key) for key in _DEPENDS[stage]},
            project.fingerprints["weights"] if _asks_network(stage, settings) else None,
            *([project.fingerprints["sources"]] if stage == "references" and settings.supply else []),
            *models(stage, getattr(settings, stage, "") if stage in _NETWORKS else ""),
            _corrections_of(stage, project.corrections),
        )
    return prints


def with_sources(project: Project, settings: Settings) -> Project:
    """Return the project with the settings, and fingerprints of the weights and references that they name.

    Raises:
        InputError: one of them is not there, and the project has no result that was made with it.
    """
    before = [list(project.settings.get(key) or ()) for key in _DEPENDS["references"]]
    project = _with_weights(project, settings)
    same = before == [project.settings[key] for key in _DEPENDS["references"]]
    return with_stamp(project, settings.supply, unchanged=same)


def _with_weights(project: Project, settings: Settings) -> Project:
    """Return the project with the settings and a fingerprint of the weights that they name.

    A project that comes from another machine, where its weights are not, keeps what it has as long as nothing needs
    them.

    Raises:
        InputError: no such weights, and none that the project's results were made with.
    """
    before = project.settings.get("weights")
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()}
    project = replace(project, settings={**project.settings, **plain})
    if not any(_asks_network(stage, settings) for stage in _NETWORKS):
        return project
    path = weights_path(settings.weights)
    if not path.is_file() and before == settings.weights and "weights" in project.fingerprints:
        return project
    check_weights(settings.weights)
    return replace(project, fingerprints={**project.fingerprints, "weights": sha256(path)[:16]})


@cache
def models(stage: str, method: str = "") -> list[str]:
    """Return hashes of the files of :data:`_MODELS`; none for a method that learnt nothing."""
    return [sha256(Path(__file__).parent / name) for name in _MODELS.get(stage, {}).get(method, ())]


def _asks_network(stage: str, settings: Settings) -> bool:
    return stage in _NETWORKS and getattr(settings, stage) in _NETWORKS[stage]


def _input_fingerprint(project: Project) -> str:
    return _fingerprint(project.photo.digest, {item.id: rle.encode(item.modal) for item in project.given.instances})


def fill_fingerprint(shapes: tuple[Mask, ...], method: str, settings: Settings, part: Fill | None) -> str:
    """Return what one fill depends on; the photo of a project never changes."""
    given = [] if part is None else [_part_fingerprint(part)]
    return _fingerprint([rle.encode(mask) for mask in shapes], method, settings.seed, models("content"), *given)


def _part_fingerprint(part: Fill) -> str:
    planes = (part.hole, part.rgb, part.provenance, part.confidence)
    return _fingerprint(part.box, [hashlib.sha256(np.ascontiguousarray(plane).data).hexdigest() for plane in planes])


def _corrections_of(stage: str, corrections: Corrections) -> Any:
    if stage == "order":
        return [asdict(item) for item in corrections.order]
    if stage == "amodal":
        return {identity: rle.encode(mask) for identity, mask in corrections.amodal.items()}
    if stage == "references" and corrections.references:
        return [one.as_plain() for one in corrections.references]
    if stage == "content" and corrections.painters:
        return dict(corrections.painters)
    return None


def _fingerprint(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
