"""Content stage: paint the hidden pixels of objects and of the background.

A painter is chosen by name from :data:`METHODS`; what it needs is imported when it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from deocclude.content.patch import Painter
from deocclude.errors import unknown_choice

Settings = Mapping[str, Any]
T = TypeVar("T")


def _telea(settings: Settings) -> Painter:
    from deocclude.content.diffusion import MarchingSettings, telea

    return telea(build_settings(MarchingSettings, settings))


def _navier_stokes(settings: Settings) -> Painter:
    from deocclude.content.diffusion import MarchingSettings, navier_stokes

    return navier_stokes(build_settings(MarchingSettings, settings))


def _biharmonic(settings: Settings) -> Painter:
    from deocclude.content.diffusion import BiharmonicSettings, biharmonic

    return biharmonic(build_settings(BiharmonicSettings, settings))


def _mean(settings: Settings) -> Painter:
    from deocclude.content.diffusion import MeanSettings, mean_colour

    return mean_colour(build_settings(MeanSettings, settings))


def _exemplar(settings: Settings) -> Painter:
    from deocclude.content.exemplar import ExemplarSettings, exemplar

    return exemplar(build_settings(ExemplarSettings, settings))


def _pcnet_c(settings: Settings) -> Painter:
    from deocclude.content.pcnet_c import PCNetCSettings, pcnet_c

    return pcnet_c(build_settings(PCNetCSettings, settings))


def _textured(settings: Settings) -> Painter:
    from deocclude.content.pcnet_c import PCNetCSettings
    from deocclude.content.textured import textured

    return textured(build_settings(PCNetCSettings, settings))


METHODS: dict[str, Callable[[Settings], Painter]] = {
    "telea": _telea,
    "navier-stokes": _navier_stokes,
    "biharmonic": _biharmonic,
    "exemplar": _exemplar,
    "mean": _mean,
    "pcnet-c": _pcnet_c,
    "textured": _textured,
}
"""Painters that need nothing but the photo (and the last two the weights of PCNet-C), by name."""


def painter(name: str, settings: Settings | None = None) -> Painter:
    """Return the painter called ``name``.

    Args:
        name: a key of :data:`METHODS`.
        settings: values for the fields of the painter's settings class; the rest keep their defaults.

    Raises:
        InputError: no painter has that name, or it has no such setting.
    """
    if name not in METHODS:
        raise unknown_choice("content method", name, METHODS)
    return METHODS[name](settings or {})


def build_settings(kind: type[T], values: Settings) -> T:
    """Return ``kind(**values)``; a name that is no field gets an error that lists the fields.

    Raises:
        InputError: a name in ``values`` is no field of ``kind``.
    """
    known = getattr(kind, "__dataclass_fields__", {})
    for name in values:
        if name not in known:
            raise unknown_choice(f"setting of {kind.__name__}", name, known)
    return kind(**values)
