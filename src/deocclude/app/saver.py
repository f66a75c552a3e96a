"""Results to disk, behind the back of the next job: computing goes on while the project folder is written."""

from __future__ import annotations

import threading
from collections.abc import Callable

from deocclude.app.session import Session
from deocclude.errors import DeoccludeError, OutputError

Told = Callable[[str | None], None]
AGAIN = 30.0
"""Seconds after which what could not be written is tried again; its user may have made room on the disk."""


class Saver:
    """A thread that saves the results of sessions; of several results of one photo only the last is written.

    Results that cannot be written stay in memory and are tried again, at the end once more.
    """

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._waiting: dict[Session, Told] = {}
        self._unwritten: dict[Session, tuple[Told, str]] = {}
        self._missing: dict[Session, str] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, name="deocclude-saver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        with self._news:
            self._stopping = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()

    def save(self, session: Session, told: Told) -> None:
        """Have the results of ``session`` written soon.

        ``told`` is called with the reason if that was not possible, and with ``None`` once it was after all.
        """
        with self._news:
            self._waiting[session] = told
            self._missing[session] = "stopped before they were written"
            self._news.notify()

    def unwritten(self) -> list[tuple[str, str]]:
        """Return the names of the photos whose last results are not on the disk, each with the reason."""
        with self._news:
            return [(session.name, reason) for session, reason in self._missing.items()]

    def _work(self) -> None:
        while not self._round():
            pass

    def _round(self) -> bool:
        """Write what waits; return whether that was the end."""
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._stopping, AGAIN if self._unwritten else None)
            tasks, ending = self._waiting, self._stopping
            self._waiting = {}
        for session, (told, _) in self._unwritten.items():
            tasks.setdefault(session, told)
        for session, told in tasks.items():
            self._save(session, told)
        return ending

    def _save(self, session: Session, told: Told) -> None:
        before = self._unwritten.pop(session, None)
        reason: str | None = None
        try:
            session.save()
        except OutputError as error:
            reason = str(error)
            self._unwritten[session] = told, reason
        except DeoccludeError as error:
            reason = str(error)
        except Exception as error:  # a mistake of ours may cost this result, not all later ones
            reason = f"{type(error).__name__}: {error}"
        self._note(session, reason)
        if reason != (before and before[1]):  # else it is known
            told(reason)

    def _note(self, session: Session, reason: str | None) -> None:
        with self._news:
            if session in self._waiting:
                return  # newer results wait already
            if reason is None:
                self._missing.pop(session, None)
            else:
                self._missing[session] = reason
