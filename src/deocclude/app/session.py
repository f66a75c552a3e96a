"""One photo being worked on: what the user did (on disk at once) and what was computed from it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from deocclude.app import inputs
from deocclude.app.candidates import Candidates
from deocclude.app.history import Changes, State
from deocclude.app.journal import FOLDER, Journal
from deocclude.app.memory import Recent, bytes_of
from deocclude.app.problems import MissingError, NotReadyError
from deocclude.errors import DeoccludeError, InputError, OutputError
from deocclude.files import write_text
from deocclude.images import Photo, read_photo
from deocclude.pipeline import stale_from
from deocclude.plan import Settings
from deocclude.project.state import Project
from deocclude.project.store import inside, is_project, read_project, version_of, write_project
from deocclude.scene import Scene

T = TypeVar("T")
REFERENCES = "references"
REMEMBERED = 50_000_000
"""Bytes of values that are kept because they take long to find."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a job computes on.

    Attributes:
        revision: of the state that it was taken from.
        project: the inputs, with the results to go on from.
        settings: of the pipeline.
    """

    revision: int
    project: Project
    settings: Settings


class Session:
    """A photo, its journal and its results. All methods may be called from any thread.

    Args:
        identity: what addresses call the photo.
        journal: of its project folder.
        photo: the photo, upright.
        results: what was computed, if anything.
        notice: what the user should be told before anything else.

    Attributes:
        unsaved: why the results are not in the project folder, after they could not be written; else ``None``.
    """

    def __init__(
        self, identity: str, journal: Journal, photo: Photo, results: Project | None, notice: str | None = None
    ) -> None:
        self.identity, self.photo, self.notice = identity, photo, notice
        self.unsaved: str | None = None
        self.candidates: dict[int, Candidates] = {}
        self.lock = threading.RLock()
        self._saving = threading.Lock()
        self._journal, self._results, self._written = journal, results, results
        self._stale: tuple[int, int, str | None] | None = None
        self._accepted = 0
        self._memo: Recent[Any] = Recent(REMEMBERED)
        self._told: dict[str, Any] = {}
        self._seen = version_of(journal.folder)
        self._summarise()

    @staticmethod
    def open(identity: str, folder: Path, photo: Photo | None = None) -> Session:
        """Open a project folder: one of the app, or one that a command wrote.

        Args:
            identity: what addresses call the photo.
            folder: the project folder.
            photo: the photo in it, if it was read just now.

        Raises:
            InputError: it is damaged, or its photo is.
        """
        results = read_project(folder) if is_project(folder) else None
        if not Journal.exists(folder):
            if results is None:
                raise InputError("a project folder", "one without scene.json", file=folder)
            path = results.photo.path
            assert path is not None  # it was just read from there
            facts, entries = {"name": folder.name, "photo": path.name}, inputs.entries_of(results)
            journal = Journal.start(folder, facts, entries)
            journal.note_saved(inputs.digest(entries), entries)
            return Session(identity, journal, results.photo, results)
        journal = Journal.open(folder)
        if results is not None:
            return Session(identity, journal, results.photo, results, _follow(journal, results))
        return Session(identity, journal, photo or read_photo(inside(folder, str(journal.facts["photo"]))), None)

    @property
    def name(self) -> str:
        """What to call the photo."""
        return str(self._journal.facts["name"])

    @property
    def folder(self) -> Path:
        """The project folder."""
        return self._journal.folder

    @property
    def files(self) -> Path:
        """The folder inside the project folder that belongs to the app."""
        return self.folder / FOLDER

    @property
    def references(self) -> Path:
        """The folder of the references that the user brought."""
        return (self.files / REFERENCES).absolute()

    @property
    def state(self) -> State:
        """What the user did, as it is now."""
        return self._journal.state

    @property
    def scene(self) -> Scene:
        """The objects as the user left them."""
        return inputs.scene_of(self.state, self.photo)

    @property
    def results(self) -> Project | None:
        """What was computed last, with the names that objects have now; it may be out of date."""
        with self.lock:
            return self._named(self._results)

    def computed(self, what: str) -> Project:
        """Return the results.

        Raises:
            NotReadyError: there is none; the message says that ``what`` must be computed.
        """
        results = self.results
        if results is None:
            raise NotReadyError(what)
        return results

    def require(self, identity: int) -> None:
        """Refuse the id of an object that is not there.

        Raises:
            MissingError: it is not.
        """
        if f"object/{identity}" not in self.state.entries:
            raise MissingError("object", identity)

    def act(self, label: str, changes: Changes) -> None:
        """Do something; it is on disk when this returns."""
        with self.lock:
            self.notice = None
            self._journal.act(label, _unticked(self.state, changes))
            self._summarise()

    def undo(self, revision: int) -> None:
        """Undo the last action; see :meth:`deocclude.app.journal.Journal.undo`."""
        with self.lock:
            self.notice = None
            self._journal.undo(revision)
            self._summarise()

    def redo(self, revision: int) -> None:
        """Do the next action again; see :meth:`deocclude.app.journal.Journal.redo`."""
        with self.lock:
            self.notice = None
            self._journal.redo(revision)
            self._summarise()

    def snapshot(self) -> Snapshot:
        """Return what a job should compute on now.

        Raises:
            InputError: there is no object.
        """
        with self.lock:
            project = inputs.project_of(self.state, self.photo, self._results, self.references)
            if project is None:
                raise InputError("at least one object", "none", hint="draw a mask first")
            return Snapshot(self.state.revision, project, inputs.settings_of(self.state, self.references))

    @property
    def stale_from(self) -> str | None:
        """The first stage whose inputs have changed since it was computed; ``None`` where all is up to date."""
        with self.lock:
            at = (self.state.revision, self._accepted)
            if self._stale is None or self._stale[:2] != at:
                self._stale = (*at, self._first_stale())
            return self._stale[2]

    def accept(self, results: Project) -> None:
        """Take over what a job computed; :meth:`save` writes it."""
        with self.lock:
            self._results, self._accepted = replace(results, photo=self.photo), self._accepted + 1

    def save(self) -> None:
        """Write the results into the project folder. The user may go on meanwhile.

        Raises:
            InputError: another command has saved the project since it was opened.
            OutputError: it cannot be written; what the user did is safe.
        """
        with self._saving:
            try:
                results = self._to_save()
                if results is not None:
                    write_project(results, self.folder, force=True, seen=self._seen, guard=self._moving(results))
            except DeoccludeError as error:
                self.unsaved = str(error)
                raise
            self.unsaved = None

    def stored(self, name: str) -> Path | None:
        """Return a result in the project folder, if what is there are the results as they are now, names included.

        Hold the lock for as long as it is read.
        """
        now = self.results
        if now is None or self._results is not self._written or _names(now) != _names(self._results):
            return None
        path = self.folder / name
        return path if version_of(self.folder) == self._seen and path.exists() else None

    def _to_save(self) -> Project | None:
        with self.lock:
            results = self._results
            if results is None:
                return None
            if version_of(self.folder) != self._seen:
                raise InputError(
                    "a project as the app left it", "one that another command has saved since", file=self.folder,
                    hint="start the app again: it takes over those changes, and nothing that you did is lost",
                )  # fmt: skip
            entries = inputs.entries_of(results)
            self._journal.note_saved(inputs.digest(entries), entries)
            return results

    def memo(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returns, made once for each ``key``; what was not asked for for longest is forgotten."""
        found: T = self._memo.get(key, make)
        return found

    @property
    def bytes(self) -> int:
        """How much memory the photo and its results take up."""
        return bytes_of([self.photo, self._results, self.candidates]) + self._memo.bytes

    @property
    def photo_tag(self) -> str:
        """A text that is another one for another photo."""
        return self.photo.digest[:10]

    def _summarise(self) -> None:
        """Keep beside the journal what a list of photos tells, so that it need not read every journal."""
        size = self.photo.size
        told = {"name": self.name, "width": size.width, "height": size.height, "done": bool(self.state.value("done")),
                "objects": len(self.state.ids("object"))}  # fmt: skip
        if self.photo.path is not None:
            told["photo"] = self.photo.path.name
        if told != self._told:
            with suppress(OutputError):  # for want of it, the list is told less; the next action writes it
                write_text(self.files / "summary.json", json.dumps(told))
                self._told = told

    @contextmanager
    def _moving(self, results: Project) -> Iterator[None]:
        """Keep all others out while the project folder is exchanged for one with ``results``."""
        with self.lock:
            yield
            self._journal.moved()
            self._seen, self._written = version_of(self.folder), results

    def _first_stale(self) -> str | None:
        try:
            snapshot = self.snapshot()
        except InputError:
            return None
        try:
            return stale_from(snapshot.project, snapshot.settings)
        except DeoccludeError:
            return "order"  # weights that are not here: computing says so

    def _named(self, results: Project | None) -> Project | None:
        return None if results is None else inputs.with_names(results, self.scene)


