"""What was found before, on disk: answers and pictures with expiry and a size limit, shared by processes.

An index in SQLite, and the pictures as files named by content. A file appears whole under its name before the index
knows it, and leaves the index before it is deleted; whoever still reads it has it open.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude.errors import OutputError
from deocclude.files import atomic_file
from deocclude.references.sources.options import Storage

VERSION = 1
_DAY = 86400.0
_TOUCH = 3600.0
"""A picture's last use is noted this often, seconds."""
_TABLES = f"""
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, made REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pictures (
    url TEXT PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, made REAL NOT NULL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pictures_by_use ON pictures (used);
CREATE INDEX IF NOT EXISTS pictures_by_name ON pictures (name);
CREATE TABLE IF NOT EXISTS turns (service TEXT PRIMARY KEY, next REAL NOT NULL, held REAL NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True)
class Stored:
    """A picture in the cache.

    Attributes:
        path: the file; it may be gone by the time it is opened, when another process makes room.
        width: in pixels, upright.
        height: in pixels, upright.
    """

    path: Path
    width: int
    height: int

    @property
    def name(self) -> str:
        """Name of the file: its content's digest."""
        return self.path.name


def content_name(sha256: str, suffix: str) -> str:
    """Return the file name of a picture, which follows from its content's hexadecimal digest."""
    return sha256[:32] + suffix


