"""What a user did to a photo: entries of plain values, and the actions that changed them.

Each thing that can be edited is an entry under a key of its own: ``object/3``, ``whole/3`` (a whole shape painted by
hand), ``order/1-3``, ``choice/3`` (what may fill a hole), ``arrangement``, ``references``, ``settings``, ``done``.
Entries carry the revision of the action that last changed them; so two tabs only get into each other's way where they
edit the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deocclude.app.problems import ConflictError
from deocclude.errors import InputError

LONGEST = 500
"""Actions that can be undone; older ones are forgotten."""

Changes = Mapping[str, Any]
"""New values (plain JSON) by key; ``None`` takes an entry away."""


@dataclass(frozen=True)
class Entry:
    """One thing that can be edited.

    Attributes:
        revision: of the action that last changed it.
        value: plain JSON.
    """

    revision: int
    value: Any


@dataclass(frozen=True)
class Action:
    """One step that can be undone.

    Attributes:
        revision: its number; unique in the life of a project.
        label: what to call it.
        before: the values that it replaced, by key; ``None`` for an entry that was not there.
        after: the values that it put in their place; ``None`` for an entry that it took away.
    """

    revision: int
    label: str
    before: Changes
    after: Changes


@dataclass(frozen=True)
class Step:
    """An action as the state remembers it; the values lie elsewhere."""

    revision: int
    label: str


@dataclass(frozen=True)
class State:
    """All entries, and which actions led to them.

    Attributes:
        revision: number of the last action; undoing and redoing count too.
        entries: by key.
        steps: actions that can be undone (the first ``cursor``) or done again (the rest), oldest first.
        cursor: how many of them are in force.
        saved: digests of the inputs that the results in the project folder may have, latest last.
    """

    revision: int = 0
    entries: Mapping[str, Entry] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    cursor: int = 0
    saved: tuple[str, ...] = ()

    def value(self, key: str, default: Any = None) -> Any:
        """Return the value under ``key``."""
        entry = self.entries.get(key)
        return default if entry is None else entry.value

    def revision_of(self, key: str) -> int:
        """Return the revision of the entry under ``key``; 0 where there is none."""
        entry = self.entries.get(key)
        return 0 if entry is None else entry.revision

    def ids(self, kind: str) -> list[int]:
        """Return the object ids that have an entry of ``kind``, such as ``object``, ascending."""
        parts = (key.partition("/") for key in self.entries)
        return sorted(int(rest) for name, _, rest in parts if name == kind and rest.isdigit())

    def check(self, key: str, revision: int, what: str) -> None:
        """Refuse an edit of something that has changed since.

        Raises:
            ConflictError: ``revision`` is not the one in force.
        """
        if self.revision_of(key) != revision:
            raise ConflictError(what, self.revision_of(key))

    def acted(self, label: str, changes: Changes) -> tuple[State, Action]:
        """Return the state after an action, and the action; what could be redone is forgotten."""
        revision = self.revision + 1
        after = {key: value for key, value in changes.items() if value != self.value(key)}
        action = Action(revision, label, {key: self.value(key) for key in after}, after)
        steps = (*self.steps[: self.cursor], Step(revision, label))[-LONGEST:]
        return self._with(revision, after, steps, len(steps)), action

    def undone(self, action: Action) -> State:
        """Return the state without the last action in force, which ``action`` is."""
        return self._with(self.revision + 1, action.before, self.steps, self.cursor - 1)

    def redone(self, action: Action) -> State:
        """Return the state with the next action, which ``action`` is, in force again."""
        return self._with(self.revision + 1, action.after, self.steps, self.cursor + 1)

    def last(self) -> Step:
        """Return the action that would be undone.

        Raises:
            InputError: there is none.
        """
        if self.cursor == 0:
            raise InputError("an action to undo", "none")
        return self.steps[self.cursor - 1]

    def next(self) -> Step:
        """Return the action that would be done again.

        Raises:
            InputError: there is none.
        """
        if self.cursor == len(self.steps):
            raise InputError("an action to do again", "none")
        return self.steps[self.cursor]

    def with_saved(self, digest: str) -> State:
        """Return the state that allows the results in the folder to be those of ``digest``, or those from before."""
        return replace(self, saved=(*self.saved[-1:], digest))

    def _with(self, revision: int, values: Changes, steps: Iterable[Step], cursor: int) -> State:
        entries = {key: entry for key, entry in self.entries.items() if key not in values}
        entries |= {key: Entry(revision, value) for key, value in values.items() if value is not None}
        return replace(self, revision=revision, entries=entries, steps=tuple(steps), cursor=cursor)
