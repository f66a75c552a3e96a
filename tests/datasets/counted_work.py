"""Work for the tests of backends: functions of a module that other processes can import."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from deocclude.errors import InputError


def squared(number: int) -> int:
    return number * number


def refused(number: int) -> int:
    if number == 2:
        raise InputError("a small number", str(number), field="number")
    return number


def addresses() -> set[str]:
    """Return the addresses that this process and those it started listen on (Linux)."""
    inodes = {link for process in _family(os.getpid()) for link in _sockets(process)}
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                raw = bytes.fromhex(fields[1].partition(":")[0])
                words = b"".join(raw[k : k + 4][::-1] for k in range(0, len(raw), 4))
                found.add(socket.inet_ntop(family, words))
    return found


def _family(parent: int) -> set[int]:
    parents = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = {parent}
    while more := {child for child, above in parents.items() if above in family} - family:
        family |= more
    return family


def _sockets(process: int) -> list[str]:
    try:
        return [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
    except OSError:
        return []
