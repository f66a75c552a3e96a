"""Writing without loss: a result appears whole under its name, or the old one stays.

Everything is written under a temporary name beside the target and renamed at the end.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deocclude.errors import InputError, OutputError


@contextlib.contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it is renamed to ``target``, on failure removed.

    Raises:
        OutputError: the disk is full, or the place is not writable; ``target`` is as it was.
    """
    with _as_output_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=f".part{target.suffix}", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder; on success it takes the place of ``target`` (if any), on failure it is removed.

    Raises:
        OutputError: the disk is full, or the place is not writable; ``target`` is as it was.
    """
    with _as_output_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _exchange(temporary, target)
        except OutputError as error:  # of a file inside: name the folder that was asked for, not the temporary one
            raise OutputError(str(error).replace(str(temporary), str(target))) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8 under ``target``, whole or not at all."""
    with atomic_file(target) as part:
        part.write_text(text, encoding="utf-8")


def check_output_folder(target: Path, *, force: bool) -> None:
    """Check that a result folder can be made at ``target``.

    Raises:
        InputError: it is a file, the current folder, a mount point, or a folder with something in it and
            ``force`` is not set.
        OutputError: the place is not writable, or lies inside a file.
    """
    if target.exists() and not target.is_dir():
        raise InputError("a folder to write to", "a file", file=target, hint="name another output folder with -o")
    here = target.resolve() == Path.cwd()
    if here or target.absolute().is_mount():
        found = "the current folder" if here else "a mount point"
        raise InputError("an output folder that can be replaced as a whole", found, file=target,
                         hint="name a folder inside it with -o")  # fmt: skip
    with _as_output_error(target):
        if target.is_dir() and any(target.iterdir()) and not force:
            raise InputError(
                "an empty or new output folder",
                "one with files in it",
                file=target,
                hint="pass --force to replace its contents, or name another with -o",
            )
        existing = next(parent for parent in target.absolute().parents if parent.exists())
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{existing} is no folder")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"no permission to write in {existing}")


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _exchange(new: Path, target: Path) -> None:
    if not target.exists():
        new.replace(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _as_output_error(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{target}: cannot be written ({reason}); what was there before is unchanged") from error
