"""Writing without loss: a result appears whole under its name, or the old one stays; and what files hold, kept.

Everything is written under a temporary name beside the target and renamed at the end; a folder changes places with the
old one in a single step where the system can do that.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, TypeVar

from deocclude.errors import InputError, OutputError

T = TypeVar("T")


@contextlib.contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it is renamed to ``target``, on failure removed.

    Raises:
        OutputError: the disk is full, or the place is not writable; ``target`` is as it was.
    """
    with _as_output_error(target):
        if target.exists() and not target.is_file():  # renaming would put a file in the place of /dev/null
            raise OSError(errno.EINVAL, "it is a folder" if target.is_dir() else "it is a device or a pipe")
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_prefix(target), suffix=f".part{target.suffix}", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path, *, replaced: Collection[str] | None = None) -> Iterator[Path]:
    """Yield a temporary folder; on success it takes the place of ``target`` (if any), on failure it is removed.

    Where ``target`` is a link, the folder that it leads to is replaced and the link stays.

    Args:
        target: the folder.
        replaced: old results that go, as paths below it with ``/``, besides those that are written anew; all else that
            lies there comes along (see :func:`keep_others`). ``None`` where nothing does, or the caller brings it.

    Raises:
        OutputError: the disk is full, or the place is not writable; ``target`` is as it was.
    """
    with _as_output_error(target):
        target = target.resolve() if target.is_symlink() else target
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=_prefix(target), suffix=".part", dir=target.parent))
        try:
            yield temporary
            if replaced is not None:
                keep_others(target, temporary, replaced)
            temporary.chmod(0o777 & ~_umask())
            _exchange(temporary, target)
        except OutputError as error:  # of a file inside: name the folder that was asked for, not the temporary one
            raise OutputError(str(error).replace(str(temporary), str(target))) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def only_writer(lock: Path, whole: str, hint: str) -> Iterator[None]:
    """Hold a lock while the folder around it is written; the system lets go of it should this process be killed.

    Args:
        lock: a file in the folder, made where it is not there.
        whole: what the folder holds, such as "an index".
        hint: what whoever comes second can do.

    Raises:
        InputError: another process writes there.
        OutputError: the folder is not writable.
    """
    with _as_output_error(lock.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        opened = lock.open("a+", encoding="ascii")
    with opened as file:
        if not _locked(file):
            file.seek(0)
            raise InputError(f"{whole} that nobody changes", f"one that process {file.read().strip()} is changing",
                             file=lock.parent, hint=hint)  # fmt: skip
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def _locked(file: IO[str]) -> bool:
    """Take the lock of an open file without waiting; return whether that was possible."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0x7FFFFFFF)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8 under ``target``, whole or not at all."""
    with atomic_file(target) as part:
        part.write_bytes(encoded(text))


def encoded(text: str) -> bytes:
    r"""Return ``text`` as UTF-8; what that cannot hold is escaped.

    Names of files need not be UTF-8 (Python keeps their other bytes as surrogates). Written as ``\udcXX`` they make no
    file unreadable, and JSON reads them back as they were.
    """
    return text.encode("utf-8", "backslashreplace")


REPLACE = "pass --force (in Python force=True) to replace its contents, or name another with -o"


def check_output_folder(target: Path, *, force: bool, hint: str = REPLACE) -> None:
    """Check that a result folder can be made at ``target``.

    Args:
        target: the folder.
        force: it may have something in it.
        hint: what to do where it has and may not.

    Raises:
        InputError: it is a file, the current folder, a mount point, or a folder with something in it and
            ``force`` is not set.
        OutputError: the place is not writable, or lies inside a file.
    """
    with _as_output_error(target):
        if target.exists() and not target.is_dir():
            raise InputError("a folder to write to", "a file", file=target, hint="name another output folder with -o")
        here = target.resolve() == Path.cwd()
        if here or target.absolute().is_mount():
            found = "the current folder" if here else "a mount point"
            raise InputError("an output folder that can be replaced as a whole", found, file=target,
                             hint="name a folder inside it with -o")  # fmt: skip
        if target.is_dir() and any(target.iterdir()) and not force:
            raise InputError(
                "an empty or new output folder",
                "one with files in it",
                file=target,
                hint=hint,
            )
        existing = next(parent for parent in target.absolute().parents if parent.exists())
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{existing} is no folder")
        for place in (existing, target):  # a folder that is protected is not replaced as a whole, either
            if place.exists() and not os.access(place, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, f"no permission to write in {place}")


def keep_others(folder: Path, part: Path, ours: Collection[str]) -> None:
    """Bring along to ``part``, which is to replace ``folder``, what a user put there: files, links, empty folders.

    Args:
        folder: the old folder; nothing happens where it is absent.
        part: the new one, written already; its files win.
        ours: files of the old folder that are results, as paths below it with ``/``, and not to be kept.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        target = part / name
        if name.as_posix() in ours or target.exists() or target.is_symlink():
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                target.mkdir(parents=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(path, target, follow_symlinks=False)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def until_changed(count: int) -> Callable[[Callable[[Path], T]], Callable[[Path], T]]:
    """Keep what a function makes of the last ``count`` files or folders, each until its time or size changes."""

    def keeping(make: Callable[[Path], T]) -> Callable[[Path], T]:
        @lru_cache(maxsize=count)
        def kept(path: Path, time: int, size: int) -> T:
            return make(path)

        return lambda path: kept(path, (status := path.stat()).st_mtime_ns, status.st_size)

    return keeping


def _prefix(target: Path) -> str:
    """Return how a temporary name beside ``target`` begins; short, since ``target`` may have the longest name there is.

    40 characters take at most 160 of the 255 bytes that file systems allow.
    """
    return f".{target.name[:40]}."


def _exchange(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``; what was there is removed, or lies under the name of ``new``."""
    if not target.exists():
        new.replace(target)
        return
    if _swapped(new, target):
        return
    old = Path(tempfile.mkdtemp(prefix=_prefix(target), suffix=".old", dir=target.parent))
    try:
        target.replace(old / "content")
        try:
            new.replace(target)
        except OSError:
            (old / "content").replace(target)
            raise
    except OSError:
        # Only the empty folder goes: should moving back have failed too, the old content stays here.
        with contextlib.suppress(OSError):
            old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def _swapped(first: Path, second: Path) -> bool:
    """Exchange two paths in one step, and return whether that was possible (Linux, most file systems)."""
    at_here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(at_here, os.fsencode(first), at_here, os.fsencode(second), exchange) == 0)


@cache
def _umask() -> int:
    """Return the permissions that new files of this process lack; asking changes them for a moment, so only once."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _as_output_error(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{target}: cannot be written ({reason}); what was there before is unchanged") from error
