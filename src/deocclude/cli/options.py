"""Options that several commands share, and how they become projects and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from cyclopts import Parameter, Token, convert

from deocclude.cli import console
from deocclude.errors import InputError

if TYPE_CHECKING:
    from deocclude.plan import Settings
    from deocclude.project.state import Project


def _within(least: int, most: int | None = None) -> Callable[[Any, int | None], None]:
    """Return a validator that refuses a smaller or larger number; none at all passes."""
    expected = f"{least} or more" if most is None else f"{least} to {most}"

    def check(kind: Any, number: int | None) -> None:
        if number is not None and (number < least or (most is not None and number > most)):
            raise ValueError(f"expected {expected}, found {number}")

    return check


def _whole(kind: Any, tokens: Sequence[Token]) -> Any:
    """Convert to whole numbers; Cyclopts itself would round fractions."""
    for token in tokens:
        if "." in token.value:
            raise ValueError(f'expected a whole number, found "{token.value}"')
    return convert(kind, tokens)


def convert_named(kind: Any, tokens: Sequence[Token]) -> Any:
    """Convert any value; paths have to be named: an empty text, as of a variable that is not set, is a place, too.

    Raises:
        ValueError: an empty text for a path.
    """
    if _holds_paths(kind) and not all(token.value for token in tokens):
        raise ValueError("expected a file or a folder, found an empty text")
    return convert(kind, tokens)


def _holds_paths(kind: Any) -> bool:
    return kind is Path or any(map(_holds_paths, get_args(kind)))


def _check_processes(kind: Any, count: int) -> None:
    """Refuse no process at all; negative numbers count from the number of cores.

    Raises:
        ValueError: 0.
    """
    if count == 0:
        raise ValueError("expected 1 or more, or -1 for one a core, found 0")


def check_radius(kind: Any, radius: float) -> None:
    """Refuse a brush that paints nothing, or everything.

    Raises:
        ValueError: it is not above 0 and at most 500 pixels.
    """
    if not 0 < radius <= 500:
        raise ValueError(f"expected more than 0 and at most 500 pixels, found {radius:g}")


def check_share(kind: Any, share: float) -> None:
    """Refuse what is no share or probability.

    Raises:
        ValueError: it is not within 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected 0 to 1, found {share:g}")


WHOLE = Parameter(converter=_whole)
"""Whole numbers, where fractions are refused."""
Whole = Annotated[int, WHOLE]
"""A whole number."""
Count = Annotated[int, WHOLE, Parameter(validator=_within(0))]
"""A number of things, or a seed: 0 or more."""
Positive = Annotated[int, WHOLE, Parameter(validator=_within(1))]
"""1 or more."""
Samples = Annotated[int, WHOLE, Parameter(validator=_within(0, 100_000))]
"""How many sets are resampled for intervals."""
Width = Annotated[int, WHOLE, Parameter(validator=_within(0, 100))]
"""By how many pixels masks are made smaller."""
Processes = Annotated[int, WHOLE, Parameter(validator=_check_processes)]
"""How many processes; -1 for one a core."""
Share = Annotated[float, Parameter(validator=check_share)]
"""A share or a probability: 0 to 1."""
Several = Parameter(consume_multiple=1, show_default=False)
"""An option that takes one value or more."""
Repeated = Parameter(consume_multiple=False, show_default=False)
"""An option that may be given several times, with one value each."""


@Parameter(name="*")
@dataclass(frozen=True)
class Reading:
    """How the photo and the masks are read."""

    masks: Path | None = None
    """Visible masks: COCO, COCOA, KINS, SAM or LabelMe JSON, a label PNG, or a folder of mask PNGs."""
    image_id: str | None = None
    """Which image of a masks file that holds many, by its id; by default the one of the photo's name and folders."""
    format: str | None = None
    """Format of the masks; recognised by content when not given."""
    convert: bool = False
    """Work on an 8-bit RGB copy of a photo that is grey, RGBA, CMYK, 16-bit or animated."""
    skip_empty: bool = False
    """Leave out objects without a visible pixel instead of refusing them."""


@Parameter(name="*")
@dataclass(frozen=True)
class Methods:
    """What the stages do. What is not given comes from --config, then from the project, then from the defaults."""

    order: Annotated[str | None, Parameter(name="--order-method")] = None
    """Ordering method: pcnet-m (the network; the default), convex, area-small, area-large, y-axis."""
    amodal: Annotated[str | None, Parameter(name="--amodal-method")] = None
    """Amodal completion method: pcnet-m (the network; the default), pcnet-m-rgb (which looks at the photo too),
    pcnet-m-nog, convexR, convex, raw."""
    fill: str | None = None
    """How hidden pixels are painted: auto (the default), chosen (all compete), exemplar, telea, navier-stokes,
    biharmonic, mean, pcnet-c, textured (its colours with texture of the object's own)."""
    edges: str | None = None
    """Layer edges: soft (anti-aliased; the default) or hard (exactly the whole shape)."""
    max_gap: Annotated[int | None, WHOLE] = None
    """Widest slit between neighbouring masks that is closed, in pixels."""
    seed: Annotated[int | None, WHOLE] = None
    """For all that draws random numbers."""
    references: Annotated[tuple[Path, ...], Repeated] = ()
    """Folder of similar pictures, or an index of such: what they show of a hidden part is taken from them.
    web:openverse,commons searches the web for them (docs/web-search.md)."""
    reference: Annotated[tuple[Path, ...], Repeated] = ()
    """A similar picture to try on every hidden part; it too is used only where it agrees with what is visible."""
    no_references: bool = False
    """Use none, whatever the project or the settings file says."""
    weights: str | None = None
    """Of the mask network: pcnet-m (the ones that ship; the default), a weights file, or a training run's folder."""
    config: Path | None = None
    """Settings file (TOML) with any of the above."""


