"""Long work: one job at a time in the worker process, with progress and cancel."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from deocclude.app.candidates import Candidates, paint_candidates
from deocclude.app.events import Broker
from deocclude.app.problems import MissingError
from deocclude.app.saver import Saver
from deocclude.app.session import Session
from deocclude.app.worker import CancelledError, Worker
from deocclude.errors import DeoccludeError
from deocclude.pipeline import run
from deocclude.plan import STAGES, Settings
from deocclude.project.state import Project
from deocclude.stages import Progress

HEAD_START = 1.5
"""Seconds that the page has for itself before the process is started, which takes as long and a whole core."""
KEPT = 100
"""Jobs that are remembered after their end."""


@dataclass(eq=False)
class Job:
    """Work that takes a while; changes as it goes on.

    Attributes:
        id: number.
        kind: ``compute`` or ``candidates``.
        photo: identity of the photo that it is about.
        session: that photo; none once the job is over, or a list of old jobs would keep photos in memory.
        until: the last stage to compute.
        hole: the hole to paint, for ``candidates``.
        status: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        stage: what is being done.
        done: steps done.
        total: steps in all.
        error: why it failed.
    """

    id: int
    kind: str
    photo: str
    session: Session | None
    until: str = STAGES[-1]
    hole: int | None = None
    status: str = "queued"
    stage: str | None = None
    done: int = 0
    total: int = 0
    error: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ("done", "failed", "cancelled")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        error = None if self.error is None else {"code": "failed", "message": self.error, "field": None, "hint": None}
        return {
            "id": self.id, "kind": self.kind, "photo": self.photo, "status": self.status,
            "stage": self.stage, "done": self.done, "total": self.total, "hole": self.hole, "error": error,
        }  # fmt: skip


def compute(project: Project, settings: Settings, until: str, progress: Progress) -> Project:
    """Compute what has changed; runs in the worker."""
    return run(project, settings, until=until, progress=progress)


class Jobs:
    """The queue of jobs, and the thread that works it off.

    Args:
        broker: is told of every step.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._worker = Worker()
        self._saver = Saver()
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._count = 0
        self._stopping = False

    def start(self) -> None:
        """Start the threads and, ahead of the first job, the process."""
        self._saver.start()
        self._thread = threading.Thread(target=self._work, name="deocclude-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all of them; a job that runs is lost, the results from before stay and are written."""
        with self._lock:
            self._stopping = True
            self._worker.cancel()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(10)
        self._worker.stop()
        self._saver.stop()

    @property
    def writing(self) -> bool:
        """Whether there are results that are not on the disk yet."""
        return bool(self._saver.unwritten())

    def unfinished(self) -> list[str]:
        """Return a line for each photo of which something is lost when all ends now."""
        with self._lock:
            running = {job.session.name: None for job in self._jobs.values() if job.session is not None}
        stopped = [f"{name}: stopped while something was computed; its steps compute it again" for name in running]
        lost = "; what you did by hand is stored, and its steps compute them again"
        return stopped + [f"{name}: the last results are lost ({why}){lost}" for name, why in self._saver.unwritten()]

    def submit(self, kind: str, session: Session, *, until: str = STAGES[-1], hole: int | None = None) -> Job:
        """Add a job; one that waits already for the same is taken instead."""
        with self._lock:
            for job in self._jobs.values():
                if job.status == "queued" and (job.kind, job.photo, job.hole) == (kind, session.identity, hole):
                    job.until = max(job.until, until, key=STAGES.index)
                    return job
            self._count += 1
            job = self._jobs[self._count] = Job(self._count, kind, session.identity, session, until, hole)
            for old in [item.id for item in self._jobs.values() if item.over][:-KEPT]:
                del self._jobs[old]
        self._tell(job)
        self._queue.put(job)
        return job

    def find(self, identity: int) -> Job:
        """Return a job.

        Raises:
            MissingError: there is none of this number.
        """
        job = self._jobs.get(identity)
        if job is None:
            raise MissingError("job", identity)
        return job

    def current(self, session: Session) -> Job | None:
        """Return the job of a photo that runs or waits, if any."""
        with self._lock:
            waiting = [job for job in self._jobs.values() if job.photo == session.identity and not job.over]
        return waiting[0] if waiting else None

    def cancel(self, identity: int) -> Job:
        """Stop a job; nothing happens where it is over.

        Raises:
            MissingError: there is none of this number.
        """
        job = self.find(identity)
        with self._lock:
            if job.status == "running":
                self._worker.cancel()
            elif job.status == "queued":
                job.status, job.session = "cancelled", None
        self._tell(job)
        return job

    def _work(self) -> None:
        try:
            job = self._queue.get(timeout=HEAD_START)
        except queue.Empty:
            with contextlib.suppress(Exception):  # the first job tries again, and says what is wrong
                self._worker.warm_up()
            job = self._queue.get()
        while job is not None:
            self._do(job)
            job = self._queue.get()

    def _begin(self, job: Job) -> Session | None:
        """Return the photo to work on; none where the job was cancelled, or all end."""
        with self._lock:
            if job.status != "queued" or self._stopping:
                return None
            job.status = "running"
            self._worker.ready()
        self._tell(job)
        return job.session

    def _do(self, job: Job) -> None:
        session = self._begin(job)
        if session is None:
            return
        status, error = self._attempt(job, session)
        if status == "done" or not self._stopping:  # else nobody cancelled it, and it has not failed
            self._finish(job, session, status, error)

    def _attempt(self, job: Job, session: Session) -> tuple[str, str | None]:
        try:
            _KINDS[job.kind](self, job, session)
        except CancelledError:
            return "cancelled", None
        except (DeoccludeError, RuntimeError) as error:
            return "failed", str(error)
        except Exception as error:  # a mistake of ours may cost this job, not all later ones
            return "failed", f"{type(error).__name__}: {error}"
        return "done", None

    def _finish(self, job: Job, session: Session, status: str, error: str | None) -> None:
        job.error, job.status, job.session = error, status, None
        if status == "done":
            self._broker.publish(job.photo, "results", {"revision": session.state.revision})
        self._tell(job)
        if status == "done" and job.kind == "compute":
            self._saver.save(session, partial(self._written, job, session.state.revision))

    def _written(self, job: Job, revision: int, reason: str | None) -> None:
        if reason is not None:
            job.error, job.status = reason, "failed"
            self._tell(job)
        self._broker.publish(job.photo, "results", {"revision": revision})

    def _compute(self, job: Job, session: Session) -> None:
        snapshot = session.snapshot()
        arguments = (snapshot.project, snapshot.settings, job.until)
        session.accept(self._worker.run(compute, arguments, self._progress(job)))

    def _paint(self, job: Job, session: Session) -> None:
        assert job.hole is not None  # of this kind of job
        snapshot = session.snapshot()
        arguments = (snapshot.project, snapshot.settings, job.hole)
        found: Candidates | None = self._worker.run(paint_candidates, arguments, self._progress(job))
        if found is not None:
            session.candidates[job.hole] = found

    def _progress(self, job: Job) -> Progress:
        def report(stage: str, done: int, total: int) -> None:
            job.stage, job.done, job.total = stage, done, total
            self._tell(job)

        return report

    def _tell(self, job: Job) -> None:
        self._broker.publish(job.photo, "job", job.to_json())


_KINDS: dict[str, Callable[[Jobs, Job, Session], None]] = {"compute": Jobs._compute, "candidates": Jobs._paint}
