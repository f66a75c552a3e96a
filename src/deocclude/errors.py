"""The error family: one clear line for everything a user can get wrong.

Every error that the library raises on purpose derives from :class:`DeoccludeError`. The command line
prints its text and exits with :attr:`DeoccludeError.exit_code`; a traceback therefore always means a bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class DeoccludeError(Exception):
    """Base of all errors raised on purpose; ``str(error)`` is one line fit for a user."""

    exit_code = 2

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by text and attributes, so that an error comes back whole from a worker process."""
        return _restore, (type(self), str(self), self.__dict__.copy())


class InputError(DeoccludeError):
    """Something handed in is not usable.

    The text reads ``FILE: FIELD: expected EXPECTED, found FOUND; HINT`` with the absent parts left out.
    """

    def __init__(
        self,
        expected: str,
        found: str,
        *,
        file: Path | str | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.file, self.field, self.expected, self.found, self.hint = file, field, expected, found, hint
        where = "".join(f"{part}: " for part in (file, field) if part)
        tail = f"; {hint}" if hint else ""
        super().__init__(f"{where}expected {expected}, found {found}{tail}".replace("\n", " "))


class OutputError(DeoccludeError):
    """A result could not be written; what was there before is intact."""


class MissingExtraError(DeoccludeError):
    """An optional package is needed for what was asked."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f'{purpose} needs an optional package; install it with: pip install "deocclude[{extra}]"')


def _restore(kind: type[DeoccludeError], text: str, state: dict[str, Any]) -> DeoccludeError:
    error = kind.__new__(kind, text)
    error.__dict__.update(state)
    return error


def some_of(names: Iterable[str], most: int = 10) -> str:
    """Return the first names with commas, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def unknown_choice(kind: str, name: str, choices: Iterable[str]) -> InputError:
    """Return the error for a name that is not among ``choices``, with the nearest one suggested."""
    known = sorted(choices)
    same = [choice for choice in known if choice.lower() == name.lower()]
    near = same or difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else None
    return InputError(f"one of {', '.join(known)}", repr(name), field=kind, hint=hint)
