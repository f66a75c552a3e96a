"""The photos of the app: where each one's project folder is, opened when it is asked for.

Addresses call a photo by an id that is looked up here, never by a path; so no address leads out of these folders.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude.app.create import new_project
from deocclude.app.journal import FOLDER, Journal
from deocclude.app.memory import Shelf
from deocclude.app.problems import MissingError
from deocclude.app.session import Session
from deocclude.app.unlisted import Unlisted
from deocclude.demo import load_demo
from deocclude.errors import InputError
from deocclude.files import check_output_folder
from deocclude.images import Photo, read_photo
from deocclude.project.store import is_project
from deocclude.scene import Scene

PHOTO_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
ROOM = 1_000_000_000
"""Bytes that open photos and their results take up together; those not used for longest are closed beyond that."""


@dataclass(frozen=True)
class Place:
    """A photo that can be opened.

    Attributes:
        identity: what addresses call it.
        name: what people call it.
        folder: its project folder; made when the photo is first opened.
        source: the photo to make it from, if it is not there yet.
    """

    identity: str
    name: str
    folder: Path
    source: Path | None = None

    @property
    def picture(self) -> Path | None:
        """The file of the photo, if that is known without opening the project."""
        name = summary_of(self.folder).get("photo")
        if name is not None:
            return self.folder / Path(str(name)).name
        return None if self.folder.exists() else self.source


class Workspace:
    """All photos that the app knows, and the open ones.

    Args:
        folder: where new project folders are made.
        target: a photo, a project folder or a folder of photos to begin with; without one, all projects in ``folder``.
        room: bytes of memory for open photos; the one used last stays open in any case.

    Raises:
        InputError: ``target`` is neither, a photo that cannot be read, or ``folder`` is a file.
    """

    def __init__(self, folder: Path, target: Path | None = None, *, room: int = ROOM) -> None:
        self.folder = folder.absolute()
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError("a folder to work in", "a file", file=self.folder, hint="name another with --workspace")
        self.lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._unlisted = Unlisted(self.folder)
        self._open: Shelf[Session] = Shelf(room)
        self._turns: dict[str, threading.Lock] = {}
        self.current: str | None = None
        if target is not None:
            self._begin_with(target.absolute())
        if target is None or target.is_file():
            self._find_projects()

    def places(self) -> list[Place]:
        """Return all photos of the list, in the order of next and previous."""
        return self._places_listed(True)

    def unlisted(self) -> list[Place]:
        """Return the photos that were taken off the list."""
        return self._places_listed(False)

    def set_listed(self, identity: str, listed: bool) -> Place:
        """Take a photo off the list, or put it back; none of its files is touched.

        Raises:
            MissingError: there is no photo of this id.
            OutputError: that cannot be written down; the list stays as it was.
        """
        place = self.place(identity)
        with self.lock:
            if listed:
                self._unlisted.put_back(identity)
            else:
                self._unlisted.leave_out(identity)
                self.current = None if self.current == identity else self.current
        return place

    def session(self, identity: str) -> Session:
        """Return a photo, opened.

        Raises:
            MissingError: there is no photo of this id.
            InputError: its files are damaged.
        """
        place = self.place(identity)
        with self._turn(identity):
            session = self._open.use(identity)
            if session is None:
                photo: Photo | None = None
                notes: tuple[str, ...] = ()
                if not (Journal.exists(place.folder) or is_project(place.folder)):
                    if place.source is None:
                        raise MissingError("photo", identity)
                    photo, notes = _with_masks_beside(place.folder, place.source, place.name)
                session = Session.open(identity, place.folder, photo)
                session.notice = "; ".join(notes) or session.notice
                self._open.add(session)
            return session

    def place(self, identity: str) -> Place:
        """Return where a photo is.

        Raises:
            MissingError: there is no photo of this id.
        """
        place = self._places.get(identity)
        if place is None:
            raise MissingError("photo", identity)
        return place

    def opened(self, identity: str) -> Session | None:
        """Return a photo if it is open."""
        return self._open.find(identity)

    def add(self, photo: Path, name: str, masks: Path | Scene | None = None) -> Session:
        """Make a project of a new photo, whose file may go afterwards.

        Raises:
            InputError: the photo or the masks are unusable; nothing was written.
        """
        identity = self._reserve(name)
        with self._turn(identity):
            folder = self.folder / identity
            taken, notes = new_project(folder, photo, name, masks)
            session = Session.open(identity, folder, taken)
            session.notice = "; ".join(notes) or None
            self._open.add(session)
            self._add_place(Place(identity, name, folder))
        return session

    def demo(self, name: str) -> Session:
        """Open a demo; a new project, unless there is one.

        Raises:
            InputError: no such demo.
        """
        example = load_demo(name)
        identity = f"demo-{name}"
        with self._turn(identity):
            if not self._taken(identity):
                new_project(self.folder / identity, example.photo_path, example.photo_path.name, example.scene)
            self._add_place(Place(identity, example.photo_path.name, self.folder / identity))
        self.set_listed(identity, True)
        return self.session(identity)

    def _places_listed(self, listed: bool) -> list[Place]:
        with self.lock:
            return [place for place in self._places.values() if (place.identity not in self._unlisted) is listed]

    def _turn(self, identity: str) -> threading.Lock:
        """Return what whoever opens a photo holds: large ones take seconds, in which all others can be used."""
        with self.lock:
            return self._turns.setdefault(identity, threading.Lock())

    def _reserve(self, name: str) -> str:
        """Return an identity for a new photo that no other one gets."""
        with self.lock:
            number = 1
            while (identity := _identity(name, f"{name}/{number}")) in self._turns or self._known(identity):
                number += 1
            self._turns[identity] = threading.Lock()
            return identity

    def _known(self, identity: str) -> bool:
        return identity in self._places or self._taken(identity)

    def _taken(self, identity: str) -> bool:
        return (self.folder / identity).exists()

    def _begin_with(self, target: Path) -> None:
        if target.is_dir() and (is_project(target) or Journal.exists(target)):
            check_output_folder(target, force=True)  # results replace it as a whole
            self._add_place(Place(_identity(target.name, str(target)), _name_in(target), target))
        elif target.is_dir():
            photos = sorted(filter(_is_photo, target.iterdir()))
            if not photos:
                raise InputError("a photo, a project folder or a folder of photos", "a folder without", file=target)
            for photo in photos:
                self._add_photo(photo)
        elif target.is_file():
            read_photo(target, convert=True)  # refused here, where whoever named it sees it
            self._add_photo(target)
        else:
            raise InputError("a photo, a project folder or a folder of photos", "no such file", file=target)
        if not self.places():
            self._unlisted.put_back(*self._places)  # whoever names a photo wants to see it
        self.current = self.places()[0].identity

    def _add_photo(self, photo: Path) -> None:
        identity = _identity(photo.name, str(photo))
        self._add_place(Place(identity, photo.name, self.folder / identity, photo))

    def _add_place(self, place: Place) -> None:
        with self.lock:
            self._places.setdefault(place.identity, place)

    def _find_projects(self) -> None:
        folders = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        for folder in folders:
            if not folder.name.startswith(".") and (is_project(folder) or Journal.exists(folder)):
                # A folder that its user named may have letters that mean something in an address.
                safe = re.fullmatch(r"[\w.~-]+", folder.name, re.ASCII)
                identity = folder.name if safe else _identity(folder.name, folder.name)
                self._add_place(Place(identity, _name_in(folder), folder))
        known = [place for place in self.places() if place.folder.is_dir()]
        if self.current is None and known:
            self.current = max(known, key=lambda place: place.folder.stat().st_mtime).identity


def summary_of(folder: Path) -> dict[str, Any]:
    """Return what is known about a photo without opening it: name, width, height, objects, done; else nothing."""
    try:
        found = json.loads((folder / FOLDER / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _with_masks_beside(folder: Path, photo: Path, name: str) -> tuple[Photo, tuple[str, ...]]:
    """Make a project of a photo with the masks in the JSON file of its name, if there is one; what is none is noted."""
    masks = photo.with_suffix(".json")
    if not masks.is_file():
        return new_project(folder, photo, name)
    try:
        return new_project(folder, photo, name, masks)
    except InputError as error:
        made, _ = new_project(folder, photo, name)
        return made, (f"The masks that lie beside the photo were not taken: {error}",)


def _is_photo(path: Path) -> bool:
    """Whether a file of a folder is meant as a photo; hidden ones (as other systems leave behind) are not."""
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _name_in(folder: Path) -> str:
    return str(summary_of(folder).get("name", folder.name))


def _identity(name: str, unique: str) -> str:
    """Return a name that is safe in an address and as a folder, of the photo's name and what tells it apart."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-")[:40]
    return f"{stem or 'photo'}-{hashlib.sha256(unique.encode()).hexdigest()[:8]}"