class Cache:
    """The cache of one folder; one object a process and event loop."""

    def __init__(self, storage: Storage) -> None:
        """Open the cache, or make it.

        Raises:
            OutputError: it cannot be written.
        """
        self.folder, self._storage = storage.place, storage
        self._lock = threading.Lock()
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._base = self._opened()

    def close(self) -> None:
        """Make room where too much is kept, and close the index."""
        with contextlib.suppress(OutputError):
            self.make_room()
        self._base.close()

    def answer(self, key: str) -> Any:
        """Return the answer kept under ``key``, ``None`` where there is none or it is too old."""
        row = self._one("SELECT body, made FROM answers WHERE key = ?", (key,))
        if row is None or row[1] < time.time() - self._storage.answer_days * _DAY:
            return None
        try:
            return json.loads(row[0])
        except ValueError:
            return None

    def keep_answer(self, key: str, body: Any) -> None:
        """Keep an answer (JSON values) under ``key``."""
        self._do("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, time.time(), json.dumps(body)))

    def picture(self, url: str) -> Stored | None:
        """Return the picture of an address, ``None`` where there is none or it is too old."""
        now = time.time()
        row = self._one("SELECT name, width, height, made, used FROM pictures WHERE url = ?", (url,))
        if row is None or row[3] < now - self._storage.picture_days * _DAY:
            return None
        stored = Stored(self._file(row[0]), row[1], row[2])
        if not stored.path.is_file():
            self._do("DELETE FROM pictures WHERE url = ?", (url,))
            return None
        if now - row[4] > _TOUCH:
            self._do("UPDATE pictures SET used = ? WHERE url = ?", (now, url))
        return stored

    def keep_picture(self, url: str, content: bytes, suffix: str, size: tuple[int, int]) -> Stored:
        """Keep a picture, and return it.

        Args:
            url: its address.
            content: the file.
            suffix: of the file's name.
            size: width and height in pixels.

        Raises:
            OutputError: it cannot be written.
        """
        name = content_name(hashlib.sha256(content).hexdigest(), suffix)
        path, now = self._file(name), time.time()
        if not path.is_file():
            with atomic_file(path) as part:
                part.write_bytes(content)
        row = (url, name, len(content), *size, now, now)
        self._do("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return Stored(path, *size)

    def next_turn(self, service: str, interval: float) -> float:
        """Take the next free time to start a request to a service, ``interval`` seconds after the one before.

        Returns:
            Seconds since the epoch.
        """
        now = time.time()
        # A schedule that lies an hour and a hundred turns ahead without a hold stems from a clock that was set back.
        row = self._one(
            "INSERT INTO turns VALUES (:service, :now + :gap, 0) ON CONFLICT (service) DO UPDATE SET next ="
            " max(:now, held, CASE WHEN next > :now + 3600 + 100 * :gap THEN 0 ELSE next END) + :gap RETURNING next",
            {"service": service, "now": now, "gap": interval},
        )
        return float(row[0]) - interval if row else now

    def hold(self, service: str, until: float) -> None:
        """Let no request to a service start before a time."""
        self._do(
            "INSERT INTO turns VALUES (?1, 0, ?2) ON CONFLICT (service) DO UPDATE SET held = max(held, ?2)",
            (service, until),
        )

    def held_until(self, service: str) -> float:
        """Return the time before which no request to a service is to start."""
        row = self._one("SELECT held FROM turns WHERE service = ?", (service,))
        return float(row[0]) if row else 0.0

    def make_room(self) -> None:
        """Drop what is too old, and the pictures not used for longest where they take too much."""
        now = time.time()
        self._do("DELETE FROM answers WHERE made < ?", (now - self._storage.answer_days * _DAY,))
        old = "DELETE FROM pictures WHERE made < ? RETURNING name"
        much = (
            "DELETE FROM pictures WHERE url IN (SELECT url FROM (SELECT url, sum(bytes) OVER (ORDER BY used DESC, url)"
            " AS total FROM pictures) WHERE total > ?) RETURNING name"
        )
        gone = self._all(old, (now - self._storage.picture_days * _DAY,)) + self._all(
            much, (self._storage.megabytes * 1e6,)
        )
        for name in {row[0] for row in gone}:
            if not self._is_known(name):
                self._file(name).unlink(missing_ok=True)
        self._sweep(now - _TOUCH)
        self._drop_folders(now - self._storage.picture_days * _DAY)

    def _sweep(self, before: float) -> None:
        """Delete files that the index does not know; later ones may be about to be, by another process."""
        pictures = self.folder / "pictures"
        for path in pictures.rglob("*") if pictures.is_dir() else ():
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_mtime < before and not self._is_known(path.name):
                    path.unlink()

    def _drop_folders(self, before: float) -> None:
        """Delete folders of references that no job has asked for since; jobs keep what they took from them."""
        found = self._storage.references
        for folder in found.iterdir() if found.is_dir() else ():
            with contextlib.suppress(OSError):
                if folder.is_dir() and folder.stat().st_mtime < before:
                    shutil.rmtree(folder, ignore_errors=True)

    def _is_known(self, name: str) -> bool:
        return self._one("SELECT 1 FROM pictures WHERE name = ?", (name,)) is not None

    def _file(self, name: str) -> Path:
        return self.folder / "pictures" / name[:2] / name

    def _opened(self) -> sqlite3.Connection:
        """Return the index; one that is damaged, or of another version, is begun anew."""
        file = self.folder / "index.sqlite"
        for attempt in range(2):
            base = sqlite3.connect(file, timeout=30.0, isolation_level=None, check_same_thread=False)
            try:
                if base.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
                    raise sqlite3.DatabaseError("another version")
                base.execute("PRAGMA journal_mode = WAL")
                base.execute("PRAGMA synchronous = NORMAL")
                base.executescript(_TABLES)
                return base
            except sqlite3.OperationalError:
                base.close()
                raise
            except sqlite3.DatabaseError:
                base.close()
                if attempt:
                    raise
                for name in ("", "-wal", "-shm"):
                    file.with_name(file.name + name).unlink(missing_ok=True)
        raise AssertionError("unreachable")

    def _one(self, statement: str, values: Any) -> Any:
        rows = self._all(statement, values)
        return rows[0] if rows else None

    def _all(self, statement: str, values: Any) -> list[Any]:
        with self._writing(), self._lock:
            return self._base.execute(statement, values).fetchall()

    def _do(self, statement: str, values: Any) -> None:
        self._all(statement, values)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(f"{self.folder}: the cache of web searches cannot be used ({error})") from None
