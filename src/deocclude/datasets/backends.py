"""Do many pieces of work: one after the other, in several processes of this machine, or on a Ray cluster.

All give the same results in the same order; a piece of work is a picklable argument to a function of a module.
"""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from deocclude.errors import InputError, MissingExtraError, unknown_choice

Job = TypeVar("Job")
Result = TypeVar("Result")
Work = Callable[[Any], Any]
AHEAD = 4
"""Pieces of work that are under way for each process, so that results do not pile up."""
LOOPBACK = "127.0.0.1"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray reports nothing to anybody, and leaves the accelerators' variables alone."""


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        backend: a key of :data:`BACKENDS`.
        processes: how many at a time, on a Ray cluster of this machine too; negative counts from the number of
            cores, -1 being all of them. A cluster that is there already has its own number.
    """

    backend: str = "local"
    processes: int = 1

    def check(self) -> None:
        """Refuse a backend that there is not.

        Raises:
            InputError: no such backend.
        """
        if self.backend not in BACKENDS:
            raise unknown_choice("backend", self.backend, BACKENDS)


def local(work: Work, jobs: Sequence[Any], processes: int) -> Iterator[Any]:
    """Yield the results, made in processes of this machine by joblib; in this very process where one is asked for."""
    import joblib

    runner = joblib.Parallel(n_jobs=processes, return_as="generator", batch_size=1, pre_dispatch="2*n_jobs")
    yield from runner(joblib.delayed(work)(job) for job in jobs)


def on_ray(work: Work, jobs: Sequence[Any], processes: int) -> Iterator[Any]:
    """Yield the results, made on the Ray cluster of ``RAY_ADDRESS``, or on one that lives only here and meanwhile.

    A cluster made here listens on the loopback interface only, without a dashboard, and reports nothing to anybody.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: the cluster cannot be reached.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if "RAY_ADDRESS" not in os.environ:
        # What Ray does on systems whose firewalls ask: the only way to make it listen on the loopback interface.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise MissingExtraError("--backend ray", "cluster") from None
    mine = not ray.is_initialized()
    if mine:
        _connect(ray, processes)
    try:
        task = ray.remote(num_cpus=1, max_retries=2)(_quiet(work))
        width = max(1, int(ray.cluster_resources().get("CPU", 1))) * AHEAD
        under_way = [task.remote(job) for job in jobs[:width]]
        for number in range(len(jobs)):
            yield ray.get(under_way[number])
            under_way[number] = None
            if width + number < len(jobs):
                under_way.append(task.remote(jobs[width + number]))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    finally:
        if mine:
            ray.shutdown()


BACKENDS: dict[str, Callable[[Work, Sequence[Any], int], Iterator[Any]]] = {"local": local, "ray": on_ray}
"""Where work is done, by name."""


def spread(work: Callable[[Job], Result], jobs: Sequence[Job], workers: Workers | None = None) -> Iterator[Result]:
    """Yield ``work(job)`` for all jobs, in their order.

    Args:
        work: a function of a module.
        jobs: its arguments, picklable.
        workers: who does it.

    Raises:
        InputError: no such backend, or an unreachable cluster.
        MissingExtraError: the backend is not installed.
    """
    workers = workers or Workers()
    workers.check()
    return BACKENDS[workers.backend](work, jobs, workers.processes)


def _connect(ray: Any, processes: int) -> None:
    address = os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "configure_logging": False}
    if not address:
        count = processes if processes > 0 else max(1, (os.cpu_count() or 1) + 1 + processes)
        ray.init(address="local", num_cpus=count, include_dashboard=False, _node_ip_address=LOOPBACK, **quiet)
        return
    try:
        _check_answer(address)
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError("the address of a Ray cluster that answers", f"{address} ({error})", field="RAY_ADDRESS",
                         hint="unset it to use this machine") from None  # fmt: skip


def _check_answer(address: str) -> None:
    """Refuse a cluster at HOST:PORT where nobody listens; Ray itself would try for minutes, then end the process.

    Raises:
        OSError: nobody answers.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _quiet(work: Work) -> Work:
    """Return ``work`` under a plain function, which Ray takes whatever the original is."""

    def piece(job: Any) -> Any:
        return work(job)

    return piece
