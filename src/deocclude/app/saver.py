"""Results to disk, behind the back of the next job: computing goes on while the project folder is written."""

from __future__ import annotations

import threading
from collections.abc import Callable

from deocclude.app.session import Session
from deocclude.errors import DeoccludeError

Failed = Callable[[str], None]


class Saver:
    """A thread that saves the results of sessions; of several results of one photo only the last is written."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._waiting: dict[Session, Failed] = {}
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
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._stopping)
                if not self._waiting:
                    return
                session = next(iter(self._waiting))
                failed = self._waiting.pop(session)
            try:
                session.save()
            except DeoccludeError as error:
                failed(str(error))
            except Exception as error:  # a mistake of ours may cost this result, not all later ones
                failed(f"{type(error).__name__}: {error}")
