"""The process that computes: one at a time, so that the server stays quick and a job can be stopped at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from deocclude.errors import DeoccludeError
from deocclude.stages import Progress

Task = Callable[..., Any]
"""What is computed: a function of a module, called as ``task(*arguments, progress)`` in the worker."""


class CancelledError(Exception):
    """The job was stopped by its user."""


class Worker:
    """A process that is started ahead of its first task, and replaced where a task is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._process: Any = None
        self._pipe: Connection | None = None

    def warm_up(self) -> None:
        """Start the process, unless it runs; it loads the networks' library by itself."""
        with self._lock:
            if self._process is None or not self._process.is_alive():
                if self._pipe is not None:
                    self._pipe.close()  # of the process that is gone
                context = multiprocessing.get_context("spawn")
                self._pipe, theirs = context.Pipe()
                self._process = context.Process(target=_serve, args=(theirs,), daemon=True, name="deocclude-worker")
                with _deaf():
                    self._process.start()
                theirs.close()

    def run(self, task: Task, arguments: tuple[Any, ...], progress: Progress) -> Any:
        """Run a task and return its result; one at a time.

        Raises:
            CancelledError: :meth:`cancel` was called.
            DeoccludeError: the task raised it.
            RuntimeError: the process died, or the task raised something else.
        """
        self.warm_up()
        pipe = self._pipe
        assert pipe is not None  # made by warm_up
        try:
            while True:
                if self._cancel.is_set():
                    raise CancelledError
                if pipe.poll(0.05):
                    kind, content = pipe.recv()
                    if kind == "ready":  # not before: sending waits for a process that starts, and hears no cancel
                        pipe.send((task, arguments))
                    elif kind == "progress":
                        progress(*content)
                    else:
                        break
        except (EOFError, OSError):
            self.stop()
            raise RuntimeError("the computing process died (out of memory?)") from None
        except CancelledError:
            self.stop()
            self.warm_up()
            raise
        if kind == "done":
            return content
        raise content

    def ready(self) -> None:
        """Forget that anything was stopped: the next task is another one."""
        self._cancel.clear()

    def cancel(self) -> None:
        """Stop the task that runs, if any."""
        self._cancel.set()

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
                process.join()
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that no Ctrl-C ends: it reaches all of a terminal, and the server says what becomes of a job."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # else it is started with the first process, and hears the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the process takes it over from this thread
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection) -> None:
    """Compute what is asked for until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for where _deaf cannot
    with contextlib.suppress(EOFError, OSError):
        # Now, so that the first task need not wait for them.
        import networkx  # noqa: F401

        import deocclude.nets.completer  # noqa: F401

        while True:
            pipe.send(("ready", None))
            task, arguments = pipe.recv()
            pipe.send(_answer(task, arguments, lambda *step: pipe.send(("progress", step))))
            del task, arguments  # or a large photo would stay in memory until the next task


def _answer(task: Task, arguments: tuple[Any, ...], progress: Progress) -> tuple[str, Any]:
    try:
        return "done", task(*arguments, progress)
    except DeoccludeError as error:
        return "failed", error
    except MemoryError:
        return "failed", RuntimeError("not enough memory")
    except Exception as error:
        return "failed", RuntimeError(f"{type(error).__name__}: {error}")
