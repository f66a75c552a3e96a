"""The actions of a user on disk: an action is finished when ``app/state.json`` of the project folder holds it.

``app/state.json`` is replaced as a whole by a rename, after the action that led to it was written under a name of its
own; so whenever the process dies, the folder holds the state after the last finished action, with its history.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deocclude.app.history import Action, Changes, Entry, State, Step
from deocclude.app.problems import ConflictError
from deocclude.errors import InputError
from deocclude.files import write_text

FOLDER = "app"
FORMAT, VERSION = "deocclude-session", 1


class Journal:
    """The state of one photo and its history.

    Args:
        folder: the project folder.
        facts: what never changes (name and file of the photo), plain JSON.
        state: where to go on from.
    """

    def __init__(self, folder: Path, facts: dict[str, Any], state: State) -> None:
        self.folder, self.facts, self.state = folder, facts, state
        self._stamp = _stamp(self._file)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether the project folder has a journal."""
        return (folder / FOLDER / "state.json").is_file()

    @staticmethod
    def start(folder: Path, facts: dict[str, Any], entries: Changes) -> Journal:
        """Write the first state into a project folder; ``entries`` are values by key, of revision 0."""
        state = State(entries={key: Entry(0, value) for key, value in entries.items() if value is not None})
        journal = Journal(folder, facts, state)
        journal._keep(state)
        return journal

    @staticmethod
    def open(folder: Path) -> Journal:
        """Read the journal of a project folder.

        Raises:
            InputError: it is damaged, or of another version.
        """
        file = folder / FOLDER / "state.json"
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            if data["format"] != FORMAT or data["version"] != VERSION:
                raise InputError(f"{FORMAT} {VERSION}", f"{data['format']} {data['version']}", file=file)
            entries = {key: Entry(int(item["revision"]), item["value"]) for key, item in data["entries"].items()}
            steps = tuple(Step(**item) for item in data["steps"])
            state = State(int(data["revision"]), entries, steps, int(data["cursor"]), tuple(data["saved"]))
            return Journal(folder, dict(data["facts"]), state)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError("the journal of the app", f"a damaged one ({error!r})", file=file) from None

    def act(self, label: str, changes: Changes) -> None:
        """Do something, and have it on disk; nothing happens where ``changes`` change nothing."""
        state, action = self.state.acted(label, changes)
        if action.after:
            write_text(self._action_file(action.revision), json.dumps(asdict(action)))
            gone = {step.revision for step in self.state.steps} - {step.revision for step in state.steps}
            self._keep(state)
            for revision in gone:
                self._action_file(revision).unlink(missing_ok=True)

    def undo(self, revision: int) -> None:
        """Undo the last action; ``revision`` is the state's as the caller knows it.

        Raises:
            ConflictError: something was done since.
            InputError: there is nothing to undo.
        """
        self._check(revision)
        self._keep(self.state.undone(self._read(self.state.last())))

    def redo(self, revision: int) -> None:
        """Do the next action again; see :meth:`undo`."""
        self._check(revision)
        self._keep(self.state.redone(self._read(self.state.next())))

    def note_saved(self, digest: str, entries: Changes) -> None:
        """Remember, before results are saved, what they will be made from: values by key, and their digest."""
        if self.state.saved[-1:] != (digest,):
            write_text(self._saved_file, json.dumps({"digest": digest, "entries": entries}))
            self._keep(self.state.with_saved(digest))

    def saved_entries(self) -> Changes | None:
        """Return what the results in the folder were made from when the app left them, if that is known."""
        try:
            found = json.loads(self._saved_file.read_text(encoding="utf-8"))
            return dict(found["entries"]) if (found["digest"],) == self.state.saved[-1:] else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def moved(self) -> None:
        """Know the file again after the project folder was exchanged: a copy may have another date."""
        self._stamp = _stamp(self._file)

    @property
    def _file(self) -> Path:
        return self.folder / FOLDER / "state.json"

    @property
    def _saved_file(self) -> Path:
        return self.folder / FOLDER / "saved.json"

    def _action_file(self, revision: int) -> Path:
        return self.folder / FOLDER / "actions" / f"{revision:06d}.json"

    def _check(self, revision: int) -> None:
        if revision != self.state.revision:
            raise ConflictError("this photo", self.state.revision)

    def _read(self, step: Step) -> Action:
        file = self._action_file(step.revision)
        try:
            return Action(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise InputError("an action of this project", f"a damaged one ({error!r})", file=file) from None

    def _keep(self, state: State) -> None:
        if _stamp(self._file) != self._stamp:
            raise InputError("a project that no other program works on", "one that another 'deocclude app' has changed",
                             file=self.folder, hint="close one of them, and start the other again")  # fmt: skip
        plain = {
            "format": FORMAT, "version": VERSION, "facts": self.facts, "revision": state.revision,
            "cursor": state.cursor, "steps": [asdict(step) for step in state.steps], "saved": list(state.saved),
            "entries": {key: asdict(entry) for key, entry in state.entries.items()},
        }  # fmt: skip
        write_text(self._file, json.dumps(plain))
        self.state, self._stamp = state, _stamp(self._file)


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return what tells one version of a file from another; ``None`` where there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
