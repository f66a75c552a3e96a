"""Settings: frozen dataclasses to and from TOML and plain dictionaries, with misspelt keys refused."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from deocclude.errors import InputError

T = TypeVar("T")


def read_settings(cls: type[T], path: Path | str) -> T:
    """Read a TOML file into the settings dataclass ``cls``; keys that are absent keep their defaults.

    Raises:
        InputError: no such file, no TOML, an unknown key (with the nearest known one), or a value of another type.
    """
    return from_dict(cls, read_toml(path), file=Path(path))


def read_toml(path: Path | str) -> dict[str, Any]:
    """Read a TOML file as plain values: exactly the keys that it states.

    Raises:
        InputError: no such file, or no TOML.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("a settings file (TOML)", "no such file", file=path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError("a settings file (TOML)", f"text that is none ({error})", file=path) from None


def from_dict(cls: type[T], content: Mapping[str, Any], *, file: Path | None = None, prefix: str = "") -> T:
    """Build the settings dataclass ``cls`` (nested ones too) from plain values.

    Raises:
        InputError: an unknown key, a value of another type or out of range, or none where there is no default.
    """
    hints = typing.get_type_hints(cls)
    known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
            raise InputError("a known setting", f"the unknown key {name!r}", file=file, hint=hint)
        values[key] = _convert(value, hints[key], name, file)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in values:
            raise InputError("a value", "none", file=file, field=f"{prefix}{field.name}")
    try:
        return cls(**values)
    except InputError as error:  # of a class that checks its values
        place = f"{prefix}{error.field or ''}"
        raise InputError(error.expected, error.found, file=file, field=place, hint=error.hint) from None


def to_dict(settings: Any) -> dict[str, Any]:
    """Return a settings dataclass as plain values, for JSON."""
    return dataclasses.asdict(settings)


def _convert(value: Any, hint: Any, name: str, file: Path | None) -> Any:
    origin, choices = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return value if value is None else _convert(value, next(c for c in choices if c is not type(None)), name, file)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return from_dict(typing.cast(type, hint), value, file=file, prefix=f"{name}.")
    if origin is tuple and isinstance(value, (list, tuple)):
        inner = choices[:1] * len(value) if choices[-1] is Ellipsis else choices
        if len(inner) == len(value):
            return tuple(_convert(item, kind, name, file) for item, kind in zip(value, inner, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    plain = hint if isinstance(hint, type) else origin
    if isinstance(plain, type) and isinstance(value, plain) and not (plain is int and isinstance(value, bool)):
        return value
    wanted = "table" if dataclasses.is_dataclass(hint) else getattr(hint, "__name__", str(hint))
    raise InputError(f"a value of type {wanted}", f"{value!r} ({type(value).__name__})", file=file, field=name)
