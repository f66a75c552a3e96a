"""Results to disk, behind the back of the next job: computing goes on while the project folder is written."""

from __future__ import annotations

import threading
from collections.abc import Callable

from deocclude.app.session import Session
from deocclude.errors import DeoccludeError, OutputError

Failed = Callable[[str], None]
AGAIN = 30.0
"""Seconds after which what could not be written is tried again; its user may have made room on the disk."""


class Saver:
    """A thread that saves the results of sessions; of several results of one photo only the last is written.

    Results that cannot be written stay in memory and are tried again, at the end once more.
    """

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._waiting: dict[Session, Failed] = {}
        self._unwritten: set[Session] = set()
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

    def save(self, session: Session, failed: Failed) -> None:
        """Have the results of ``session`` written soon; ``failed`` is told why that was not possible."""
        with self._news:
            self._waiting[session] = failed
            self._news.notify()

    def _work(self) -> None:
        while not self._round():
            pass

    def _round(self) -> bool:
        """Write what waits; return whether that was the end."""
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._stopping, AGAIN if self._unwritten else None)
            tasks, ending = self._waiting, self._stopping
            self._waiting = {}
        for session in self._unwritten - set(tasks):
            tasks[session] = _told_before
        for session, failed in tasks.items():
            self._save(session, failed)
        return ending

    def _save(self, session: Session, failed: Failed) -> None:
        self._unwritten.discard(session)
        try:
            session.save()
        except OutputError as error:
            self._unwritten.add(session)
            failed(str(error))
        except DeoccludeError as error:
            failed(str(error))
        except Exception as error:  # a mistake of ours may cost this result, not all later ones
            failed(f"{type(error).__name__}: {error}")


def _told_before(reason: str) -> None:
    """Say nothing: whoever waited for it knows that it could not be written."""