@Parameter(name="*")
@dataclass(frozen=True)
class Writing:
    """Where results go and how they are reported."""

    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """Folder to write; for a photo the default is the photo's name with '-layers' behind it."""
    force: bool = False
    """Write into a folder that has files in it; files of other names stay."""
    json: bool = False
    """Print one JSON document instead of tables."""


def open_target(target: Path, reading: Reading) -> Project:
    """Open a project folder, or start a project from a photo and its masks.

    Raises:
        InputError: neither; or a photo without masks; or masks for a project.
    """
    given = {key: value for key, value in asdict(reading).items() if value not in (None, False)}
    if target.is_dir():
        from deocclude.project.store import is_project, read_project

        if given and is_project(target):
            option = f"--{next(iter(given)).replace('_', '-')}"
            raise InputError(f"no {option} with a project folder", "it", hint="the project has its photo and masks")
        if given:
            raise InputError("a photo", "a folder", file=target)
        return read_project(target)
    if reading.masks is None:
        if not target.exists():
            raise InputError("a photo or a project folder", "no such file", file=target)
        beside = target.with_suffix(".json")
        masks = beside if beside.is_file() else "MASKS"
        raise InputError("the visible masks of the photo's objects", "none", field="--masks",
                         hint=f"deocclude run {target} --masks {masks}")  # fmt: skip
    from deocclude.pipeline import open_project

    return open_project(target, given.pop("masks"), **given)


def settings_for(project: Project, methods: Methods) -> Settings:
    """Return the settings in force: options over the settings file over the project over the defaults."""
    from deocclude.plan import Settings
    from deocclude.settings import from_dict

    known = {field.name for field in fields(Settings)}
    values: dict[str, Any] = {key: value for key, value in project.settings.items() if key in known}
    values |= {} if methods.config is None else _stated(methods.config)
    values |= {key: value for key, value in asdict(methods).items() if key in known and value not in (None, ())}
    values |= _references(methods)
    if methods.weights is not None:
        values["weights"] = _lasting(methods.weights)
    return from_dict(Settings, values)


def _stated(config: Path) -> dict[str, Any]:
    """Return what a settings file says, refused here if it is wrong, where the file can be named."""
    from deocclude.plan import Settings
    from deocclude.settings import from_dict, read_toml

    stated = read_toml(config)
    checked = from_dict(Settings, stated, file=config)
    values = {key: getattr(checked, key) for key in stated}
    values |= {key: _absolute(values[key]) for key in ("references", "reference") if key in stated}
    return values | ({"weights": _lasting(checked.weights)} if "weights" in stated else {})


def _absolute(paths: Iterable[Path | str]) -> tuple[str, ...]:
    """Return paths as absolute ones, since a project outlives its caller's folder."""
    return tuple(str(Path(path).absolute()) for path in paths)


def _lasting(weights: str) -> str:
    """Return the name of bundled weights as it is, and a path as an absolute one.

    Raises:
        InputError: no bundled weights of this name.
    """
    from deocclude.weights import BUNDLED, weights_path

    return weights if weights in BUNDLED else str(weights_path(weights).absolute())


def _references(methods: Methods) -> dict[str, tuple[str, ...]]:
    """Return where references come from as far as options say.

    Raises:
        InputError: some are named, and none are wanted.
    """
    named = {"references": methods.references, "reference": methods.reference}
    if methods.no_references:
        for key, paths in named.items():
            if paths:
                raise InputError(f"no --{key}", str(paths[0]), field="--no-references", hint="give one or the other")
        return dict.fromkeys(named, ())
    return {key: _absolute(paths) for key, paths in named.items() if paths}


def default_output(target: Path) -> Path:
    """Return the folder that a photo's results go to when no other is named: beside the caller, not the photo."""
    return Path(f"{target.stem}-layers")


def check_free(target: Path, force: bool) -> None:
    """Refuse, before the work, to write over a file that is there.

    Raises:
        InputError: something is there and ``force`` is not set.
    """
    if target.exists() and not force:
        raise InputError("a new file", "one that exists", file=target, hint="pass --force to replace it")


def tell_notes(project: Project) -> None:
    """Print what the stages want a user to know; a fallback is never silent."""
    for name, record in project.records.items():
        for note in record.notes:
            console.warn(f"{name}: {note}")
        if record.fallback_reason:
            console.warn(f"{name}: {record.fallback_reason}")