def _names(results: Project | None) -> list[str]:
    return [layer.name for layer in results.stack.layers] if results is not None and results.stack is not None else []


def _unticked(state: State, changes: Changes) -> Changes:
    """Return ``changes``; where they change what the annotation says, the photo is no longer done."""
    said = {key for key, value in changes.items() if value != state.value(key)}
    told = any(key.partition("/")[0] in ("object", "whole", "order") for key in said)
    return {**changes, "done": None} if told and state.value("done") else changes


def _follow(journal: Journal, results: Project) -> str | None:
    """Where another command changed the project since the app saved it, have its changes as one more action.

    What was done in the app and not computed yet stays, except where the command changed the same thing; undoing the
    action brings that back. Returns what the user should be told, if there is anything.
    """
    entries: dict[str, Any] = inputs.entries_of(results)
    digest, state = inputs.digest(entries), journal.state
    if not state.saved or digest in state.saved:
        return None
    base = journal.saved_entries()
    changes = inputs.changes_by(results, state, base, journal.folder / FOLDER / REFERENCES)
    lost = [key for key, value in changes.items() if state.value(key) not in (value, (base or {}).get(key))]
    journal.act("Changes by another command", _unticked(state, changes))
    journal.note_saved(digest, entries)  # once: what the user does from here on stays
    told = "Another command has changed this project since it was open here; its changes are taken over."
    mine = "What you had changed in the same places and not computed has given way. Undo brings it back."
    return f"{told} {mine}" if lost else told
